/// What has to run for a figure, natively and inside Apus.
enum BenchmarkSource: String, Codable, CaseIterable {
  /// Our guest's loops on one vCPU of one CPU, which waits with it (`idle = "native"`).
  case oneVCPU = "one-vcpu"
  /// The same with `idle = "trapped"`.
  case oneVCPUTrapped = "one-vcpu-trapped"
  /// The same on two vCPUs of two CPUs: what one does to the other.
  case twoVCPUs = "two-vcpus"

  /// The loops of `oneVCPUTrapped` beside three VMs that sleep on the same CPU.
  case fourVMs = "four-vms"
  /// The same beside fifteen.
  case sixteenVMs = "sixteen-vms"
  /// The same alone, with 32 devices.
  case manyDevices = "many-devices"
  /// The file that a boot loader takes.
  case image
  /// A Linux guest with our own program as its first process, 512 MiB, one vCPU.
  case linux
  /// The same with two vCPUs on two CPUs.
  case linuxTwoVCPUs = "linux-two-vcpus"

  /// Whether our own guest prints the figures.
  var isGuest: Bool {
    switch self {
    case .oneVCPU, .oneVCPUTrapped, .twoVCPUs, .fourVMs, .sixteenVMs, .manyDevices: true
    case .image, .linux, .linuxTwoVCPUs: false
    }
  }

  /// Whether one CPU is all that it needs, and another hypervisor gives its figures too.
  var isForPeers: Bool { self == .oneVCPU || self == .oneVCPUTrapped }

  /// Whether there is such a thing without a hypervisor.
  var isNative: Bool {
    switch self {
    case .oneVCPU, .oneVCPUTrapped, .twoVCPUs, .linux, .linuxTwoVCPUs: true
    case .fourVMs, .sixteenVMs, .manyDevices, .image: false
    }
  }
}
