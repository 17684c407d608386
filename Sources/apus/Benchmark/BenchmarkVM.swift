import Foundation

/// A VM that is measured: its file.
struct BenchmarkVM {
  enum Idle: String {
    case native, trapped
  }

  var name = "bench"
  let kernel: URL
  var ramdisk: URL?
  let commandLine: String
  var cpus = 1
  /// In bytes.
  var memory: UInt64 = 64 << 20
  /// Places and interrupts of clocks, beside a UART; nil for the devices that every VM has.
  var clocks: [(address: UInt64, interrupt: UInt32)]?
  /// `native` needs a CPU for each vCPU alone.
  var idle = Idle.native

  /// The VM's file as `apus check` takes it.
  var text: String {
    let affinity = (0..<cpus).map { "[\($0)]" }.joined(separator: ", ")
    return """
      name = "\(name)"
      cpus = \(cpus)
      affinity = [\(affinity)]
      exclusive-cpus = \(idle == .native)
      idle = "\(idle.rawValue)"
      memory = "\(memory >> 20)MiB"
      command-line = "\(commandLine)"
      on-reset = "stop"
      on-failure = "stop"

      [kernel]
      path = "\(kernel.path)"

      """ + (ramdisk.map { "\n[ramdisk]\npath = \"\($0.path)\"\n" } ?? "") + devices
  }

  private var devices: String {
    guard let clocks else { return "" }
    return "\n[[device]]\nkind = \"uart\"\n"
      + clocks.map { clock in
        "\n[[device]]\nkind = \"clock\"\naddress = \(clock.address)\ninterrupt = \(clock.interrupt)\n"
      }.joined()
  }
}
