/// What is wrong with one VM of a manifest. Numbers are indices into the VM's own lists, or of VMs.
public enum ManifestProblem: Error, Equatable, Sendable {
  case badName
  case nameTaken(byVM: Int)

  case badVCPUCount
  /// The VM wants its CPUs for itself, but this vCPU does not say which.
  case exclusiveVCPUNamesNoCPU(vcpu: Int)
  /// One of the two VMs wants a CPU for itself that the other one names.
  case exclusiveCPUNamed(cpu: Int, byVM: Int)
  /// Idling natively needs exactly one CPU, used by no other vCPU.
  case nativeIdleWithoutOwnCPU(vcpu: Int)

  case badMemoryCount
  case memoryMisaligned(range: Int)
  case memoryBeyondAddresses(range: Int)
  case memoryOverlaps(range: Int, other: Int)
  case memoryOverlapsInterruptController(range: Int)

  case tooManyImages
  case imageLargerThanItsMemory(image: Int)
  case imageOutsideMemory(image: Int)
  case imagesOverlap(image: Int, other: Int)
  case imageOverlapsDeviceTree(image: Int)
  case imageMisalignedInBundle(image: Int)
  case imageOutsideBundle(image: Int)
  case secondOfItsKind(image: Int, other: Int)

  case entryOutsideImages
  case entryMisaligned

  case deviceTreeMissing
  case deviceTreeMisaligned
  case deviceTreeBadRoom
  case deviceTreeOutsideMemory
  /// The supplied tree's image is absent, or is not where the tree is said to be.
  case deviceTreeImageMissing

  case commandLineTooLong
  case commandLineHasZero

  case tooManyDevices
  case deviceMisaligned(device: Int)
  case deviceBeyondAddresses(device: Int)
  case deviceOverlapsMemory(device: Int, range: Int)
  case deviceOverlapsInterruptController(device: Int)
  case devicesOverlap(device: Int, other: Int)
  case deviceBadInterrupt(device: Int)
  case interruptTaken(device: Int, other: Int)

  /// The problem in words, for the hypervisor's log. The command line says more.
  public var reason: StaticString {
    switch self {
    case .badName: "its name is not 1 to 31 letters, digits, '_', '.' or '-'"
    case .nameTaken: "another VM has its name"
    case .badVCPUCount: "it has no vCPU or too many"
    case .exclusiveVCPUNamesNoCPU: "it wants CPUs for itself but does not name them"
    case .exclusiveCPUNamed: "it and another VM name a CPU that one of them wants for itself"
    case .nativeIdleWithoutOwnCPU: "it idles natively on a CPU that is not one vCPU's own"
    case .badMemoryCount: "it has no memory or too many ranges of it"
    case .memoryMisaligned: "its memory is no multiple of 4 KiB"
    case .memoryBeyondAddresses: "its memory lies beyond a guest's addresses"
    case .memoryOverlaps: "two ranges of its memory overlap"
    case .memoryOverlapsInterruptController: "its memory overlaps the interrupt controller"
    case .tooManyImages: "it has too many images"
    case .imageLargerThanItsMemory: "an image is larger than the memory it takes"
    case .imageOutsideMemory: "an image lies outside of its memory"
    case .imagesOverlap: "two images overlap"
    case .imageOverlapsDeviceTree: "an image overlaps the device tree"
    case .imageMisalignedInBundle: "an image is no multiple of 4 KiB into the bundle"
    case .imageOutsideBundle: "an image lies outside of the bundle"
    case .secondOfItsKind: "it has two ramdisks, firmwares or device trees"
    case .entryOutsideImages: "its entry point is in none of its images"
    case .entryMisaligned: "its entry point is no multiple of 4"
    case .deviceTreeMissing: "it boots by Linux's protocol without a device tree"
    case .deviceTreeMisaligned: "its device tree is no multiple of 8"
    case .deviceTreeBadRoom: "its device tree has no room or more than 2 MiB"
    case .deviceTreeOutsideMemory: "its device tree lies outside of its memory"
    case .deviceTreeImageMissing: "its supplied device tree is missing"
    case .commandLineTooLong: "its command line is longer than 2047 bytes"
    case .commandLineHasZero: "its command line holds a zero"
    case .tooManyDevices: "it has too many devices"
    case .deviceMisaligned: "a device is no multiple of 4 KiB"
    case .deviceBeyondAddresses: "a device lies beyond a guest's addresses"
    case .deviceOverlapsMemory: "a device overlaps its memory"
    case .deviceOverlapsInterruptController: "a device overlaps the interrupt controller"
    case .devicesOverlap: "two devices overlap"
    case .deviceBadInterrupt: "a device has an interrupt that does not exist"
    case .interruptTaken: "two devices have the same interrupt"
    }
  }
}
