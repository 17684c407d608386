import Testing
import Virtualization

@testable import Manifest

/// One change to a good VM, and exactly what is said about it.
struct Case: Sendable, CustomTestStringConvertible {
  let name: String
  let expected: [ManifestProblem]
  let change: @Sendable (inout VMManifest) -> Void

  init(_ name: String, _ expected: ManifestProblem..., change: @escaping @Sendable (inout VMManifest) -> Void) {
    self.name = name
    self.expected = expected
    self.change = change
  }

  var testDescription: String { name }
}

private let cases: [Case] = [
  Case("empty name", .badName) { $0.name = [] },
  Case("name of 32 bytes", .badName) { $0.name = [UInt8](repeating: 0x61, count: 32) },
  Case("name with a space", .badName) { $0.name = Array("a b".utf8) },
  Case("no vCPU", .badVCPUCount) { $0.vcpus = [] },
  Case("17 vCPUs", .badVCPUCount) { $0.vcpus = Array(repeating: VCPUManifest(), count: 17) },
  Case("exclusive without names", .exclusiveVCPUNamesNoCPU(vcpu: 0)) { $0.exclusiveCPUs = true },
  Case("native idle on a CPU of others", .nativeIdleWithoutOwnCPU(vcpu: 0)) {
    $0.vcpus = [VCPUManifest(affinity: 1)]
    $0.idle = .native
  },
  Case("native idle of two vCPUs on one CPU", .nativeIdleWithoutOwnCPU(vcpu: 0), .nativeIdleWithoutOwnCPU(vcpu: 1)) {
    $0.vcpus = [VCPUManifest(affinity: 1), VCPUManifest(affinity: 1)]
    $0.exclusiveCPUs = true
    $0.idle = .native
  },
  Case("native idle on two CPUs", .nativeIdleWithoutOwnCPU(vcpu: 0)) {
    $0.vcpus = [VCPUManifest(affinity: 3)]
    $0.exclusiveCPUs = true
    $0.idle = .native
  },
  Case("nine ranges of memory", .badMemoryCount) {
    for index in 1...8 { $0.memory.append(range(0x8000_0000 + UInt64(index) * 0x1000, 0x1000)) }
  },
  Case("memory that begins inside a page", .memoryMisaligned(range: 1)) {
    $0.memory.append(range(0x8000_0800, 0x1000))
  },
  Case("memory that ends inside a page", .memoryMisaligned(range: 1)) { $0.memory.append(range(0x8000_0000, 0x1800)) },
  Case("memory up to the limit", []) { $0.memory.append(range((1 << 40) - 0x1000, 0x1000)) },
  Case("memory beyond the limit", .memoryBeyondAddresses(range: 1)) {
    $0.memory.append(range((1 << 40) - 0x1000, 0x2000))
  },
  Case("memory twice", .memoryOverlaps(range: 1, other: 0)) { $0.memory.append(range(0x40ff_f000, 0x1000)) },
  Case("memory over the distributor", .memoryOverlapsInterruptController(range: 1)) {
    $0.memory.append(range(0x0800_f000, 0x1000))
  },
  Case("17 images", .tooManyImages) {
    for index in 2...16 {
      var image = ramdisk
      image.kind = .image
      image.guestAddress = address(0x4050_0000 + UInt64(index) * 0x1000)
      $0.images.append(image)
    }
  },
  Case("image that is nothing but zeroes", []) { $0.images[1].byteCount = 0 },
  Case("image larger than its memory", .imageLargerThanItsMemory(image: 1)) { $0.images[1].byteCount = 0x124 },
  Case("image that begins before memory", .imageOutsideMemory(image: 1)) {
    $0.images[1].guestAddress = address(0x3fff_ffff)
  },
  Case("image that ends after memory", .imageOutsideMemory(image: 1)) {
    $0.images[1].guestAddress = address(0x40ff_ffff)
  },
  Case("image that wraps", .imageOutsideMemory(image: 1)) { $0.images[1].memoryByteCount = .max },
  Case("image of no memory", .imageLargerThanItsMemory(image: 1), .imageOutsideMemory(image: 1)) {
    $0.images[1].memoryByteCount = 0
  },
  Case("images that touch", []) { $0.images[1].guestAddress = address(0x4020_3000) },
  Case("images that overlap", .imagesOverlap(image: 1, other: 0)) { $0.images[1].guestAddress = address(0x4020_2fff) },
  Case("image over the device tree", .imageOverlapsDeviceTree(image: 1)) {
    $0.images[1].guestAddress = address(0x4000_ffff)
  },
  Case("image inside a page of the bundle", .imageMisalignedInBundle(image: 1)) { $0.images[1].bundleOffset = 0x3001 },
  Case("image that ends after the bundle", .imageOutsideBundle(image: 0)) { $0.images[0].bundleOffset = 0x4000 },
  Case("image far outside of the bundle", .imageOutsideBundle(image: 0)) { $0.images[0].bundleOffset = 1 << 63 },
  Case("two ramdisks", .secondOfItsKind(image: 2, other: 1)) {
    var second = $0.images[1]
    second.guestAddress = address(0x4050_0000)
    $0.images.append(second)
  },
  Case("entry between images", .entryOutsideImages) { $0.entry = address(0x4020_3000) },
  Case("entry inside an instruction", .entryMisaligned) { $0.entry = address(0x4020_0002) },
  Case("Linux without a device tree", .deviceTreeMissing) { $0.deviceTree = .none },
  Case("raw without a device tree", []) {
    $0.deviceTree = .none
    $0.bootProtocol = .raw
  },
  Case("misaligned device tree", .deviceTreeMisaligned) { $0.deviceTree.address = address(0x4000_0004) },
  Case("device tree without room", .deviceTreeBadRoom) { $0.deviceTree.roomByteCount = 0 },
  Case("device tree of more than 2 MiB", .deviceTreeBadRoom) {
    $0.deviceTree.address = address(0x4080_0000)
    $0.deviceTree.roomByteCount = (2 << 20) + 1
  },
  Case("device tree outside of memory", .deviceTreeOutsideMemory) { $0.deviceTree.address = address(0x40ff_fff8) },
  Case("supplied device tree without image", .deviceTreeImageMissing) { $0.deviceTree.source = .supplied },
  Case("supplied device tree elsewhere", .deviceTreeImageMissing) {
    $0.deviceTree.source = .supplied
    $0.images[1].kind = .deviceTree
  },
  Case("supplied device tree in its place", []) {
    $0.deviceTree = DeviceTreePlacement(source: .supplied, address: address(0x4040_0000), roomByteCount: 0x123)
    $0.images[1].kind = .deviceTree
  },
  Case("command line of 2047 bytes", []) { $0.commandLine = [UInt8](repeating: 0x61, count: 2047) },
  Case("command line of 2048 bytes", .commandLineTooLong) { $0.commandLine = [UInt8](repeating: 0x61, count: 2048) },
  Case("command line with a zero", .commandLineHasZero) { $0.commandLine = [0x61, 0, 0x61] },
  Case("33 devices", .tooManyDevices) {
    $0.devices = (0...32).map { device(0x1000_0000 + UInt64($0) * 0x1000, UInt32($0)) }
  },
  Case("device inside a page", .deviceMisaligned(device: 2)) { $0.devices.append(device(0x1000_0800, 9)) },
  Case("device that wraps", .deviceBeyondAddresses(device: 2)) { $0.devices.append(device(0xffff_ffff_ffff_f000, 9)) },
  Case("device beyond the limit", .deviceBeyondAddresses(device: 2)) { $0.devices.append(device(1 << 40, 9)) },
  Case("device over memory", .deviceOverlapsMemory(device: 2, range: 0)) { $0.devices.append(device(0x4000_0000, 9)) },
  Case("device over a redistributor", .deviceOverlapsInterruptController(device: 2)) {
    $0.devices.append(device(0x080b_0000, 9))
  },
  Case("device over another", .devicesOverlap(device: 2, other: 0)) { $0.devices.append(device(0x0900_0000, 9)) },
  Case("device with the last interrupt", []) { $0.devices.append(device(0x1000_0000, 987)) },
  Case("device with an interrupt past the last", .deviceBadInterrupt(device: 2)) {
    $0.devices.append(device(0x1000_0000, 988))
  },
  Case("device with another's interrupt", .interruptTaken(device: 2, other: 1)) {
    $0.devices.append(device(0x1000_0000, 2))
  },
]

private func device(_ base: UInt64, _ interrupt: UInt32) -> DeviceManifest {
  DeviceManifest(kind: .uart, base: address(base), byteCount: 0x1000, interrupt: interrupt)
}

extension Case {
  init(_ name: String, _ expected: [ManifestProblem], change: @escaping @Sendable (inout VMManifest) -> Void) {
    self.name = name
    self.expected = expected
    self.change = change
  }
}

@Suite struct ProblemTests {
  @Test func goodSystemHasNoProblem() {
    #expect(problems(sampleSystem(), vm: 0) + problems(sampleSystem(), vm: 1) == [])
  }

  @Test(arguments: cases) func oneChangeIsSaidExactly(_ change: Case) {
    var vm = sampleVM()
    change.change(&vm)
    #expect(problems(sampleSystem([vm]), vm: 0) == change.expected)
  }

  @Test func secondVMOfTheSameNameIsTheProblem() {
    let system = sampleSystem([sampleVM(), sampleVM()])
    #expect(problems(system, vm: 0) == [])
    #expect(problems(system, vm: 1) == [.nameTaken(byVM: 0)])
  }

  @Test func cpuThatOneVMWantsForItselfIsNamedByAnother() {
    var exclusive = sampleVM()
    exclusive.exclusiveCPUs = true
    exclusive.vcpus = [VCPUManifest(affinity: 0b0100), VCPUManifest(affinity: 0b0010)]
    let system = sampleSystem([exclusive, sampleVM("linux-b")])
    #expect(problems(system, vm: 1) == [.exclusiveCPUNamed(cpu: 1, byVM: 0)])
  }

  private func problems(_ system: SystemManifest, vm: Int) -> [ManifestProblem] {
    var found: [ManifestProblem] = []
    system.visitProblems(ofVM: vm) { found.append($0) }
    return found
  }
}
