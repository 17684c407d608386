/// What has to run for a figure, natively and inside Apus.
enum BenchmarkSource: String, Codable, CaseIterable {
  /// Our guest's loops on one vCPU of one CPU, which waits with it (`idle = "native"`).
  case oneVCPU = "one-vcpu"
  /// The same with `idle = "trapped"`.
  case oneVCPUTrapped = "one-vcpu-trapped"
  /// The same on two vCPUs of two CPUs: what one does to the other.
  case twoVCPUs = "two-vcpus"

  /// Whether our own guest prints the figures.
  var isGuest: Bool {
    switch self {
    case .oneVCPU, .oneVCPUTrapped, .twoVCPUs: true
    }
  }
}
