import DeviceTree
import Kernel
import Manifest
import Virtualization

/// What making and showing VMs asks of an architecture, beyond what running them does.
public protocol VMMArchitecture: VirtualizationArchitecture {
  static var manifestArchitecture: Manifest.Architecture { get }

  /// Makes what the VM's vCPUs share and places its devices on its bus. Set-up only. On an error all is given back, the
  /// memory too.
  static func makeVM(
    id: Int, manifest: borrowing VMManifest, memory: consuming GuestMemory<Self>, port: Reference<ConsolePort>,
    console: Reference<Console<Self>>
  ) throws(VMError) -> Reference<VM<Self>>

  /// Makes one of the VM's vCPUs, off. Set-up only.
  static func makeVCPU(index: Int, of vm: Reference<VM<Self>>) -> Reference<VCPU<Self>>

  /// Puts what the VM's vCPUs share back into its state at power-on. All vCPUs are off.
  static func resetVM(_ vm: Reference<VM<Self>>)

  /// Makes what was written into the VM's memory visible to a guest whose caches are off.
  static func publish(_ range: GuestPhysicalRange, of vm: Reference<VM<Self>>)

  /// Gives back all that `makeVM` and `makeVCPU` took or were given, and the VM itself. All vCPUs' tasks have ended, and
  /// the console has let go of the serial port.
  static func destroyVM(_ vm: Reference<VM<Self>>)

  /// The device tree that tells the guest what it has.
  static func makeDeviceTree(for vm: Reference<VM<Self>>, manifest: borrowing VMManifest) -> [UInt8]

  /// Stops or lets go on all counters that the VM's guest can read.
  static func setTime(of vm: Reference<VM<Self>>, isRunning: Bool)

  static func consoleWrite(byte: UInt8)
  static func consoleRead() -> UInt8?

  /// Turns the machine off.
  static func powerOff() -> Never
}

extension VMMArchitecture {
  static func consoleWrite(text: LogText) {
    var text = text
    for index in 0..<text.byteCount { consoleWrite(byte: text[index]) }
  }

  /// Shows a line.
  public static func consoleWrite(_ line: LogText) {
    consoleWrite(text: line)
    consoleWrite(byte: 0x0d)
    consoleWrite(byte: 0x0a)
  }
}

/// Why a VM could not be made.
public enum VMError: Error, Sendable {
  case outOfMemory
  case deviceOverlap
  /// More vCPUs, interrupts or address bits than the hardware or the hypervisor has.
  case unsupported
  case deviceTreeTooLarge
  case imageOutsideMemory

  public var reason: StaticString {
    switch self {
    case .outOfMemory: "there is not enough memory for it"
    case .unsupported: "it asks for more than this machine can do"
    case .deviceOverlap: "two of its devices overlap"
    case .deviceTreeTooLarge: "its device tree does not fit the room for it"
    case .imageOutsideMemory: "an image lies outside of its memory"
    }
  }
}
