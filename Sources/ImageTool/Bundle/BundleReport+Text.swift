extension BundleReport {
  /// As text for a person.
  public var text: String {
    var lines = [
      "bundle: \(ByteSize.text(byteCount)), format \(formatVersion), \(architecture), log level \(logLevel);"
        + " when all VMs have stopped: \(whenAllStopped)"
    ]
    for (index, vm) in vms.enumerated() { lines += [""] + vm.lines(index) }
    return lines.map { $0 + "\n" }.joined()
  }
}

extension BundleReport.VM {
  fileprivate func lines(_ index: Int) -> [String] {
    let count = vcpus.count == 1 ? "1 vCPU" : "\(vcpus.count) vCPUs"
    var lines = ["VM \(index): \(name), \(count), \(ByteSize.text(memoryByteCount))"]
    for (vcpu, cpus) in vcpus.enumerated() {
      let places = cpus.isEmpty ? "any CPU" : "CPU " + cpus.map(String.init).joined(separator: ", ")
      lines.append("  vCPU \(vcpu): \(places)\(hasOwnCPUs ? ", for itself" : "")")
    }
    lines.append("  starts at \(entry) by the boot protocol \(bootProtocol)\(autostart ? "" : ", on command")")
    lines.append("  on reset: \(onReset); on failure: \(onFailure); idle: \(idle); log level: \(logLevel)")
    if !commandLine.isEmpty { lines.append("  command line: \(commandLine)") }
    lines.append("  memory map")
    let width = memoryMap.map { $0.last.count }.max() ?? 0
    for range in memoryMap {
      lines.append(
        "    \(pad(range.first, width)) to \(pad(range.last, width))  \(range.use), \(size(range.byteCount))")
    }
    lines.append("  images")
    for image in images {
      lines.append(
        "    \(image.kind): \(size(image.byteCount)) from \(image.bundleOffset) of the bundle to \(image.guestAddress)")
    }
    lines.append("  interrupts")
    for interrupt in interrupts { lines.append("    \(interrupt.kind) \(interrupt.number): \(interrupt.device)") }
    return lines
  }

  private func pad(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  /// Exact where a unit fits, else with the next smaller unit's whole number.
  private func size(_ byteCount: UInt64) -> String {
    if byteCount % 1024 == 0 || byteCount < 1024 { return ByteSize.text(byteCount) }
    return byteCount < 1 << 20 ? "\(byteCount >> 10) KiB" : "\(byteCount >> 20) MiB"
  }
}
