import Kernel
import Synchronization

/// One VM's end of the console: what its serial port has sent, and where its input goes.
public struct ConsolePort: ~Copyable {
  public let name: LogText
  /// Producer: the VM's serial port, under its lock. Consumer: the console task.
  public let output = OutputRing()
  /// Set by the producer for each end of line, cleared by the console task.
  public let hasLine = Atomic<Bool>(false)
  /// Set by the producer before it wakes the console because a byte had no room, cleared by the console task once it has
  /// made some.
  public let wantsRoom = Atomic<Bool>(false)

  /// The VM's serial port while there is one. First in the lock order: the calls go through it to the device and its
  /// interrupt controller. The lock keeps the device alive during a call.
  private let device = Locked<SerialConnection?>(nil)

  // The rest is the console task's own.

  /// Input that the serial port has not yet taken.
  var pendingInput = ByteQueue()
  /// The line that is being collected while no VM is in focus.
  var line = ByteQueue()
  /// What the VM sent while another was in focus: its end, shown when the focus comes here.
  var backlog = ByteQueue()

  public init(name: LogText) { self.name = name }

  /// Ties the VM's serial port to the console. At the VM's creation.
  public func connect(_ connection: SerialConnection) { device.withLock { $0 = connection } }

  /// After this the console calls the serial port no more. Before the VM is taken apart.
  public func disconnect() { device.withLock { $0 = nil } }

  /// Gives a byte to the serial port; false while it takes none.
  func send(_ byte: UInt8) -> Bool { device.withLock { connection in connection?.input(byte) ?? false } }

  /// Tells the serial port that there is room again, if it asked.
  func tellRoom() {
    guard wantsRoom.exchange(false, ordering: .sequentiallyConsistent) else { return }
    device.withLock { $0?.drained() }
  }
}

/// What the console calls of a VM's serial port, in the console task.
public struct SerialConnection {
  /// Takes a typed byte; false while the port's FIFO is full or its receiver off.
  let input: (UInt8) -> Bool
  /// The output ring has room again after it had none.
  let drained: () -> Void

  public init(input: @escaping (UInt8) -> Bool, drained: @escaping () -> Void) {
    self.input = input
    self.drained = drained
  }
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
