import Testing
import Virtualization

@testable import X86_64

/// Encodings as binutils' assembler makes them.
struct InstructionDecoderTests {
  private func decode(_ bytes: [UInt8], _ width: CodeWidth = .bits64) -> MemoryInstruction? {
    var instruction = InstructionBytes()
    for byte in bytes { instruction.append(byte) }
    return MemoryInstruction(instruction, width)
  }

  private func register(_ number: Int, high: Bool = false) -> MemoryInstruction.Register {
    MemoryInstruction.Register(number: number, isHighByte: high)
  }

  @Test func `loads`() {
    // mov (%rdi),%eax
    #expect(decode([0x8b, 0x07])! == (2, .word, .load(into: register(0), to: .word, isSigned: false)))
    // mov 0xfee00020(%rax),%r9d
    #expect(
      decode([0x44, 0x8b, 0x88, 0x20, 0x00, 0xe0, 0xfe])!
        == (7, .word, .load(into: register(9), to: .word, isSigned: false)))
    // mov (%rax,%rbx,4),%rcx
    #expect(
      decode([0x48, 0x8b, 0x0c, 0x98])! == (4, .doubleword, .load(into: register(1), to: .doubleword, isSigned: false)))
    // mov (%rsi),%dx
    #expect(decode([0x66, 0x8b, 0x16])! == (3, .halfword, .load(into: register(2), to: .halfword, isSigned: false)))
    // mov (%rsi),%ah ; mov (%rsi),%spl
    #expect(decode([0x8a, 0x26])! == (2, .byte, .load(into: register(0, high: true), to: .byte, isSigned: false)))
    #expect(decode([0x40, 0x8a, 0x26])! == (3, .byte, .load(into: register(4), to: .byte, isSigned: false)))
    // movzbl (%rax),%ecx ; movzwl (%rax),%ecx ; movsbl (%rax),%ecx ; movsbq (%rax),%rcx
    #expect(decode([0x0f, 0xb6, 0x08])! == (3, .byte, .load(into: register(1), to: .word, isSigned: false)))
    #expect(decode([0x0f, 0xb7, 0x08])! == (3, .halfword, .load(into: register(1), to: .word, isSigned: false)))
    #expect(decode([0x0f, 0xbe, 0x08])! == (3, .byte, .load(into: register(1), to: .word, isSigned: true)))
    #expect(decode([0x48, 0x0f, 0xbe, 0x08])! == (4, .byte, .load(into: register(1), to: .doubleword, isSigned: true)))
    // movslq (%rax),%rcx
    #expect(decode([0x48, 0x63, 0x08])! == (3, .word, .load(into: register(1), to: .doubleword, isSigned: true)))
    // movabs 0x1122334455667788,%eax
    #expect(
      decode([0xa1, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11])!
        == (9, .word, .load(into: register(0), to: .word, isSigned: false)))
  }

  @Test func `stores`() {
    // mov %eax,0x10(%rsp) ; mov %r8d,(%r13) ; mov %eax,0x0(%rip)
    #expect(decode([0x89, 0x44, 0x24, 0x10])! == (4, .word, .store(register(0))))
    #expect(decode([0x45, 0x89, 0x45, 0x00])! == (4, .word, .store(register(8))))
    #expect(decode([0x89, 0x05, 0x00, 0x00, 0x00, 0x00])! == (6, .word, .store(register(0))))
    // mov %bh,(%rax) ; mov %al,0xfee000b0
    #expect(decode([0x88, 0x38])! == (2, .byte, .store(register(3, high: true))))
    #expect(decode([0x88, 0x04, 0x25, 0xb0, 0x00, 0xe0, 0xfe])! == (7, .byte, .store(register(0))))
    // movl $0x0,0xffffffffff5fd0b0
    #expect(
      decode([0xc7, 0x04, 0x25, 0xb0, 0xd0, 0x5f, 0xff, 0x00, 0x00, 0x00, 0x00])!
        == (11, .word, .storeImmediate(0)))
    // movq $-1,(%rax) ; movb $5,(%rax) ; movw $0x1234,(%rax)
    #expect(decode([0x48, 0xc7, 0x00, 0xff, 0xff, 0xff, 0xff])! == (7, .doubleword, .storeImmediate(.max)))
    #expect(decode([0xc6, 0x00, 0x05])! == (3, .byte, .storeImmediate(5)))
    #expect(decode([0x66, 0xc7, 0x00, 0x34, 0x12])! == (5, .halfword, .storeImmediate(0x1234)))
  }

  @Test func `code of 32 and 16 bits`() {
    // mov 0xfee00020,%eax
    #expect(
      decode([0xa1, 0x20, 0x00, 0xe0, 0xfe], .bits32)!
        == (5, .word, .load(into: register(0), to: .word, isSigned: false)))
    // mov %eax,0x12345678
    #expect(decode([0x89, 0x05, 0x78, 0x56, 0x34, 0x12], .bits32)! == (6, .word, .store(register(0))))
    // In 32-bit code 0x40 is an instruction of its own.
    #expect(decode([0x40, 0x8b, 0x07], .bits32) == nil)
    // mov %ax,(%bx,%si) ; mov %eax,0x1234 ; mov %ax,0x10(%bp)
    #expect(decode([0x89, 0x00], .bits16)! == (2, .halfword, .store(register(0))))
    #expect(decode([0x66, 0x89, 0x06, 0x34, 0x12], .bits16)! == (5, .word, .store(register(0))))
    #expect(decode([0x89, 0x46, 0x10], .bits16)! == (3, .halfword, .store(register(0))))
  }

  @Test func `what is not a move of a register and memory is refused`() {
    #expect(decode([0x01, 0x07]) == nil)  // add
    #expect(decode([0x8b, 0xc7]) == nil)  // between registers
    #expect(decode([0xf0, 0x89, 0x07]) == nil)  // with LOCK
    #expect(decode([0xf3, 0xa4]) == nil)  // rep movsb
    #expect(decode([0xc7, 0x08, 0, 0, 0, 0]) == nil)  // reserved
    #expect(decode([0x0f, 0x05]) == nil)
  }

  @Test func `bytes that end too early are refused at every length`() {
    let whole: [UInt8] = [0x44, 0xc7, 0x84, 0x25, 1, 2, 3, 4, 5, 6, 7, 8]
    for count in 0..<whole.count { #expect(decode([UInt8](whole.prefix(count))) == nil) }
    #expect(decode(whole)?.byteCount == 12)
    #expect(decode([UInt8](repeating: 0x66, count: 40)) == nil)
  }

  @Test func `no bytes make it trap, and none are longer than an instruction`() {
    var seed: UInt64 = 42
    for _ in 0..<200_000 {
      var bytes: [UInt8] = []
      for _ in 0..<15 {
        seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        bytes.append(UInt8(truncatingIfNeeded: seed >> 56))
      }
      for width in [.bits16, .bits32, .bits64] as [CodeWidth] {
        if let found = decode(bytes, width) { #expect((2...15).contains(found.byteCount)) }
      }
    }
  }

  @Test func `a narrow load leaves or clears the rest as the manual says`() {
    typealias Register = MemoryInstruction.Register
    #expect(Register.merged(.max, 0x12, .byte, isHighByte: false) == 0xffff_ffff_ffff_ff12)
    #expect(Register.merged(.max, 0x12, .byte, isHighByte: true) == 0xffff_ffff_ffff_12ff)
    #expect(Register.merged(.max, 0x1234, .halfword, isHighByte: false) == 0xffff_ffff_ffff_1234)
    #expect(Register.merged(.max, 0x1234, .word, isHighByte: false) == 0x1234)
    #expect(AccessWidth.byte.signExtended(0x80) == 0xffff_ffff_ffff_ff80)
  }

  @Test func `prefixes are counted, and REX only right before the opcode`() throws {
    var bytes = InstructionBytes()
    for byte in [0x66, 0xf3, 0x48, 0x0f, 0xa2] as [UInt8] { bytes.append(byte) }
    let prefixes = try #require(InstructionPrefixes(bytes, .bits64))
    #expect(prefixes.byteCount == 3)
    #expect(prefixes.rex == 0x48)
    var other = InstructionBytes()
    for byte in [0x48, 0x66, 0x0f, 0xa2] as [UInt8] { other.append(byte) }
    #expect(try #require(InstructionPrefixes(other, .bits64)).rex == 0)
  }
}

private func == (
  left: MemoryInstruction, right: (Int, AccessWidth, MemoryInstruction.Operation)
) -> Bool {
  left.byteCount == right.0 && left.width == right.1 && left.operation == right.2
}
