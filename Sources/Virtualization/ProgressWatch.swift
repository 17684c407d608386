/// Counts identical faults given to the guest in a row.
public struct ProgressWatch {
  private var lastProgramCounter: UInt64 = 0
  private var lastSyndrome: UInt64 = 0
  private var count = 0

  public init() {}

  /// How many identical faults end the VM.
  public static let limit = 64

  /// Whether the guest is stuck: it took this fault at this place too often without another in between.
  public mutating func isStuck(programCounter: UInt64, syndrome: UInt64) -> Bool {
    if programCounter == lastProgramCounter && syndrome == lastSyndrome {
      count += 1
    } else {
      lastProgramCounter = programCounter
      lastSyndrome = syndrome
      count = 0
    }
    return count >= Self.limit
  }
}
