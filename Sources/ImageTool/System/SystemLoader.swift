import Foundation
import Manifest

/// Reads every file of a system, and goes on after each mistake.
struct SystemLoader {
  private let cpus: Int?
  private let memory: UInt64?
  private let wantedArchitecture: Architecture?
  private let library: (Architecture) -> GuestLibrary
  private let findings = Findings()
  private let store = FileStore()
  private var files: [SourceFile] = []
  private var configurations: [VMConfiguration] = []
  private var system: SystemConfiguration?

  init(
    cpus: Int?, memory: UInt64?, architecture: Architecture?, guests library: @escaping (Architecture) -> GuestLibrary
  ) {
    self.cpus = cpus
    self.memory = memory
    wantedArchitecture = architecture
    self.library = library
  }

  private var architecture: Architecture { wantedArchitecture ?? system?.architecture?.value ?? .standard }

  mutating func load(_ paths: [String]) -> SystemDescription.Loaded {
    for path in paths { loadArgument(path, isAlone: paths.count == 1) }
    let guests = library(architecture)
    let vms = configurations.map { VMBuilder.build($0, store, guests, findings) }
    let machine = MachineDescription(
      cpus: cpus ?? system?.cpus?.value ?? MachineDescription.standard.cpus,
      memory: memory ?? system?.memory?.value ?? MachineDescription.standard.memory)
    SystemChecker(
      machine: machine, cpusPlace: cpus == nil ? system?.cpus?.place : nil,
      memoryPlace: memory == nil ? system?.memory?.place : nil, architecture: architecture,
      findings: findings
    ).check(configurations, vms)

    let built = vms.compactMap { $0 }
    let manifest = SystemManifest(
      architecture: architecture, whenAllStopped: system?.whenAllStopped ?? .powerOff,
      logLevel: system?.logLevel ?? .info, vms: built.map(\.manifest))
    let description = SystemDescription(machine: machine, manifest: manifest, vms: built, files: files)
    return SystemDescription.Loaded(
      system: findings.all.isEmpty ? description : nil, findings: findings.sorted(by: files), files: files,
      guests: configurations.flatMap(\.paths).compactMap { GuestReference($0) }.map(\.guest))
  }

  /// A file that the user named: a VM, or a system if it is the only one.
  private mutating func loadArgument(_ path: String, isAlone: Bool) {
    guard let (file, item) = parse(path, url: URL(filePath: path), namedAt: nil) else { return }
    guard SystemConfiguration.isMeant(by: item) else { return addVM(file, item) }
    guard isAlone else {
      return findings.report(
        SourcePlace(file, nil), "a system file does not go with other files", advice: "it alone, or VM files alone")
    }
    system = SystemConfiguration(item, findings)
    checkArchitecture()
    var names: Set<String> = []
    for vm in system?.vms.prefix(ManifestLimits.vms) ?? [] where names.insert(vm.value).inserted {
      // Shown beside the system file's own path, so that a terminal can open it.
      let folder = (path as NSString).deletingLastPathComponent
      let shown = vm.value.hasPrefix("/") ? vm.value : (folder as NSString).appendingPathComponent(vm.value)
      let url = URL(filePath: vm.value, relativeTo: file.url.deletingLastPathComponent())
      guard let (vmFile, vmItem) = parse(shown, url: url, namedAt: vm.place) else { continue }
      guard !SystemConfiguration.isMeant(by: vmItem) else {
        findings.report(vm.place, "this is a system file, not a VM file", advice: "files of VMs")
        continue
      }
      addVM(vmFile, vmItem)
    }
  }

  private func checkArchitecture() {
    guard let wanted = wantedArchitecture, let stated = system?.architecture, stated.value != wanted else { return }
    findings.report(
      stated.place, "the system is for \(stated.value.word), and \(wanted.word) was asked for",
      advice: "--arch \(stated.value.word), or a system file that names no architecture")
  }

  private mutating func addVM(_ file: SourceFile, _ item: ConfigurationItem) {
    if let configuration = VMConfiguration(file, item, for: architecture, findings) {
      configurations.append(configuration)
    }
  }

  /// The file's values; nil, with a finding, where it cannot be read or is no TOML.
  private mutating func parse(
    _ path: String, url: URL, namedAt place: SourcePlace?
  ) -> (SourceFile, ConfigurationItem)? {
    let bytes: [UInt8]
    switch store.read(url) {
    case .success(let data): bytes = [UInt8](data)
    case .failure(let problem):
      let file = SourceFile(path: path, url: url, bytes: [])
      findings.report(
        place ?? SourcePlace(file, nil), problem.message,
        advice: place == nil ? "the path of a TOML file" : problem.advice)
      return nil
    }
    let file = SourceFile(path: path, url: url, bytes: bytes)
    files.append(file)
    return TOMLReader.read(file, findings).map { (file, $0) }
  }
}
