import DeviceTree
import Virtualization

extension SystemManifest {
  /// Reads the manifest at the start of a bundle and checks all of it, trusting nothing.
  ///
  /// A VM that cannot be accepted is left out and reported, with its place in the manifest; the others stay.
  ///
  /// - Safety: `bundle` stays readable until this returns; nothing of it is kept.
  /// - Throws: why no VM at all can be accepted.
  @unsafe public init(
    bundle: UnsafeRawBufferPointer, architecture: Architecture, onRejectedVM: (Int, ManifestError) -> Void
  ) throws(ManifestError) {
    let tree: FlattenedDeviceTree
    do throws(DeviceTreeError) {
      // SAFETY: the caller keeps the bundle readable for longer than the tree is used.
      tree = try unsafe FlattenedDeviceTree(bundle)
    } catch {
      throw .tree(error)
    }
    let root = ManifestNode(node: tree.root)
    guard tree.root.isCompatible(with: Self.model) else { throw .notAManifest }
    let version = try root.u32(.formatVersion)
    guard version == Self.formatVersion else { throw .otherFormatVersion(version) }
    guard let property = tree.root.property(ManifestKey.architecture.name), property.contains(architecture.word)
    else { throw .otherArchitecture }
    let available = UInt64(bundle.count)
    let byteCount = try root.u64(.bundleByteCount)
    guard byteCount <= available, UInt64(tree.usedByteCount) <= byteCount else { throw .truncatedBundle }

    self.init(
      architecture: architecture, whenAllStopped: try root.word(.whenAllStopped), logLevel: try root.word(.logLevel),
      bundleByteCount: byteCount, vms: [])
    var index = 0
    for node in tree.root.children where node.baseName == "vm" {
      guard index < ManifestLimits.vms else { throw .tooManyVMs }
      do throws(ManifestError) {
        try append(VMManifest(ManifestNode(node: node)))
      } catch {
        onRejectedVM(index, error)
      }
      index += 1
    }
  }

  /// Adds a VM that goes with those that are here already.
  private mutating func append(_ vm: VMManifest) throws(ManifestError) {
    vms.append(vm)
    var first: ManifestProblem?
    visitProblems(ofVM: vms.count - 1) { if first == nil { first = $0 } }
    guard let first else { return }
    vms.removeLast()
    throw .problem(first)
  }
}

extension VMManifest {
  fileprivate init(_ node: ManifestNode) throws(ManifestError) {
    var memory: [GuestPhysicalRange] = []
    let places = try node.numbers(.memory, upTo: 2 * ManifestLimits.memoryRanges)
    guard places.count % 2 == 0 else { throw .badProperty(.memory) }
    for index in stride(from: 0, to: places.count, by: 2) {
      guard let range = GuestPhysicalRange(base: GuestPhysicalAddress(places[index]), byteCount: places[index + 1])
      else { throw .badProperty(.memory) }
      memory.append(range)
    }
    var images: [ImagePlacement] = []
    for child in node.node.children where child.baseName == "image" {
      guard images.count < ManifestLimits.images else { throw .problem(.tooManyImages) }
      images.append(try ImagePlacement(ManifestNode(node: child)))
    }
    var devices: [DeviceManifest] = []
    for child in node.node.children where child.baseName == "device" {
      guard devices.count < ManifestLimits.devices else { throw .problem(.tooManyDevices) }
      devices.append(try DeviceManifest(ManifestNode(node: child)))
    }
    let treePlace = try node.place(.deviceTreePlace)
    self.init(
      name: try node.text(.name, upTo: ManifestLimits.nameByteCount),
      vcpus: try node.numbers(.affinity, upTo: ManifestLimits.vcpus).map { VCPUManifest(affinity: $0) },
      exclusiveCPUs: node.has(.exclusiveCPUs), memory: memory, images: images,
      entry: GuestPhysicalAddress(try node.u64(.entry)), bootProtocol: try node.word(.bootProtocol),
      deviceTree: DeviceTreePlacement(
        source: try node.word(.deviceTree), address: treePlace.base, roomByteCount: treePlace.byteCount),
      commandLine: try node.text(.commandLine, upTo: ManifestLimits.commandLineByteCount),
      autostart: node.has(.autostart), onReset: try node.word(.onReset), onFailure: try node.word(.onFailure),
      idle: try node.word(.idle), devices: devices, logLevel: try node.word(.logLevel))
  }
}

extension ImagePlacement {
  fileprivate init(_ node: ManifestNode) throws(ManifestError) {
    let place = try node.place(.place)
    self.init(
      kind: try node.word(.kind), guestAddress: place.base, bundleOffset: try node.u64(.bundleOffset),
      byteCount: try node.u64(.byteCount), memoryByteCount: place.byteCount)
  }
}

extension DeviceManifest {
  fileprivate init(_ node: ManifestNode) throws(ManifestError) {
    let place = try node.place(.place)
    self.init(
      kind: try node.word(.kind), base: place.base, byteCount: place.byteCount,
      interrupt: try node.u32(.interrupt))
  }
}

/// A node whose properties are read by key, each with an error that names it.
private struct ManifestNode {
  let node: DeviceTreeNode

  func has(_ key: ManifestKey) -> Bool { node.property(key.name) != nil }

  func u32(_ key: ManifestKey) throws(ManifestError) -> UInt32 {
    guard let value = node.property(key.name)?.u32 else { throw .badProperty(key) }
    return value
  }

  func u64(_ key: ManifestKey) throws(ManifestError) -> UInt64 {
    guard let value = node.property(key.name)?.u64 else { throw .badProperty(key) }
    return value
  }

  func word<Word: ManifestWord>(_ key: ManifestKey) throws(ManifestError) -> Word {
    guard let value = node.property(key.name)?.string, let word = Word(value) else { throw .badProperty(key) }
    return word
  }

  func text(_ key: ManifestKey, upTo limit: Int) throws(ManifestError) -> [UInt8] {
    guard let value = node.property(key.name)?.string, value.count <= limit else { throw .badProperty(key) }
    return [UInt8](value)
  }

  /// Doublewords, at most `limit` of them.
  func numbers(_ key: ManifestKey, upTo limit: Int) throws(ManifestError) -> [UInt64] {
    guard let property = node.property(key.name), property.value.count % 8 == 0, property.cellCount / 2 <= limit
    else { throw .badProperty(key) }
    var numbers: [UInt64] = []
    for index in stride(from: 0, to: property.cellCount, by: 2) {
      guard let number = property.number(at: index, cells: 2) else { throw .badProperty(key) }
      numbers.append(number)
    }
    return numbers
  }

  /// An address and a number of bytes.
  func place(_ key: ManifestKey) throws(ManifestError) -> (base: GuestPhysicalAddress, byteCount: UInt64) {
    let numbers = try numbers(key, upTo: 2)
    guard numbers.count == 2 else { throw .badProperty(key) }
    return (GuestPhysicalAddress(numbers[0]), numbers[1])
  }
}
