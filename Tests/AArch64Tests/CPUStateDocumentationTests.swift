import Foundation
import Testing

@testable import AArch64

/// Documentation/CPUState-aarch64.md says what the code does.
@Suite struct CPUStateDocumentationTests {
  private struct Row {
    let what: String
    let registers: [String]
    let how: String
    let means: [String]
  }

  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  /// The words in backticks.
  private static func names(in cell: String) -> [String] { cell.matches(of: /`([^`]+)`/).map { String($0.1) } }

  private static func rows() throws -> [Row] {
    try text("Documentation/CPUState-aarch64.md").split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst(2)
      .map { line in
        let cells = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        return Row(
          what: cells[1], registers: names(in: cells[2]), how: cells[3].trimmingCharacters(in: .whitespaces),
          means: names(in: cells[4]))
      }
  }

  private static func registers(_ how: String) throws -> Set<String> {
    Set(try rows().filter { $0.how.hasPrefix(how) }.flatMap(\.registers).map { $0.uppercased() })
  }

  private let identity = CPUIdentity(
    hasPointerAuthentication: true, physicalRange: nil, has16BitVMID: true,
    virtualInterface: ICH_VTR_EL2(rawValue: 0), hasSVE: true, hasSME: true, hasAMU: true, hasRAS: true, hasMTE: true,
    hasLOR: true, hasFGT: false, hasHCX: true, hasRandomNumbers: true, debug: DebugState.Count(features: 0))

  @Test func everyRegisterThatIsSwitchedIsInTheTable() throws {
    let switched = try Self.registers("switched")
    for child in Mirror(reflecting: SystemRegisterState()).children {
      #expect(switched.contains(try #require(child.label).uppercased()))
    }
    for child in Mirror(reflecting: PointerAuthenticationKeys()).children {
      #expect(switched.contains("\(try #require(child.label).uppercased())_EL1"))
    }
    #expect(switched.isSuperset(of: ["VDISR_EL2", "TPIDR2_EL0", "MDCCINT_EL1"]))
  }

  @Test func everyRegisterOfTheTableThatIsSwitchedIsReadAndWritten() throws {
    let header = try Self.text("Sources/CAArch64/include/SystemRegisters.h").uppercased()
    for name in try Self.registers("switched") {
      #expect(header.contains("(\(name)"), "\(name) is not a register that the hypervisor reads")
    }
  }

  @Test func everyRegisterWithAnAnswerIsInTheTable() throws {
    let trapped = try Self.registers("trapped").union(try Self.registers("the guest's own")).union([
      "MDCCINT_EL1", "DC_CSW",
    ])
    let source = try Self.text("Sources/AArch64/Registers/SystemRegisterNames.swift")
    for match in source.matches(of: /static let ([A-Z0-9_]+) =/) {
      let name = String(match.1)
      guard !name.hasPrefix("ID_"), !name.hasPrefix("MVFR") else { continue }
      #expect(trapped.contains(name), "\(name) has an answer and no row")
    }
  }

  @Test func everyTrapThatTheTableNamesIsSet() throws {
    let hcr = HCR_EL2.guest(on: identity, idlesNatively: false)
    let mdcr = MDCR_EL2(rawValue: identity.mdcr)
    let cptr = CPTR_EL2.guest(on: identity)
    let bits: [String: Bool] = [
      "HCR_EL2.RW": hcr.contains(.rw), "HCR_EL2.TID3": hcr.contains(.tid3), "HCR_EL2.TID1": hcr.contains(.tid1),
      "HCR_EL2.TACR": hcr.contains(.tacr), "HCR_EL2.TIDCP": hcr.contains(.tidcp), "HCR_EL2.SWIO": hcr.contains(.swio),
      "HCR_EL2.FB": hcr.contains(.fb), "HCR_EL2.APK": hcr.contains(.apk), "HCR_EL2.API": hcr.contains(.api),
      "HCR_EL2.IMO": hcr.contains(.imo), "HCR_EL2.FMO": hcr.contains(.fmo), "HCR_EL2.AMO": hcr.contains(.amo),
      "HCR_EL2.TERR": hcr.contains(.terr), "HCR_EL2.TID5": hcr.contains(.tid5), "HCR_EL2.TLOR": hcr.contains(.tlor),
      "HCR_EL2.TSC": hcr.contains(.tsc), "HCR_EL2.TWI": hcr.contains(.twi),
      "MDCR_EL2.TDOSA": mdcr.contains(.tdosa), "MDCR_EL2.TDRA": mdcr.contains(.tdra),
      "MDCR_EL2.TPM": mdcr.contains(.tpm), "MDCR_EL2.TPMCR": mdcr.contains(.tpmcr),
      "MDCR_EL2.TPMS": mdcr.contains(.tpms), "MDCR_EL2.TTRF": mdcr.contains(.ttrf),
      "CPTR_EL2.TZ": cptr.contains(.tz), "CPTR_EL2.TSM": cptr.contains(.tsm), "CPTR_EL2.TTA": cptr.contains(.tta),
      "CPTR_EL2.TAM": cptr.contains(.tam),
    ]
    for means in try Self.rows().flatMap(\.means) where means.contains("_EL2.") {
      #expect(bits[means] == true, "\(means) is named and not set")
    }
    #expect(hcr.isDisjoint(with: [.ata, .enscxt, .tge, .e2h, .nv, .tme]))
    #expect(HCR_EL2.guest(on: identity, idlesNatively: true) == hcr.subtracting(.twi))
  }

  @Test func nothingOfWhatIsHiddenIsAnswered() throws {
    let answered = Set(
      try Self.text("Sources/AArch64/Registers/SystemRegisterNames.swift").matches(of: /static let ([A-Z0-9_]+) =/)
        .map { String($0.1) })
    #expect(answered.isDisjoint(with: try Self.registers("hidden")))
  }
}
