import Virtualization

extension SystemManifest {
  /// Reports everything that is wrong with the VM at `index`, by itself and beside the VMs before it.
  ///
  /// The command line and the hypervisor both ask this, so what the one lets through the other accepts.
  public func visitProblems(ofVM index: Int, _ report: (ManifestProblem) -> Void) {
    let vm = vms[index]
    vm.visitProblems(on: architecture.guestMachine, bundleByteCount: bundleByteCount, report)
    for (other, otherVM) in vms[..<index].enumerated() {
      if vm.name == otherVM.name { report(.nameTaken(byVM: other)) }
      guard vm.exclusiveCPUs || otherVM.exclusiveCPUs else { continue }
      let shared = vm.namedCPUs & otherVM.namedCPUs
      if shared != 0 { report(.exclusiveCPUNamed(cpu: shared.trailingZeroBitCount, byVM: other)) }
    }
  }
}

extension VMManifest {
  func visitProblems(on machine: GuestMachine, bundleByteCount: UInt64, _ report: (ManifestProblem) -> Void) {
    if !Self.isName(name) { report(.badName) }
    visitVCPUProblems(report)
    visitMemoryProblems(on: machine, report)
    visitImageProblems(bundleByteCount: bundleByteCount, report)
    visitBootProblems(report)
    visitDeviceProblems(on: machine, report)
  }

  /// Whether a VM may be called `name`.
  public static func isName(_ name: [UInt8]) -> Bool {
    (1...ManifestLimits.nameByteCount).contains(name.count)
      && name.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }

  private func visitVCPUProblems(_ report: (ManifestProblem) -> Void) {
    if !(1...ManifestLimits.vcpus).contains(vcpus.count) { report(.badVCPUCount) }
    for (index, vcpu) in vcpus.enumerated() {
      if exclusiveCPUs && vcpu.affinity == 0 { report(.exclusiveVCPUNamesNoCPU(vcpu: index)) }
      guard idle == .native else { continue }
      let isShared = vcpus.enumerated().contains { $0.offset != index && $0.element.affinity & vcpu.affinity != 0 }
      if !exclusiveCPUs || vcpu.affinity.nonzeroBitCount != 1 || isShared {
        report(.nativeIdleWithoutOwnCPU(vcpu: index))
      }
    }
  }

  private func visitMemoryProblems(on machine: GuestMachine, _ report: (ManifestProblem) -> Void) {
    if !(1...ManifestLimits.memoryRanges).contains(memory.count) { report(.badMemoryCount) }
    for (index, range) in memory.enumerated() {
      if !range.base.isAligned(to: ManifestLimits.pageByteCount)
        || range.byteCount % ManifestLimits.pageByteCount != 0
      {
        report(.memoryMisaligned(range: index))
      }
      if range.last >= machine.addressLimit { report(.memoryBeyondAddresses(range: index)) }
      if machine.reserved.contains(where: range.overlaps) { report(.memoryOverlapsInterruptController(range: index)) }
      for (other, otherRange) in memory[..<index].enumerated() where range.overlaps(otherRange) {
        report(.memoryOverlaps(range: index, other: other))
      }
    }
  }

  private func visitImageProblems(bundleByteCount: UInt64, _ report: (ManifestProblem) -> Void) {
    if images.count > ManifestLimits.images { report(.tooManyImages) }
    for (index, image) in images.enumerated() {
      if image.byteCount > image.memoryByteCount { report(.imageLargerThanItsMemory(image: index)) }
      if image.bundleOffset % ManifestLimits.pageByteCount != 0 { report(.imageMisalignedInBundle(image: index)) }
      if image.bundleOffset > bundleByteCount || image.byteCount > bundleByteCount - image.bundleOffset {
        report(.imageOutsideBundle(image: index))
      }
      let isSingle = image.kind == .ramdisk || image.kind == .firmware || image.kind == .deviceTree
      if isSingle, let other = images[..<index].firstIndex(where: { $0.kind == image.kind }) {
        report(.secondOfItsKind(image: index, other: other))
      }
      guard let range = image.guestRange, memory.contains(where: { $0.contains(range) }) else {
        report(.imageOutsideMemory(image: index))
        continue
      }
      if image.kind != .deviceTree, let tree = deviceTree.range, range.overlaps(tree) {
        report(.imageOverlapsDeviceTree(image: index))
      }
      for (other, otherImage) in images[..<index].enumerated() {
        guard let otherRange = otherImage.guestRange, range.overlaps(otherRange) else { continue }
        report(.imagesOverlap(image: index, other: other))
      }
    }
  }

  private func visitBootProblems(_ report: (ManifestProblem) -> Void) {
    if !images.contains(where: { $0.guestRange?.contains(entry) ?? false }) { report(.entryOutsideImages) }
    if !entry.isAligned(to: 4) { report(.entryMisaligned) }
    if commandLine.count > ManifestLimits.commandLineByteCount { report(.commandLineTooLong) }
    if commandLine.contains(0) { report(.commandLineHasZero) }

    if deviceTree.source == .none {
      if bootProtocol == .linux { report(.deviceTreeMissing) }
      return
    }
    if !deviceTree.address.isAligned(to: 8) { report(.deviceTreeMisaligned) }
    guard deviceTree.roomByteCount <= ManifestLimits.deviceTreeByteCount, let range = deviceTree.range else {
      return report(.deviceTreeBadRoom)
    }
    if !memory.contains(where: { $0.contains(range) }) { report(.deviceTreeOutsideMemory) }
    let image = images.first { $0.kind == .deviceTree }
    let isSupplied = deviceTree.source == .supplied
    if isSupplied != (image != nil) || image.map({ $0.guestRange != range }) ?? false {
      report(.deviceTreeImageMissing)
    }
  }

  private func visitDeviceProblems(on machine: GuestMachine, _ report: (ManifestProblem) -> Void) {
    if devices.count > ManifestLimits.devices { report(.tooManyDevices) }
    for (index, device) in devices.enumerated() {
      if !machine.interrupts.contains(device.interrupt) { report(.deviceBadInterrupt(device: index)) }
      if let other = devices[..<index].firstIndex(where: { $0.interrupt == device.interrupt }) {
        report(.interruptTaken(device: index, other: other))
      }
      let limit = machine.deviceSpace == .ports ? DeviceSpace.portLimit : machine.addressLimit
      guard let range = device.range, range.last < limit else {
        report(.deviceBeyondAddresses(device: index))
        continue
      }
      if machine.deviceSpace == .memory { visitPlaceProblems(ofDevice: index, range, on: machine, report) }
      for (other, otherDevice) in devices[..<index].enumerated() {
        guard let otherRange = otherDevice.range, range.overlaps(otherRange) else { continue }
        report(.devicesOverlap(device: index, other: other))
      }
    }
  }
  /// What only a device in memory can get wrong.
  private func visitPlaceProblems(
    ofDevice index: Int, _ range: GuestPhysicalRange, on machine: GuestMachine, _ report: (ManifestProblem) -> Void
  ) {
    if (range.base.rawValue | range.byteCount) % ManifestLimits.pageByteCount != 0 {
      report(.deviceMisaligned(device: index))
    }
    if let overlapped = memory.firstIndex(where: range.overlaps) {
      report(.deviceOverlapsMemory(device: index, range: overlapped))
    }
    if machine.reserved.contains(where: range.overlaps) { report(.deviceOverlapsInterruptController(device: index)) }
  }
}
