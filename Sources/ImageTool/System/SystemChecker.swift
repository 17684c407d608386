import Manifest

/// Checks what only shows when all VMs and the machine are looked at together.
struct SystemChecker {
  let machine: MachineDescription
  /// Where the configuration says how many CPUs the machine has; nil where it does not.
  let cpusPlace: SourcePlace?
  let memoryPlace: SourcePlace?
  let architecture: Architecture
  let findings: Findings

  /// - Parameters:
  ///   - configurations: every VM file that is a table.
  ///   - vms: the same ones put together; nil where that failed.
  func check(_ configurations: [VMConfiguration], _ vms: [BuiltVM?]) {
    if configurations.count > ManifestLimits.vms {
      findings.report(
        SourcePlace(configurations[ManifestLimits.vms].file, nil), "there are \(configurations.count) VMs",
        advice: "at most \(ManifestLimits.vms)")
    }
    checkNames(configurations)
    for configuration in configurations { checkCPUsExist(configuration) }
    checkExclusiveCPUs(configurations)
    checkMemory(configurations, vms)
    for vm in vms.compactMap({ $0 }) {
      ProblemReporter(vm: vm, machine: architecture.guestMachine, findings: findings).report()
    }
  }

  private func checkNames(_ configurations: [VMConfiguration]) {
    for (index, configuration) in configurations.enumerated() {
      guard let name = configuration.name,
        let other = configurations[..<index].lazy.compactMap(\.name).first(where: { $0.value == name.value })
      else { continue }
      findings.report(
        name.place, "two VMs are called \"\(name.value)\"", advice: "a name of its own for each VM",
        related: [.init(label: "the other one", place: other.place)])
    }
  }

  private func checkCPUsExist(_ configuration: VMConfiguration) {
    for cpu in configuration.affinity?.value.flatMap(\.value) ?? [] where cpu.value >= machine.cpus {
      findings.report(
        cpu.place, "CPU \(cpu.value) does not exist: the machine has \(machine.cpus)",
        advice: machine.cpus == 1 ? "CPU 0" : "a CPU from 0 to \(machine.cpus - 1)",
        related: cpusPlace.map { [.init(label: "the machine's CPUs", place: $0)] } ?? [])
    }
  }

  private func checkExclusiveCPUs(_ configurations: [VMConfiguration]) {
    for (index, configuration) in configurations.enumerated() {
      for cpu in configuration.affinity?.value.flatMap(\.value) ?? [] {
        for other in configurations[..<index] {
          guard isExclusive(configuration) || isExclusive(other),
            let otherCPU = other.affinity?.value.flatMap(\.value).first(where: { $0.value == cpu.value })
          else { continue }
          let owner = isExclusive(other) ? other : configuration
          findings.report(
            cpu.place, "CPU \(cpu.value) is wanted by one VM for itself and named by another",
            advice: "different CPUs, or no `exclusive-cpus`",
            related: [.init(label: "the other VM names it", place: otherCPU.place)]
              + (owner.exclusiveCPUs.map { [.init(label: "for itself", place: $0.place)] } ?? []))
        }
      }
    }
    checkCPUsAreLeft(configurations)
  }

  /// A VM that names no CPUs runs on those that nobody has for itself; there must be one.
  private func checkCPUsAreLeft(_ configurations: [VMConfiguration]) {
    let owners = configurations.filter(isExclusive)
    let owned = Set(owners.flatMap { $0.affinity?.value.flatMap(\.value).map(\.value) ?? [] })
    guard (0..<machine.cpus).allSatisfy(owned.contains) else { return }
    for configuration in configurations where !isExclusive(configuration) {
      guard configuration.affinity == nil, let name = configuration.name else { continue }
      findings.report(
        name.place, "no CPU is left for the VM: all \(machine.cpus) belong to others",
        advice: "more CPUs for the machine, or fewer that VMs have for themselves",
        related: owners.compactMap(\.exclusiveCPUs).map { .init(label: "has its CPUs for itself", place: $0.place) })
    }
  }

  private func isExclusive(_ configuration: VMConfiguration) -> Bool { configuration.exclusiveCPUs?.value ?? false }

  private func checkMemory(_ configurations: [VMConfiguration], _ vms: [BuiltVM?]) {
    let ranges = configurations.flatMap(\.memory)
    guard let last = ranges.last else { return }
    let payloads = vms.reduce(UInt64(0)) { sum, vm in
      sum + (vm?.payloads.reduce(UInt64(0)) { $0 + UInt64($1.count) } ?? 0)
    }
    let (guests, overflow) = ranges.reduce((UInt64(0), false)) { sum, range in
      let (next, overflow) = sum.0.addingReportingOverflow(range.value.byteCount)
      return (next, sum.1 || overflow)
    }
    let own = MachineDescription.hypervisorByteCount + payloads
    guard overflow || guests > machine.memory || own > machine.memory - guests else { return }
    let total = overflow ? "more than 64 bits hold" : ByteSize.text(guests)
    findings.report(
      last.place,
      "the machine does not have the memory: the VMs take \(total), and it has \(ByteSize.text(machine.memory))",
      advice: "less memory for the VMs, or a machine with more; the hypervisor keeps "
        + ByteSize.text(MachineDescription.hypervisorByteCount) + " and the images",
      related: ranges.dropLast().map { .init(label: "another VM's or range's memory", place: $0.place) }
        + (memoryPlace.map { [.init(label: "the machine's memory", place: $0)] } ?? []))
  }
}
