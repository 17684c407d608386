import Manifest

/// A system file's values.
struct SystemConfiguration {
  let vms: [Located<String>]
  let whenAllStopped: WhenAllStopped
  let logLevel: LogLevel
  let cpus: Located<Int>?
  let memory: Located<UInt64>?
  let architecture: Located<Architecture>?
}

extension SystemConfiguration {
  /// Whether a file's values are meant as a system and not as a VM: they have more of a system's own keys.
  static func isMeant(by item: ConfigurationItem) -> Bool {
    guard case .table(let entries) = item.content else { return false }
    func own(_ schema: Schema, not other: Schema) -> Int {
      entries.count { schema.names.contains($0.key) && !other.names.contains($0.key) }
    }
    return own(.system, not: .vm) > own(.vm, not: .system)
  }

  /// Nil only where `item` is no table.
  init?(_ item: ConfigurationItem, _ findings: Findings) {
    guard let table = TableReader(item, .system, findings) else { return nil }
    vms = table.strings("vms") ?? []
    whenAllStopped = table.word("when-all-stopped")?.value ?? .powerOff
    logLevel = table.word("log-level")?.value ?? .info
    let machine = table.table("machine", .machine)
    cpus = machine?.integer("cpus", in: 1...ManifestLimits.physicalCPUs)
    memory = machine?.size("memory")
    architecture = machine?.word("architecture")

    if vms.isEmpty, case .array(let items) = table.item("vms")?.content, items.isEmpty,
      let place = table.item("vms")?.place
    {
      findings.report(place, "the system has no VM", advice: "vms = [\"linux.toml\"]")
    }
    if vms.count > ManifestLimits.vms {
      findings.report(
        vms[ManifestLimits.vms].place, "the system has \(vms.count) VMs", advice: "at most \(ManifestLimits.vms)")
    }
    for (index, vm) in vms.enumerated() {
      guard let other = vms[..<index].first(where: { $0.value == vm.value }) else { continue }
      findings.report(
        vm.place, "the VM file is in the list twice", advice: "each file once; two VMs need two names",
        related: [.init(label: "the first time", place: other.place)])
    }
  }
}
