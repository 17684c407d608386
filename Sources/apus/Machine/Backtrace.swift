/// Turns the addresses of a panic into names and lines.
struct Backtrace {
  let addresses: [UInt64]

  /// One line a frame, the innermost first; the bare addresses where the symbols are not to be had.
  func described(by build: HypervisorBuild) -> [String] {
    // All but the first are return addresses: the call is the instruction before.
    let calls = addresses.enumerated().map { $0.offset == 0 ? $0.element : $0.element &- 4 }
    let texts = calls.map { "0x" + String($0, radix: 16) }
    guard let toolchain = try? Toolchain.current(),
      let found = try? Tool.output(
        toolchain.program("llvm-symbolizer"),
        ["--obj=\(build.linked.path)", "--no-inlines", "--basenames", "--pretty-print"] + texts),
      let named = try? Tool.output(toolchain.program("swift-demangle"), ["--simplified", found])
    else { return texts }
    let names = named.split(separator: "\n").map(String.init)
    return zip(addresses, names).enumerated().map { index, frame in
      "#\(index) 0x\(String(frame.0, radix: 16)) \(frame.1)"
    }
  }
}
