import Manifest

/// What a single boot does differently from its configuration.
extension SystemDescription {
  /// Adds words to the command line of every VM.
  /// - Returns: the VMs whose command line has no room for them; theirs stays as it is.
  public mutating func append(toCommandLines words: String) -> [String] {
    var refused: [String] = []
    for index in manifest.vms.indices {
      let line = manifest.vms[index].commandLine
      let longer = line + Array(((line.isEmpty ? "" : " ") + words).utf8)
      if longer.count <= ManifestLimits.commandLineByteCount {
        manifest.vms[index].commandLine = longer
      } else {
        refused.append(vmNames[index])
      }
    }
    return refused
  }

  /// Stops a VM that asks for a reset, whatever its file says.
  public mutating func stopOnReset() {
    for index in manifest.vms.indices { manifest.vms[index].onReset = .stop }
  }

  /// What the hypervisor tells on the console, of itself and of every VM.
  public mutating func setLogLevel(_ level: LogLevel) {
    manifest.logLevel = level
    for index in manifest.vms.indices { manifest.vms[index].logLevel = level }
  }
}
