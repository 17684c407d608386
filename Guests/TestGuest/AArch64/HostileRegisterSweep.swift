import CGuestAArch64
import GuestKit

/// Instructions made at run time: a group of eight that differ in op2, each with a RET behind it.
@safe private struct CodeBuffer {
  static let groupCount = 8
  private static let ret: UInt32 = 0xD65F_03C0
  private let words: UnsafeMutablePointer<UInt32>

  init() {
    // SAFETY: the image's window is writable and executable; the buffer is never freed.
    unsafe words = UnsafeMutablePointer<UInt32>.allocate(capacity: Self.groupCount * 2)
  }

  /// Writes the eight instructions and makes them visible to fetches.
  func fill(_ instruction: (UInt32) -> UInt32) {
    for index in 0..<Self.groupCount {
      // SAFETY: the index is below the capacity.
      unsafe words[index * 2] = instruction(UInt32(index))
      // SAFETY: the index is below the capacity.
      unsafe words[index * 2 + 1] = Self.ret
    }
    makeExecutable(address(of: 0))
    makeExecutable(address(of: Self.groupCount - 1))
  }

  func address(of index: Int) -> UInt64 {
    // SAFETY: only the address is taken.
    UInt64(UInt(bitPattern: unsafe words + index * 2))
  }

  /// Runs one instruction with `argument` in X0.
  func run(_ index: Int, _ argument: UInt64) -> UInt64 { guest_probe_call(address(of: index), argument) }
}

/// The encoding of a system register or instruction without op2 (Arm ARM DDI 0487, C4.1.88).
private struct Encoding {
  let op0, op1, crn, crm: UInt32

  func word(isRead: Bool, op2: UInt32) -> UInt32 {
    0xD500_0000 | (isRead ? 1 << 21 : 0) | op0 << 19 | op1 << 16 | crn << 12 | crm << 8 | op2 << 5
  }

  /// As in `S3_0_C1_C0_0`, one hexadecimal digit a field.
  func name(op2: UInt32) -> UInt64 { UInt64(op0 << 16 | op1 << 12 | crn << 8 | crm << 4 | op2) }

  /// Whether the names belong to EL2 or EL3, or to EL1 as EL2 sees it: never there for EL1.
  var isAboveEL1: Bool { op1 >= 4 && !(crn == 11 || crn == 15) }

  /// ID registers: reserved ones read as zero, none is undefined (D24.1, "ID registers").
  var isIdentification: Bool { op0 == 3 && op1 == 0 && crn == 0 && crm >= 1 && crm <= 7 }
}

/// `hostile-sysregs`: MRS, then MSR, of every encoding of op0 2 and 3, and every SYS instruction of op0 1.
///
/// What reads is written back unchanged; what cannot be read is written as zero. Allowed is a value, an undefined
/// instruction, or a trap that this guest's own CPACR_EL1 asks for.
func runHostileSystemRegisters(_ verdict: inout Verdict) {
  let code = CodeBuffer()
  guest_interrupts_off()
  var reads = Tally()
  var writes = Tally()
  for op0 in 2...3 as ClosedRange<UInt32> {
    forEachGroup(op0) { encoding in sweepGroup(encoding, code, &reads, &writes, &verdict) }
  }
  guest_interrupts_on()
  reads.say("MRS")
  writes.say("MSR")
  sweepInstructions(code, &verdict)
  checkHiddenFeatures(&verdict)
  checkThatInterruptsWork(&verdict)
}

private func forEachGroup(_ op0: UInt32, _ body: (Encoding) -> Void) {
  for op1 in 0..<8 as Range<UInt32> {
    for crn in 0..<16 as Range<UInt32> {
      for crm in 0..<16 as Range<UInt32> { body(Encoding(op0: op0, op1: op1, crn: crn, crm: crm)) }
    }
  }
}

private func sweepGroup(
  _ encoding: Encoding, _ code: CodeBuffer, _ reads: inout Tally, _ writes: inout Tally, _ verdict: inout Verdict
) {
  let allowed: Allowed =
    if encoding.isIdentification { [.value] } else if encoding.isAboveEL1 { [.undefined] } else {
      [.value, .undefined, .ownTrap]
    }
  var values = InlineArray<8, UInt64>(repeating: 0)
  code.fill { encoding.word(isRead: true, op2: $0) }
  for index in 0..<CodeBuffer.groupCount {
    let name = encoding.name(op2: UInt32(index))
    let answer = verdict.probeSilently("MRS", name, allowed: allowed) { code.run(index, 0) }
    if case .value(let value) = answer { values[index] = value }
    reads.count(answer)
  }
  code.fill { encoding.word(isRead: false, op2: $0) }
  for index in 0..<CodeBuffer.groupCount {
    let name = encoding.name(op2: UInt32(index))
    let value = values[index]
    writes.count(
      verdict.probeSilently("MSR", name, allowed: encoding.isIdentification ? [.undefined] : allowed) {
        code.run(index, value)
      })
  }
}

/// SYS and SYSL: cache, TLB and address instructions, on memory that is there to be ruined. Without DC ISW, which loses
/// the whole cache where no hypervisor makes it clean first.
private func sweepInstructions(_ code: CodeBuffer, _ verdict: inout Verdict) {
  let byteCount = 8192
  // Never freed. DC ZVA clears a block of at most 2 KiB that holds the address: inside these bytes.
  let scratch = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 4096)
  let target = UInt64(UInt(bitPattern: scratch)) + 2048
  var tally = Tally()
  forEachGroup(1) { encoding in
    for isRead in [false, true] {
      code.fill { encoding.word(isRead: isRead, op2: $0) }
      for index in 0..<CodeBuffer.groupCount {
        let name = encoding.name(op2: UInt32(index))
        if encoding.op1 == 0 && encoding.crn == 7 && encoding.crm == 6 && index == 2 { continue }
        tally.count(
          verdict.probeSilently(
            isRead ? "SYSL" : "SYS", name, allowed: [.value, .undefined, .ownTrap, .dataAbort, .alignmentFault]
          ) { code.run(index, target) })
      }
    }
  }
  tally.say("SYS, SYSL")
}

/// What the ID registers deny must not be there.
private func checkHiddenFeatures(_ verdict: inout Verdict) {
  let debug = guest_read_id_aa64dfr0()
  let processor = guest_read_id_aa64pfr0()
  let hasPMU = debug >> 8 & 0xF != 0 && debug >> 8 & 0xF != 0xF
  let hasSVE = processor >> 32 & 0xF != 0
  let code = CodeBuffer()
  let pmu = Encoding(op0: 3, op1: 3, crn: 9, crm: 12)
  code.fill { pmu.word(isRead: true, op2: $0) }
  verdict.probe("PMCR_EL0 as ID_AA64DFR0_EL1 says", UInt64(hasPMU ? 1 : 0), allowed: hasPMU ? [.value] : [.undefined]) {
    code.run(0, 0)
  }
  let sve = Encoding(op0: 3, op1: 0, crn: 1, crm: 2)
  code.fill { sve.word(isRead: true, op2: $0) }
  // CPACR_EL1.ZEN, bits [17:16]: so that this guest itself does not trap it.
  let control = guest_read_cpacr()
  guest_write_cpacr(control | 3 << 16)
  verdict.probe("ZCR_EL1 as ID_AA64PFR0_EL1 says", UInt64(hasSVE ? 1 : 0), allowed: hasSVE ? [.value] : [.undefined]) {
    code.run(0, 0)
  }
  guest_write_cpacr(control)
}
