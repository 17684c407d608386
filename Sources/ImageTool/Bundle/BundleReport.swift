import Foundation
import Manifest
import Virtualization

/// What a bundle holds, for people and for programs.
public struct BundleReport: Codable, Equatable, Sendable {
  public struct Range: Codable, Equatable, Sendable {
    public let first: String
    public let last: String
    public let byteCount: UInt64
    public let use: String
  }

  public struct Image: Codable, Equatable, Sendable {
    public let kind: String
    public let guestAddress: String
    public let bundleOffset: String
    public let byteCount: UInt64
    public let memoryByteCount: UInt64
  }

  public struct Interrupt: Codable, Equatable, Sendable {
    /// As the interrupt controller calls and counts it.
    public let kind: String
    public let number: UInt32
    public let device: String
  }

  public struct VM: Codable, Equatable, Sendable {
    public let name: String
    /// The physical CPUs that each vCPU may run on; an empty list means any.
    public let vcpus: [[Int]]
    public let hasOwnCPUs: Bool
    public let memoryByteCount: UInt64
    public let entry: String
    public let bootProtocol: String
    public let deviceTree: String
    public let commandLine: String
    public let autostart: Bool
    public let onReset: String
    public let onFailure: String
    public let idle: String
    public let logLevel: String
    public let images: [Image]
    /// From the bottom up: devices, memory, and what lies in it.
    public let memoryMap: [Range]
    public let interrupts: [Interrupt]
  }

  public let formatVersion: UInt32
  public let architecture: String
  public let byteCount: UInt64
  public let whenAllStopped: String
  public let logLevel: String
  public let vms: [VM]

  public init(_ bundle: SystemBundle) {
    let manifest = bundle.manifest
    formatVersion = SystemManifest.formatVersion
    architecture = "\(manifest.architecture.word)"
    byteCount = manifest.bundleByteCount
    whenAllStopped = "\(manifest.whenAllStopped.word)"
    logLevel = "\(manifest.logLevel.word)"
    vms = manifest.vms.map { VM($0, manifest.architecture) }
  }

  /// As JSON with the keys in a fixed order.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}

extension BundleReport.VM {
  fileprivate init(_ vm: VMManifest, _ architecture: Architecture) {
    let machine = architecture.guestMachine
    name = String(decoding: vm.name, as: UTF8.self)
    vcpus = vm.vcpus.map { vcpu in (0..<64).filter { vcpu.affinity & 1 << UInt64($0) != 0 } }
    hasOwnCPUs = vm.exclusiveCPUs
    memoryByteCount = vm.memory.reduce(0) { $0 + $1.byteCount }
    entry = hexadecimal(vm.entry.rawValue)
    bootProtocol = "\(vm.bootProtocol.word)"
    deviceTree = "\(vm.deviceTree.source.word)"
    commandLine = String(decoding: vm.commandLine, as: UTF8.self)
    autostart = vm.autostart
    onReset = "\(vm.onReset.word)"
    onFailure = "\(vm.onFailure.word)"
    idle = "\(vm.idle.word)"
    logLevel = "\(vm.logLevel.word)"
    images = vm.images.map {
      BundleReport.Image(
        kind: "\($0.kind.word)", guestAddress: hexadecimal($0.guestAddress.rawValue),
        bundleOffset: hexadecimal($0.bundleOffset), byteCount: $0.byteCount, memoryByteCount: $0.memoryByteCount)
    }
    var ranges: [(range: GuestPhysicalRange, use: String)] = vm.memory.map { ($0, "memory") }
    ranges += zip(machine.reserved, architecture.guestConventions.reservedWords).map { ($0, $1) }
    ranges += vm.devices.compactMap { device in device.range.map { ($0, "\(device.kind.word)") } }
    ranges += vm.images.compactMap { image in
      image.kind == .deviceTree ? nil : image.guestRange.map { ($0, "\(image.kind.word)") }
    }
    if let tree = vm.deviceTree.range { ranges.append((tree, "device tree, \(vm.deviceTree.source.word)")) }
    // A range comes before what lies in it.
    ranges.sort { $0.range.base == $1.range.base ? $0.range.last > $1.range.last : $0.range.base < $1.range.base }
    memoryMap = ranges.map {
      BundleReport.Range(
        first: hexadecimal($0.range.base.rawValue), last: hexadecimal($0.range.last.rawValue),
        byteCount: $0.range.byteCount, use: $0.use)
    }
    interrupts = vm.devices.map {
      BundleReport.Interrupt(
        kind: architecture.guestConventions.interruptWord, number: $0.interrupt, device: "\($0.kind.word)")
    }
  }
}
