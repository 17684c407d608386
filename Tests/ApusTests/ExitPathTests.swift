import Testing

@testable import apus

/// A small image as `llvm-objdump` and `llvm-nm` print one.
@Suite struct ExitPathTests {
  private static let symbols = """
    0000000000001000 T root
    0000000000001000 t $x
    0000000000001020 t handler
    0000000000001030 t helper
    0000000000001040 T memcpy
    0000000000001050 t cold_end
    0000000000002000 d table
    """

  private static func listing(handler: String) -> String {
    """
    image:	file format elf64-littleaarch64

    0000000000001000 <root>:
        1000: 	stp	x29, x30, [sp, #-16]!
        1004: 	cbz	x0, 0x1010 <root+0x10>
        1008: 	bl	0x1020 <handler>
        100c: 	b	0x1014 <root+0x14>
        1010: 	bl	0x1050 <cold_end>
        1014: 	ldp	x29, x30, [sp], #16
        1018: 	ret

    0000000000001020 <handler>:
    \(handler)

    0000000000001030 <helper>:
        1030: 	add	x0, x0, #1
        1034: 	ret

    0000000000001040 <memcpy>:
        1040: 	ret

    0000000000001050 <cold_end>:
        1050: 	fmov	d0, x0
        1054: 	brk	#0x1
    """
  }

  private static func path(handler: String) -> ExitPath {
    let rules = ExitPathRules(
      roots: ["root"], cold: ["cold_end"], indirect: [], forbidden: ExitPathRules.neverCalled, rows: [],
      instructions: ExitPathRules.aarch64.instructions)
    return ExitPath(Disassembly(listing: listing(handler: handler), symbols: symbols), rules)
  }

  @Test func aPathThatKeepsTheRulesHasNoProblems() {
    #expect(Self.path(handler: "    1020: \tb\t0x1030 <helper>").problems().isEmpty)
  }

  @Test func codeWithoutANameIsNotPartOfTheFunctionBeforeIt() {
    let listing = Self.listing(handler: "    1020: \tret\n    1024: \tb\t0x1040 <memcpy>")
    let image = Disassembly(listing: listing, symbols: Self.symbols + "\n0000000000001024 t $x")
    #expect(image.function(named: "handler")?.instructions.count == 1)
    #expect(image.function(at: 0x1024)?.name == "code at 1024")
  }

  @Test func aCallOfACopyIsFoundWithTheWayToIt() {
    let problems = Self.path(handler: "    1020: \tbl\t0x1040 <memcpy>\n    1024: \tret").problems()
    #expect(problems == ["root → handler calls memcpy"])
  }

  @Test func floatingPointIsFound() {
    let problems = Self.path(handler: "    1020: \tstr\tq0, [x1]\n    1024: \tret").problems()
    #expect(problems == ["root → handler uses floating point: str q0, [x1]"])
  }

  @Test func aCallThroughAPointerIsFoundWhereNoneIsAllowed() {
    let problems = Self.path(handler: "    1020: \tblr\tx8\n    1024: \tret").problems()
    #expect(problems == ["root → handler calls through a pointer at 1020"])
  }

  @Test func aMissingRootIsTold() {
    let rules = ExitPathRules(
      roots: ["vectors"], cold: [], indirect: [], forbidden: [], rows: [],
      instructions: ExitPathRules.aarch64.instructions)
    #expect(ExitPath(Disassembly(listing: "", symbols: ""), rules).problems() == ["the image has no vectors"])
  }

  @Test func theStraightPathIsTheShortestThroughTheNamedFunctions() {
    let path = Self.path(handler: "    1020: \tb\t0x1030 <helper>")
    // STP, CBZ, BL, B to the helper, its two, B, LDP, RET.
    #expect(path.straightPath(of: .init(id: "row", way: ["root", "handler"])) == 9)
    #expect(path.straightPath(of: .init(id: "row", way: ["root", "handler", "helper"])) == 9)
    #expect(path.straightPath(of: .init(id: "row", way: ["root", "memcpy"])) == nil)
  }

  @Test func anInstructionIsReadWithItsTarget() {
    let line = "ff0000007bbc: \tb.ne\t0xff0000007c24 <f+0x68>"
    #expect(
      Disassembly.instruction(line[...])
        == .init(
          address: 0xff00_0000_7bbc, mnemonic: "b.ne", operands: "0xff0000007c24", target: 0xff00_0000_7c24))
    #expect(Disassembly.instruction("0000000000001000 <root>:") == nil)
  }
}
