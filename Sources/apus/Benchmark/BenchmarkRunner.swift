import Foundation
import Manifest

/// Measures: boots what each row needs, natively and inside Apus, once.
final class BenchmarkRunner {
  /// With a hypervisor below, or without.
  enum Side: String {
    case native, apus
  }

  private let build: HypervisorBuild
  private let machine: BenchmarkMachine
  /// Where what is booted is kept.
  private let folder: URL
  private var known: [String: [String: Double]] = [:]

  init(build: HypervisorBuild) {
    self.build = build
    machine = BenchmarkMachine(architecture: build.architecture)
    folder = build.repository.build.appending(path: "bench/\(build.architecture.name)")
  }

  func measure(_ rows: [BenchmarkRows.Row]) throws(Failure) -> BenchmarkFigures {
    var figures = BenchmarkFigures(qemu: try machine.emulatorVersion(), arch: build.architecture.name, rows: [])
    for row in rows {
      figures.rows.append(
        BenchmarkFigures.Row(
          id: row.id, native: try self.figures(of: row.boot, .native)[row.figure],
          apus: try self.figures(of: row.boot, .apus)[row.figure]))
    }
    let exits = known.keys.sorted().flatMap { LinuxFigures.exits(in: known[$0] ?? [:], boot: $0) }
    figures.exits = exits.isEmpty ? nil : exits
    return figures
  }

  /// Adds what our guest measures under Xen on one CPU. With two CPUs Xen waits for the other one in a loop that does not
  /// tell the emulator so, which makes a turn of either 100 million instructions long.
  func addXen(to figures: inout BenchmarkFigures, _ rows: [BenchmarkRows.Row]) throws(Failure) {
    let xen = XenPeer(build: build, machine: machine)
    try xen.get()
    let boot = BenchmarkBoot(folder: folder.appending(path: "xen"))
    let measured = try Progress.shared.step("bench", "the same guest under Xen") { _ throws(Failure) in
      let measured = try xen.figures(cpus: 1, boot)
      return (measured, "the same guest under Xen: \(measured.count) figures")
    }
    for index in figures.rows.indices {
      guard let row = rows.first(where: { $0.id == figures.rows[index].id }), row.boot.isForPeers else { continue }
      figures.rows[index].xen = measured[row.figure]
    }
  }

  /// What a boot gives, by name. It is booted once: a second time would give the same.
  private func figures(of source: BenchmarkSource, _ side: Side) throws(Failure) -> [String: Double] {
    guard side == .apus || source.isNative else { return [:] }
    let key = "\(source.rawValue)-\(side.rawValue)"
    if let figures = known[key] { return figures }
    let figures = try Progress.shared.step("bench", "\(source.rawValue), \(side.rawValue)") { _ throws(Failure) in
      let figures = try measure(source, side, BenchmarkBoot(folder: folder.appending(path: key)))
      return (figures, "\(source.rawValue), \(side.rawValue): \(figures.count) figures")
    }
    known[key] = figures
    return figures
  }

  private func measure(
    _ source: BenchmarkSource, _ side: Side, _ boot: BenchmarkBoot
  ) throws(Failure) -> [String: Double] {
    switch source {
    case .oneVCPU: try guestFigures(cpus: 1, .native, side, boot)
    case .oneVCPUTrapped: try guestFigures(cpus: 1, .trapped, side, boot)
    case .twoVCPUs: try guestFigures(cpus: 2, .native, side, boot)
    case .fourVMs: try scaledFigures(vms: 4, fewer: (.oneVCPUTrapped, 1), boot)
    case .sixteenVMs: try scaledFigures(vms: 16, fewer: (.fourVMs, 4), boot)
    case .manyDevices: try manyDevicesFigures(boot)
    case .image: imageFigures()
    case .linux: try linuxFigures(cpus: 1, side, boot)
    case .linuxTwoVCPUs: try linuxFigures(cpus: 2, side, boot)
    }
  }

  private func imageFigures() -> [String: Double] {
    build.image.byteCount.map { ["image_bytes": Double($0)] } ?? [:]
  }

  // MARK: - Our own guest

  private func guestFigures(
    cpus: Int, _ idle: BenchmarkVM.Idle, _ side: Side, _ boot: BenchmarkBoot
  ) throws(Failure) -> [String: Double] {
    let vm = BenchmarkVM(kernel: build.testGuest, commandLine: "case=bench", cpus: cpus, idle: idle)
    let (lines, counts) = try run(try command(for: [vm], side, cpus: cpus, boot), side, boot)
    guard var figures = GuestFigures.found(in: lines) else {
      throw Failure(.failed, "the guest did not end well; its console is in \(boot.folder.pathFromHere)")
    }
    figures["first_instruction"] = counts.first { $0.event == .firstInstruction }?.total
    if side == .apus { figures["own_memory_bytes"] = try ownMemory(lines, vm, boot) }
    return figures
  }

  // MARK: - Scale

  /// Words for the guest that is measured: until its neighbours sleep it does too.
  private static let scaledCommandLine = "case=bench delay=500"

  /// The loops in the first of several VMs on one CPU; the others sleep. `create_vm` is what a further VM costs before any
  /// guest runs, by the difference to fewer VMs.
  private func scaledFigures(
    vms count: Int, fewer: (source: BenchmarkSource, count: Int), _ boot: BenchmarkBoot
  ) throws(Failure) -> [String: Double] {
    let first = BenchmarkVM(kernel: build.testGuest, commandLine: Self.scaledCommandLine, idle: .trapped)
    let others = (1..<count).map { index in
      BenchmarkVM(name: "idle-\(index)", kernel: build.testGuest, commandLine: "case=idle", idle: .trapped)
    }
    var figures = try self.scaledFigures(of: [first] + others, boot)
    let before = try self.figures(of: fewer.source, .apus)["first_instruction"]
    if let before, let now = figures["first_instruction"] {
      figures["create_vm"] = (now - before) / Double(count - fewer.count)
    }
    return figures
  }

  private func manyDevicesFigures(_ boot: BenchmarkBoot) throws(Failure) -> [String: Double] {
    let machine = build.architecture.guestMachine
    var vm = BenchmarkVM(kernel: build.testGuest, commandLine: Self.scaledCommandLine, idle: .trapped)
    vm.clocks = (0..<31).map { index in
      (machine.clock.base.rawValue + UInt64(index) * 0x1000, machine.clock.interrupt + UInt32(index))
    }
    return try scaledFigures(of: [vm], boot)
  }

  private func scaledFigures(of vms: [BenchmarkVM], _ boot: BenchmarkBoot) throws(Failure) -> [String: Double] {
    // The others never end.
    let (lines, counts) = try run(try command(for: vms, .apus, cpus: 1, boot), .apus, boot) {
      $0.contains("guest: done bench")
    }
    guard var figures = GuestFigures.found(in: lines) else {
      throw Failure(.failed, "the guest did not end well; its console is in \(boot.folder.pathFromHere)")
    }
    figures["first_instruction"] = counts.first { $0.event == .firstInstruction }?.total
    return figures
  }

  /// All of the machine's memory that is neither the VM's, nor the bundle's, nor free.
  private func ownMemory(_ lines: [String], _ vm: BenchmarkVM, _ boot: BenchmarkBoot) throws(Failure) -> Double {
    let told = lines.lazy.compactMap { $0.firstMatch(of: /apus: all VMs are made, (\d+) KiB left free/) }.first
    guard let free = told.flatMap({ UInt64($0.1) }), let bundle = bundle(of: boot).byteCount else {
      throw Failure(.failed, "the hypervisor does not say how much memory is free")
    }
    let frame: UInt64 = 4096
    let bundleFrames = (UInt64(bundle) + frame - 1) / frame
    return Double(BenchmarkMachine.memory - vm.memory - bundleFrames * frame - free * 1024)
  }

  // MARK: - Linux

  private func linuxFigures(cpus: Int, _ side: Side, _ boot: BenchmarkBoot) throws(Failure) -> [String: Double] {
    let store = GuestStore(repository: build.repository, architecture: build.architecture)
    let demo = GuestKit.demo(build.architecture)
    try store.get(demo)
    let ramdisk = boot.folder.appending(path: "workload.cpio")
    try WorkloadRamdisk.write(build.workload, to: ramdisk)
    let vm = BenchmarkVM(
      name: "linux", kernel: store.file(demo.parts[0], of: demo), ramdisk: ramdisk,
      commandLine: "\(machine.linuxConsole) quiet nokaslr norandmaps transparent_hugepage=never", cpus: cpus,
      memory: 512 << 20)
    let (lines, counts) = try run(try command(for: [vm], side, cpus: cpus, boot), side, boot)
    guard lines.contains(where: { $0.contains("workload: done") }), let figures = LinuxFigures.found(in: counts) else {
      throw Failure(.failed, "Linux did not end well; its console is in \(boot.folder.pathFromHere)")
    }
    return figures
  }

  /// What a boot said and what the plugin counted.
  private func run(
    _ command: QEMUCommand, _ side: Side, _ boot: BenchmarkBoot, until isLast: (String) -> Bool = { _ in false }
  ) throws(Failure) -> (lines: [String], counts: [CountingPlugin.Count]) {
    let plugin = CountingPlugin(repository: build.repository)
    try plugin.build()
    let file = boot.folder.appending(path: "counts")
    var command = command
    command.additional += try plugin.arguments(
      for: machine, hypervisor: side == .apus ? build.linked : nil, file: file)
    let lines = try boot.run(command, until: isLast)
    let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    return (lines, CountingPlugin.counts(in: text))
  }

  private func bundle(of boot: BenchmarkBoot) -> URL { boot.folder.appending(path: "bundle") }

  /// How the VMs' guests are started; natively the only one's.
  private func command(
    for vms: [BenchmarkVM], _ side: Side, cpus: Int, _ boot: BenchmarkBoot
  ) throws(Failure) -> QEMUCommand {
    switch side {
    case .native:
      return machine.native(
        .kernel(vms[0].kernel.path, initrd: vms[0].ramdisk?.path, bootArguments: vms[0].commandLine), cpus: cpus,
        memory: vms[0].memory)
    case .apus:
      var paths: [String] = []
      for vm in vms {
        let file = boot.folder.appending(path: "\(vm.name).toml")
        try file.writeAtomically(Data(vm.text.utf8))
        paths.append(file.pathFromHere)
      }
      let bundle = bundle(of: boot)
      let store = GuestStore(repository: build.repository, architecture: build.architecture)
      _ = try BootConfiguration(paths: paths, store: store, cpus: cpus, memory: BenchmarkMachine.memory)
        .write(to: bundle, BootConfiguration.Changes())
      return machine.hypervisor(build.image.path, bundle: bundle.path, cpus: cpus)
    }
  }
}
