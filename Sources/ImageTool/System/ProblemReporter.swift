import Manifest
import Virtualization

/// Says in the configuration's own places what the manifest's checks find wrong with one VM.
struct ProblemReporter {
  let vm: BuiltVM
  let machine: GuestMachine
  let findings: Findings

  func report() {
    var system = SystemManifest(architecture: configuration.architecture, vms: [vm.manifest])
    // The bundle is made later and by us; here nothing is wrong with places in it.
    system.bundleByteCount = .max
    system.visitProblems(ofVM: 0, report)
  }

  private var configuration: VMConfiguration { vm.configuration }
  private var namePlace: SourcePlace { configuration.name?.place ?? SourcePlace(configuration.file, nil) }

  private func report(_ problem: ManifestProblem) {
    switch problem {
    case .badName, .nameTaken, .badVCPUCount, .exclusiveCPUNamed, .imageMisalignedInBundle, .imageOutsideBundle,
      .imageLargerThanItsMemory, .secondOfItsKind, .deviceTreeImageMissing, .deviceBadInterrupt, .deviceTreeMissing:
      // Whoever read the value has said it better, or cannot have let it through.
      if findings.all.isEmpty { say(namePlace, "the VM is not accepted: \(problem.reason)", nil) }
    case .exclusiveVCPUNamesNoCPU(let vcpu):
      say(
        configuration.exclusiveCPUs?.place, "the VM wants CPUs for itself, but vCPU \(vcpu) names none",
        "affinity = [[0], …], a list of CPUs for each vCPU")
    case .nativeIdleWithoutOwnCPU(let vcpu):
      say(
        configuration.idle?.place, "vCPU \(vcpu) cannot idle natively: it has no CPU that is its own",
        "exclusive-cpus = true, and in `affinity` one CPU for each vCPU, each another one", also: affinity(of: vcpu))
    case .badMemoryCount, .memoryMisaligned, .memoryBeyondAddresses, .memoryOverlaps,
      .memoryOverlapsInterruptController:
      reportMemory(problem)
    case .tooManyImages, .imageOutsideMemory, .imagesOverlap, .imageOverlapsDeviceTree:
      reportImage(problem)
    case .entryOutsideImages, .entryMisaligned, .deviceTreeMisaligned, .deviceTreeBadRoom, .deviceTreeOutsideMemory,
      .commandLineTooLong, .commandLineHasZero:
      reportBoot(problem)
    case .tooManyDevices, .deviceMisaligned, .deviceOverlapsMemory, .deviceOverlapsInterruptController,
      .devicesOverlap, .interruptTaken, .deviceBeyondAddresses:
      reportDevice(problem)
    }
  }

  private func reportMemory(_ problem: ManifestProblem) {
    switch problem {
    case .badMemoryCount:
      say(
        memory(ManifestLimits.memoryRanges), "the VM has too many ranges of memory",
        "at most \(ManifestLimits.memoryRanges)")
    case .memoryMisaligned(let index):
      say(memory(index), "\(text(vm.manifest.memory[index])) is no multiple of 4 KiB", "multiples of 4 KiB")
    case .memoryBeyondAddresses(let index):
      say(
        memory(index), "\(text(vm.manifest.memory[index])) lies beyond a guest's addresses",
        "memory that ends at or below \(hexadecimal(machine.addressLimit.rawValue))")
    case .memoryOverlaps(let index, let other):
      say(
        memory(index), "\(text(vm.manifest.memory[index])) overlaps \(text(vm.manifest.memory[other]))",
        "ranges that do not overlap", also: [.init(label: "the other range", place: memory(other) ?? namePlace)])
    case .memoryOverlapsInterruptController(let index):
      say(
        memory(index), "\(text(vm.manifest.memory[index])) overlaps the \(reserved(vm.manifest.memory[index]))",
        "memory from \(hexadecimal(machine.memoryBase.rawValue)) on")
    default: break
    }
  }

  private func reportImage(_ problem: ManifestProblem) {
    let images = vm.manifest.images
    func range(_ index: Int) -> String {
      images[index].guestRange.map(text) ?? hexadecimal(images[index].guestAddress.rawValue)
    }
    func label(_ index: Int) -> String { vm.sources[index].label }
    switch problem {
    case .tooManyImages:
      say(
        vm.sources[ManifestLimits.images].place, "the VM has \(images.count) images, segments of ELF files included",
        "at most \(ManifestLimits.images)")
    // A supplied device tree is told of as a device tree.
    case .imageOutsideMemory(let index) where images[index].kind == .deviceTree: break
    case .imageOutsideMemory(let index):
      say(
        vm.sources[index].place, "\(label(index)) at \(range(index)) is outside of the VM's memory",
        "an address inside " + vm.manifest.memory.map(text).joined(separator: " or "),
        also: configuration.memory.map { .init(label: "the VM's memory", place: $0.place) })
    case .imagesOverlap(let index, let other):
      say(
        vm.sources[index].place,
        "\(label(index)) at \(range(index)) overlaps \(label(other)) at \(range(other))",
        "addresses that leave room for both", also: [.init(label: label(other), place: vm.sources[other].place)])
    case .imageOverlapsDeviceTree(let index):
      let tree = vm.manifest.deviceTree.range.map(text) ?? ""
      say(
        vm.sources[index].place, "\(label(index)) at \(range(index)) overlaps the device tree at \(tree)",
        "addresses that leave room for both",
        also: configuration.deviceTree.map { [.init(label: "the device tree", place: $0.address?.place ?? $0.place)] }
          ?? [])
    default: break
    }
  }

  private func reportBoot(_ problem: ManifestProblem) {
    let starter = configuration.kernel ?? configuration.firmware
    let entry = starter?.entry?.place ?? starter?.address?.place ?? starter?.path.place
    let tree = configuration.deviceTree?.address?.place ?? configuration.deviceTree?.path?.place
    let address = vm.manifest.deviceTree.address.rawValue
    switch problem {
    case .entryOutsideImages:
      say(
        entry, "the entry point \(hexadecimal(vm.manifest.entry.rawValue)) is in none of the VM's images",
        "an address inside " + vm.manifest.images.compactMap(\.guestRange).map(text).joined(separator: " or "))
    case .entryMisaligned:
      say(entry, "the entry point \(hexadecimal(vm.manifest.entry.rawValue)) is no multiple of 4", "a multiple of 4")
    case .deviceTreeMisaligned:
      say(tree, "the device tree cannot lie at \(hexadecimal(address))", "a multiple of 8")
    case .deviceTreeBadRoom: say(tree, "the device tree has more than 2 MiB", "a smaller one")
    case .deviceTreeOutsideMemory:
      say(
        tree, "the device tree at \(hexadecimal(address)) is outside of the VM's memory",
        "an address inside " + vm.manifest.memory.map(text).joined(separator: " or "),
        also: configuration.memory.map { .init(label: "the VM's memory", place: $0.place) })
    case .commandLineTooLong:
      say(
        configuration.commandLine?.place, "the command line has \(vm.manifest.commandLine.count) bytes",
        "at most \(ManifestLimits.commandLineByteCount)")
    case .commandLineHasZero:
      say(configuration.commandLine?.place, "the command line holds a zero", "text without it")
    default: break
    }
  }

  private func reportDevice(_ problem: ManifestProblem) {
    let devices = vm.manifest.devices
    func range(_ index: Int) -> String { devices[index].range.map(text) ?? hexadecimal(devices[index].base.rawValue) }
    func other(_ index: Int) -> [Finding.Related] {
      [.init(label: "the other device", place: device(index) ?? namePlace)]
    }
    switch problem {
    case .tooManyDevices:
      say(
        device(ManifestLimits.devices), "the VM has \(devices.count) devices", "at most \(ManifestLimits.devices)")
    case .deviceMisaligned(let index):
      say(device(index), "the device cannot lie at \(hexadecimal(devices[index].base.rawValue))", "a multiple of 4 KiB")
    case .deviceBeyondAddresses(let index):
      say(
        device(index), "the device at \(range(index)) lies beyond a guest's addresses",
        "an address below \(hexadecimal(machine.addressLimit.rawValue))")
    case .deviceOverlapsMemory(let index, let memoryIndex):
      say(
        device(index), "the device at \(range(index)) overlaps the VM's memory", "an address outside of memory",
        also: [.init(label: "the VM's memory", place: memory(memoryIndex) ?? namePlace)])
    case .deviceOverlapsInterruptController(let index):
      say(
        device(index), "the device at \(range(index)) overlaps the \(reserved(devices[index].range))",
        "another address, such as \(hexadecimal(machine.uart.base.rawValue + 0x10_0000))")
    case .devicesOverlap(let index, let otherIndex):
      say(device(index), "two devices are at \(range(index))", "an address for each", also: other(otherIndex))
    case .interruptTaken(let index, let otherIndex):
      say(
        device(index), "two devices have interrupt \(devices[index].interrupt)", "`interrupt`, another one for each",
        also: other(otherIndex))
    default: break
    }
  }

  // MARK: Places and words

  private func say(_ place: SourcePlace?, _ message: String, _ advice: String?, also: [Finding.Related] = []) {
    findings.report(place ?? namePlace, message, advice: advice, related: also)
  }

  private func memory(_ index: Int) -> SourcePlace? {
    index < configuration.memory.count ? configuration.memory[index].place : nil
  }

  private func device(_ index: Int) -> SourcePlace? {
    configuration.devices.flatMap { index < $0.count ? $0[index].place : nil }
  }

  private func affinity(of vcpu: Int) -> [Finding.Related] {
    guard let lists = configuration.affinity?.value, vcpu < lists.count else { return [] }
    return [.init(label: "its CPUs", place: lists[vcpu].place)]
  }

  /// What of the machine's own things the range overlaps, and where all of that is.
  private func reserved(_ range: GuestPhysicalRange?) -> String {
    let words = configuration.architecture.guestConventions.reservedWords
    let all = zip(machine.reserved, words).map { (range: $0, word: $1) }
    let word = all.first { range?.overlaps($0.range) ?? false }?.word ?? ""
    return word + " (" + all.filter { $0.word == word }.map { text($0.range) }.joined(separator: ", ") + ")"
  }

  private func text(_ range: GuestPhysicalRange) -> String {
    "\(hexadecimal(range.base.rawValue)) to \(hexadecimal(range.last.rawValue))"
  }
}
