/// The figures of a Linux guest: from its first instruction to user space, and of the parts of its fixed work
/// (`Guests/Workload`), out of the plugin's counts.
enum LinuxFigures {
  /// The parts of the work, in the order of their markers.
  static let parts = ["fork", "page_faults", "pipe", "sleep"]

  /// Figures by name: `boot`, each part and `work`, the parts together, each with `_total`, `_instructions` (the
  /// hypervisor's) and `_exits`, and exits by kind as `_exits.<kind>`. Nil where a marker is missing.
  static func found(in counts: [CountingPlugin.Count]) -> [String: Double]? {
    let markers = (0...parts.count).compactMap { number in counts.first { $0.event == .marker(number) } }
    guard markers.count == parts.count + 1, let reached = markers.first, let end = markers.last else { return nil }
    var figures: [String: Double] = [:]
    /// Without a hypervisor the guest begins with the machine.
    let start = counts.first { $0.event == .firstInstruction }
    if let start { figures["first_instruction"] = start.total }
    add("boot", from: start, to: reached, &figures)
    for (index, part) in parts.enumerated() { add(part, from: markers[index], to: markers[index + 1], &figures) }
    add("work", from: reached, to: end, &figures)
    return figures
  }

  /// Exits by kind of the boot and of the work, where any were counted.
  static func exits(in figures: [String: Double], boot: String) -> [BenchmarkFigures.Exits] {
    ["boot", "work"].compactMap { part in
      let prefix = "\(part)_exits."
      let kinds = figures.filter { $0.key.hasPrefix(prefix) }.map { (String($0.key.dropFirst(prefix.count)), $0.value) }
      guard kinds.contains(where: { $0.1 > 0 }) else { return nil }
      return BenchmarkFigures.Exits(boot: boot, part: part, kinds: Dictionary(uniqueKeysWithValues: kinds))
    }
  }

  private static func add(
    _ name: String, from start: CountingPlugin.Count?, to end: CountingPlugin.Count, _ figures: inout [String: Double]
  ) {
    figures["\(name)_total"] = end.total - (start?.total ?? 0)
    figures["\(name)_instructions"] = end.hypervisor - (start?.hypervisor ?? 0)
    figures["\(name)_exits"] = end.exitCount - (start?.exitCount ?? 0)
    for (kind, count) in end.exits { figures["\(name)_exits.\(kind)"] = count - (start?.exits[kind] ?? 0) }
  }
}
