/// Notices a vCPU that takes one fault after the other and gets no further: its vectors, their stack or its translation
/// tables are where nothing is, or a handler returns to what has just failed.
///
/// A guest that merely looks for what is there, however often, is not stuck: its handler returns to somewhere else, so
/// the address to return to is another when the next fault comes. Faults of a process are its kernel's to handle and never
/// count.
public struct ProgressWatch {
  private var lastProgramCounter: UInt64?
  private var count = 0

  public init() {}

  /// How many faults in a row without progress end the VM. Handlers may fault in themselves, but not so deep.
  public static let limit = 256

  /// Takes in a fault that is about to be given to the guest.
  /// - Parameters:
  ///   - returnAddress: What the guest had to return to before the fault (ELR_EL1, vsepc): where its handler of the
  ///     one before returned to, or would.
  /// - Returns: whether the guest is stuck.
  public mutating func isStuck(programCounter: UInt64, returnAddress: UInt64, isUser: Bool) -> Bool {
    guard !isUser, programCounter == lastProgramCounter, returnAddress == programCounter else {
      lastProgramCounter = isUser ? nil : programCounter
      count = 0
      return false
    }
    count += 1
    return count >= Self.limit
  }
}
