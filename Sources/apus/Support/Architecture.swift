import ArgumentParser

/// The architectures that the hypervisor runs on.
enum Architecture: String, CaseIterable, ExpressibleByArgument {
  case aarch64

  /// The target triple that `swift build` takes.
  var triple: String {
    switch self {
    case .aarch64: "aarch64-none-none-elf"
    }
  }

  var debian: DebianArchitecture {
    switch self {
    case .aarch64: .arm64
    }
  }
}
