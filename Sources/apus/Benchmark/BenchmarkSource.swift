/// What has to run for a figure, natively and inside Apus.
enum BenchmarkSource: String, Codable, CaseIterable {
  /// Our guest's loops on one vCPU of one CPU, which waits with it (`idle = "native"`).
  case oneVCPU = "one-vcpu"
  /// The same with `idle = "trapped"`.
  case oneVCPUTrapped = "one-vcpu-trapped"
  /// The same on two vCPUs of two CPUs: what one does to the other.
  case twoVCPUs = "two-vcpus"

  /// The file that a boot loader takes.
  case image
  /// A Linux guest with our own program as its first process, 512 MiB, one vCPU.
  case linux
  /// The same with two vCPUs on two CPUs.
  case linuxTwoVCPUs = "linux-two-vcpus"

  /// Whether our own guest prints the figures.
  var isGuest: Bool {
    switch self {
    case .oneVCPU, .oneVCPUTrapped, .twoVCPUs: true
    case .image, .linux, .linuxTwoVCPUs: false
    }
  }
}
