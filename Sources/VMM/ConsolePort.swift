import Kernel
import Synchronization

/// One VM's end of the console: what its serial port has sent, and where its input goes.
public struct ConsolePort: ~Copyable {
  public let name: LogText
  /// Producer: the VM's serial port, under its lock. Consumer: the console task.
  public let output = OutputRing()
  /// Set by the producer for each end of line, cleared by the console task.
  public let hasLine = Atomic<Bool>(false)

  // The rest is the console task's own.

  /// Gives a byte to the VM's serial port; false while its FIFO is full. Set once, at creation.
  public var input: ((UInt8) -> Bool)?
  /// Tells the VM's serial port that `output` has room again. Set once, at creation.
  public var outputHasRoom: (() -> Void)?
  /// Input that the serial port has not yet taken.
  var pendingInput = ByteQueue()
  /// The line that is being collected while no VM is in focus.
  var line = ByteQueue()
  /// What the VM sent while another was in focus: its end, shown when the focus comes here.
  var backlog = ByteQueue()

  public init(name: LogText) { self.name = name }
}

/// At most 1024 bytes in order; what comes when it is full pushes the oldest out.
struct ByteQueue {
  private var bytes: [UInt8] = []
  private var start = 0
  static let capacity = 1024

  var isEmpty: Bool { start == bytes.count }
  var count: Int { bytes.count - start }
  var isFull: Bool { count >= Self.capacity }
  var first: UInt8? { isEmpty ? nil : bytes[start] }

  mutating func append(_ byte: UInt8) {
    if isFull { _ = popFirst() }
    if bytes.isEmpty { bytes.reserveCapacity(2 * Self.capacity) }
    if bytes.count == 2 * Self.capacity {
      bytes.removeFirst(start)
      start = 0
    }
    bytes.append(byte)
  }

  mutating func popFirst() -> UInt8? {
    guard let byte = first else { return nil }
    start += 1
    if isEmpty { removeAll() }
    return byte
  }

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    start = 0
  }
}
