import ArgumentParser
import Manifest

/// The architectures that the hypervisor runs on, as the command line's options name them.
extension Architecture: ExpressibleByArgument {
  public init?(argument: String) {
    guard let found = Self.allCases.first(where: { $0.name == argument }) else { return nil }
    self = found
  }

  public static var allValueStrings: [String] { allCases.map(\.name) }
  public var defaultValueDescription: String { name }

  var name: String { "\(word)" }

  /// The target triple that `swift build` takes.
  var triple: String {
    switch self {
    case .aarch64: "aarch64-none-none-elf"
    case .riscv64: "riscv64-none-none-eabi"
    case .x86_64: "x86_64-unknown-none-elf"
    }
  }

  /// The name of its module in Sources.
  var module: String {
    switch self {
    case .aarch64: "AArch64"
    case .riscv64: "RISCV64"
    case .x86_64: "X86_64"
    }
  }

  var debian: DebianArchitecture {
    switch self {
    case .aarch64: .arm64
    case .riscv64: .riscv64
    case .x86_64: .amd64
    }
  }
}

/// `--log LEVEL`.
extension LogLevel: ExpressibleByArgument {
  public init?(argument: String) {
    guard let found = Self.allCases.first(where: { "\($0.word)" == argument }) else { return nil }
    self = found
  }

  public static var allValueStrings: [String] { allCases.map { "\($0.word)" } }
}
