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
    return figures
  }

  /// What a boot gives, by name. It is booted once: a second time would give the same.
  private func figures(of source: BenchmarkSource, _ side: Side) throws(Failure) -> [String: Double] {
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
    }
  }

  // MARK: - Our own guest

  private func guestFigures(
    cpus: Int, _ idle: BenchmarkVM.Idle, _ side: Side, _ boot: BenchmarkBoot
  ) throws(Failure) -> [String: Double] {
    let vm = BenchmarkVM(kernel: build.testGuest, commandLine: "case=bench", cpus: cpus, idle: idle)
    let lines = try boot.run(try command(for: [vm], side, cpus: cpus, boot))
    guard let figures = GuestFigures.found(in: lines) else {
      throw Failure(.failed, "the guest did not end well; its console is in \(boot.folder.pathFromHere)")
    }
    return figures
  }

  /// How the VMs' guests are started; natively the only one's.
  private func command(
    for vms: [BenchmarkVM], _ side: Side, cpus: Int, _ boot: BenchmarkBoot
  ) throws(Failure) -> QEMUCommand {
    switch side {
    case .native:
      return machine.native(
        .kernel(vms[0].kernel.path, initrd: vms[0].ramdisk?.path, bootArguments: vms[0].commandLine), cpus: cpus)
    case .apus:
      var paths: [String] = []
      for vm in vms {
        let file = boot.folder.appending(path: "\(vm.name).toml")
        try file.writeAtomically(Data(vm.text.utf8))
        paths.append(file.pathFromHere)
      }
      let bundle = boot.folder.appending(path: "bundle")
      _ = try BootConfiguration(paths: paths, cpus: cpus, memory: BenchmarkMachine.memory)
        .write(to: bundle, BootConfiguration.Changes())
      return machine.hypervisor(build.image.path, bundle: bundle.path, cpus: cpus)
    }
  }
}
