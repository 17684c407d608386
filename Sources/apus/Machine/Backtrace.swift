/// Turns the addresses of a panic into names and lines.
struct Backtrace {
  let addresses: [UInt64]

  /// What the symbols say of an address.
  struct Frame: Equatable {
    /// As the linker knows it.
    let symbol: String
    /// File, line and column.
    let place: String
  }

  /// One line a frame, the innermost first; the bare addresses where the symbols are not to be had.
  func described(by build: HypervisorBuild) -> [String] {
    // All but the first are return addresses: the call is the instruction before.
    let calls = addresses.enumerated().map { Self.text($0.offset == 0 ? $0.element : $0.element &- 4) }
    guard let toolchain = try? Toolchain.current(),
      let found = try? Tool.output(
        toolchain.program("llvm-symbolizer"),
        ["--obj=\(build.linked.path)", "--no-inlines", "--basenames", "--pretty-print"] + calls)
    else { return addresses.map(Self.text) }
    let frames = Self.frames(in: found)
    let demangled = try? Tool.output(
      toolchain.program("swift-demangle"), ["--compact", "--simplified"] + frames.map(\.symbol))
    let names = demangled.map { $0.split(separator: "\n").map(String.init) } ?? frames.map(\.symbol)
    return zip(addresses, zip(names, frames)).enumerated().map { index, frame in
      "#\(index) \(Self.text(frame.0))  \(frame.1.0)  \(frame.1.1.place)"
    }
  }

  /// Reads lines of "symbol at place".
  static func frames(in output: String) -> [Frame] {
    output.split(separator: "\n").map { line in
      guard let at = line.firstRange(of: " at ") else { return Frame(symbol: String(line), place: "") }
      return Frame(symbol: String(line[..<at.lowerBound]), place: String(line[at.upperBound...]))
    }
  }

  private static func text(_ address: UInt64) -> String { "0x" + String(address, radix: 16) }
}
