/// What every guest reads in ID group 3 (HCR_EL2.TID3): made once at boot, then only looked up.
@safe struct GuestIDRegisters: ~Copyable {
  /// CRm 0…7 with Op2 0…7.
  private static let count = 64

  private let values: UnsafeMutablePointer<UInt64>

  /// - Parameter host: The machine's own value of a register in the group; 0 where it has none.
  init(host: (SystemRegister) -> UInt64) {
    // SAFETY: as many as are then initialised.
    unsafe values = .allocate(capacity: Self.count)
    unsafe values.initialize(repeating: 0, count: Self.count)
    for field in IDField.all {
      guard let index = Self.index(of: field.register) else { continue }
      // SAFETY: an index is below 64.
      unsafe values[index] |= field.value(host: host(field.register))
    }
  }

  deinit {
    // SAFETY: nobody holds the table any more.
    unsafe values.deallocate()
  }

  /// Where a register of the group is in the table; nil for any other register. Its reserved registers are among them,
  /// and read as zero.
  @inline(__always) static func index(of register: SystemRegister) -> Int? {
    // Op0 3, Op1 0, CRn 0, CRm 1…7.
    let isInGroup = register.op0 == 3 && register.op1 == 0 && register.crn == 0 && (1...7).contains(register.crm)
    return isInGroup ? Int(register.crm &<< 3 | register.op2) : nil
  }

  subscript(index: Int) -> UInt64 {
    @inline(__always) get {
      // SAFETY: the mask keeps the index below 64.
      unsafe values[index & (Self.count &- 1)]
    }
  }
}
