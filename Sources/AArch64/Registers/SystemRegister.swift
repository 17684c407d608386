/// The name of a system register or system instruction: Op0, Op1, CRn, CRm, Op2, held where the syndrome of
/// exception class 0x18 has them, so that a trapped access is compared without taking it apart.
struct SystemRegister: Equatable, Sendable {
  let rawValue: UInt32

  /// Op0 [21:20], Op2 [19:17], Op1 [16:14], CRn [13:10], CRm [4:1]; Rt and the direction are left out.
  static let mask: UInt32 = 0x3f_fc1e

  /// Each argument as the manual's tables give it: `op0` 0…3, `op1` and `op2` 0…7, `crn` and `crm` 0…15.
  @inline(__always) init(_ op0: UInt32, _ op1: UInt32, _ crn: UInt32, _ crm: UInt32, _ op2: UInt32) {
    rawValue =
      (op0 & 3) &<< 20 | (op2 & 7) &<< 17 | (op1 & 7) &<< 14 | (crn & 15) &<< 10 | (crm & 15) &<< 1
  }

  @inline(__always) init(iss: UInt32) { rawValue = iss & Self.mask }

  @inline(__always) var op0: UInt32 { (rawValue &>> 20) & 3 }
  @inline(__always) var op1: UInt32 { (rawValue &>> 14) & 7 }
  @inline(__always) var crn: UInt32 { (rawValue &>> 10) & 15 }
  @inline(__always) var crm: UInt32 { (rawValue &>> 1) & 15 }
  @inline(__always) var op2: UInt32 { (rawValue &>> 17) & 7 }
}

/// The syndrome of a trapped MSR, MRS or system instruction (exception class 0x18).
struct SystemInstruction: Equatable, Sendable {
  let iss: UInt32

  enum Direction: Equatable, Sendable {
    case read  // MRS, SYSL
    case write  // MSR, SYS
  }

  @inline(__always) init(iss: UInt32) { self.iss = iss }

  @inline(__always) var register: SystemRegister { SystemRegister(iss: iss) }

  /// `Rt`, bits [9:5]: the general register; 31 is XZR.
  @inline(__always) var generalRegister: Int { Int((iss &>> 5) & 0x1f) }

  /// `Direction`, bit 0.
  @inline(__always) var direction: Direction { iss & 1 != 0 ? .read : .write }
}
