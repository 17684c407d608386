import Foundation
import Manifest

/// The plugin that lets QEMU tell the hypervisor's instructions from the guests' (`Benchmarks/Plugin/Counter.c`), and
/// what it writes.
struct CountingPlugin {
  /// What the plugin had counted at an event.
  struct Count: Equatable {
    enum Event: Equatable {
      /// The first instruction of a guest is next.
      case firstInstruction
      /// The guest said so.
      case marker(Int)
    }

    let event: Event
    /// Instructions of all privilege levels since the machine was reset.
    let total: Double
    /// Those of the hypervisor.
    let hypervisor: Double
    /// Exits by what the guest was doing: `hvc`, `memory` and so on.
    let exits: [String: Double]

    var exitCount: Double { exits.values.reduce(0, +) }
  }

  let repository: Repository

  private var library: URL { repository.build.appending(path: "bench/counter.so") }

  /// Compiles it with the toolchain's clang, unless that was done.
  func build() throws(Failure) {
    let source = repository.file("Benchmarks/Plugin/Counter.c")
    guard !library.isUpToDate(with: [source]) else { return }
    try library.deletingLastPathComponent().makeFolder()
    _ = try Tool.output(
      try Toolchain.current().program("clang"),
      ["-O2", "-shared", "-fPIC", "-fvisibility=hidden", "-o", library.path, source.path], otherwise: .build)
  }

  /// QEMU's arguments: counts into `file`, and, with a hypervisor below, its share.
  func arguments(for machine: BenchmarkMachine, hypervisor: URL?, file: URL) throws(Failure) -> [String] {
    var words = [library.path, "out=\(file.path)"]
    if let hypervisor {
      let symbols = try Self.symbols(of: hypervisor)
      for (name, symbol, offset) in machine.hypervisorPlaces {
        guard let address = symbols[symbol] else {
          throw Failure(.failed, "\(hypervisor.lastPathComponent) has no symbol \(symbol)")
        }
        words.append("\(name)=\(String(address + offset, radix: 16))")
      }
    }
    return ["-plugin", words.joined(separator: ",")]
  }

  private static func symbols(of image: URL) throws(Failure) -> [String: UInt64] {
    let output = try Tool.output(try Toolchain.current().program("llvm-nm"), [image.path])
    var symbols: [String: UInt64] = [:]
    for line in output.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 3, let address = UInt64(words[0], radix: 16) { symbols[String(words[2])] = address }
    }
    return symbols
  }

  /// Reads lines of `first|mark <n>` and pairs of a name and a count.
  static func counts(in text: String) -> [Count] {
    text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ").map(String.init)
      guard words.count >= 2, let number = Int(words[1]) else { return nil }
      var values: [String: Double] = [:]
      for index in stride(from: 2, to: words.count - 1, by: 2) { values[words[index]] = Double(words[index + 1]) }
      guard let total = values.removeValue(forKey: "total"), let own = values.removeValue(forKey: "hypervisor") else {
        return nil
      }
      return Count(
        event: words[0] == "first" ? .firstInstruction : .marker(number), total: total, hypervisor: own, exits: values)
    }
  }
}
