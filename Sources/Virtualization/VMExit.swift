/// Why a vCPU's `run` came back: what the neutral loop has to do. What only one architecture has travels in `arch`.
public enum VMExit<ArchExit> {
  /// All is done; the guest can go on.
  case handled
  /// Physical interrupts are pending.
  case interrupt
  /// The guest waits for an interrupt (WFI, HLT).
  case halt
  /// The guest gives up the rest of its turn.
  case yield
  /// Another vCPU of the VM is to start at `entry` with `argument`; `target` is its guest-visible id.
  case cpuUp(target: UInt64, entry: GuestPhysicalAddress, argument: UInt64)
  /// This vCPU is to be off.
  case cpuDown
  /// The whole VM is to end or to begin anew.
  case systemDown(SystemDownKind)
  /// A call of Apus's own.
  case hypercall(Hypercall)
  /// An access to where no RAM is.
  case mmio(MMIOAccess)
  /// The guest cannot go on.
  case fault(GuestFault)
  case arch(ArchExit)
}

public enum SystemDownKind: UInt8, Sendable {
  case powerOff
  case reset
}

/// Apus's own hypercalls (Documentation/Hypercalls.md), already decoded.
public enum Hypercall: Sendable {
  case writeLog(GuestPhysicalAddress, byteCount: UInt64)
  case stop(code: UInt64)
}

/// One access to the device bus.
public struct MMIOAccess: Sendable {
  public let address: GuestPhysicalAddress
  public let width: AccessWidth
  public let direction: Direction

  public enum Direction: Sendable {
    case read
    case write(UInt64)
  }

  @inlinable public init(address: GuestPhysicalAddress, width: AccessWidth, direction: Direction) {
    self.address = address
    self.width = width
    self.direction = direction
  }
}

/// What a guest did that it cannot recover from, as numbers; text is made where it is shown.
public struct GuestFault: Sendable {
  public let kind: Kind
  public let programCounter: UInt64
  /// The address it is about, virtual or physical by kind; 0 where there is none.
  public let address: UInt64
  /// The architecture's own description: the syndrome, cause or exit code.
  public let syndrome: UInt64

  public enum Kind: UInt8, Sendable {
    case repeatedFault
    case undecodable
    case entryFailed
    case unexpectedExit
    case shutdown
    case systemError
  }

  /// An exit that its architecture did not name.
  public static var unexpected: Self { Self(kind: .unexpectedExit, programCounter: 0, address: 0, syndrome: 0) }

  public init(kind: Kind, programCounter: UInt64, address: UInt64, syndrome: UInt64) {
    self.kind = kind
    self.programCounter = programCounter
    self.address = address
    self.syndrome = syndrome
  }
}
