import Foundation
import Manifest

/// A kernel file, understood.
enum KernelImage {
  case linux(LinuxImage, Data)
  case elf(ELFImage)
  case raw(Data)
}

/// Finds out what a kernel file is, unpacking it where it is packed.
struct KernelReader {
  let architecture: Architecture
  let store: FileStore
  let findings: Findings

  /// Nil, with a finding, where the file is not what its key or its content says.
  func read(_ kernel: VMConfiguration.Kernel, at url: URL, data: Data) -> KernelImage? {
    let place = kernel.path.place
    if kernel.format?.value == .raw { return .raw(data) }
    let found = Self.format(of: data)
    if let claimed = kernel.format, claimed.value != found {
      findings.report(
        claimed.place, "the file is not what `format` claims: it is \(Self.words(of: data))",
        advice: found.map { "format = \"\($0.word)\", or without `format`" } ?? "another file",
        related: [.init(label: "the file", place: place)])
      return nil
    }
    switch found {
    case .gzip: return unpacked(data, of: url, by: .gzip, place)
    case .zboot:
      guard let zboot = EFIZboot(data) else {
        return refuse(place, "the EFI zboot file's payload leaves the file", "a whole file")
      }
      guard let tool = Unpacker(rawValue: zboot.compression) else {
        findings.report(
          place, "the EFI zboot file is packed by \"\(zboot.compression)\"", advice: "one packed by gzip or zstd")
        return nil
      }
      return unpacked(zboot.payload, of: url, by: tool, place)
    case .arm64Image, .riscv64Image, .bzImage, .elf, .raw, nil: return plain(data, place)
    }
  }

  /// What a file is by its first bytes; nil where they say nothing.
  private static func format(of data: Data) -> KernelFormat? {
    if data.hasBytes([0x1f, 0x8b], at: 0) { return .gzip }
    if EFIZboot.isOne(data) { return .zboot }
    if let architecture = LinuxImage.architecture(of: data) { return architecture.guestConventions.imageFormat }
    return ELFImage.isOne(data) ? .elf : nil
  }

  private static func words(of data: Data) -> String {
    switch format(of: data) {
    case .gzip: "packed by gzip"
    case .zboot: "an EFI zboot file"
    case .arm64Image: Architecture.aarch64.guestConventions.imageWords
    case .riscv64Image: Architecture.riscv64.guestConventions.imageWords
    case .bzImage: "an x86 kernel (bzImage)"
    case .elf: "an ELF file"
    case .raw, nil: otherWords(of: data) ?? "of no known kind"
    }
  }

  /// Other files that people take for a kernel.
  private static func otherWords(of data: Data) -> String? {
    if data.hasBytes([0xd0, 0x0d, 0xfe, 0xed], at: 0) { return "a device tree" }
    if data.hasBytes([0x27, 0x05, 0x19, 0x56], at: 0) { return "a U-Boot image (uImage)" }
    if data.hasBytes(Array("070701".utf8), at: 0) { return "a cpio archive, as ramdisks are" }
    return nil
  }

  private func unpacked(_ data: Data, of url: URL, by tool: Unpacker, _ place: SourcePlace) -> KernelImage? {
    switch store.unpack(data, of: url, by: tool) {
    case .success(let content): return plain(content, place)
    case .failure(.toolMissing):
      findings.report(place, "\(tool.rawValue) is needed to unpack the file", advice: "install \(tool.rawValue)")
    case .failure(.refused(let words)):
      findings.report(place, "\(tool.rawValue) cannot unpack the file: \(words)", advice: "a whole file")
    }
    return nil
  }

  private func plain(_ data: Data, _ place: SourcePlace) -> KernelImage? {
    if LinuxImage.architecture(of: data) == architecture {
      switch LinuxImage.read(data, architecture) {
      case .success(let image): return .linux(image, data)
      case .failure(.noSize):
        return refuse(place, "the Image does not say how much memory it takes (before Linux 3.17)", "a newer kernel")
      case .failure(.bigEndian): return refuse(place, "the Image is a big-endian kernel")
      case .failure(.no64BitEntry):
        return refuse(place, "the bzImage has no 64-bit entry (32-bit, or before Linux 3.8)", "a newer 64-bit kernel")
      case .failure(.sizeBelowFile):
        return refuse(
          place, "the Image says that it takes less memory than the file has bytes", "an Image with nothing added to it"
        )
      }
    }
    guard ELFImage.isOne(data) else {
      findings.report(
        place, "the file is no kernel: it is \(Self.words(of: data))",
        advice: "\(conventions.imageWords), plain or packed, an ELF file, or format = \"raw\" with `address`")
      return nil
    }
    switch ELFImage.read(data, machine: conventions.elfMachine) {
    case .success(let image): return .elf(image)
    case .failure(.not64Bit): return refuse(place, "the ELF file is a 32-bit one")
    case .failure(.bigEndian): return refuse(place, "the ELF file is a big-endian one")
    case .failure(.otherMachine(let machine)):
      return refuse(
        place, "the ELF file is for another machine (number \(machine))",
        "one for \(conventions.elfWords) (number \(conventions.elfMachine))")
    case .failure(.notExecutable): return refuse(place, "the ELF file is not linked", "an executable")
    case .failure(.damaged): return refuse(place, "the ELF file's headers leave the file", "a whole file")
    case .failure(.nothingToLoad):
      return refuse(place, "the ELF file has nothing to load", "an executable with LOAD segments")
    case .failure(.entryOutside(let entry)):
      return refuse(
        place, "the ELF file's entry point \(hexadecimal(entry)) is in none of its segments",
        "an entry point inside a LOAD segment")
    }
  }

  private var conventions: GuestConventions { architecture.guestConventions }

  private func refuse(_ place: SourcePlace, _ message: String, _ advice: String? = nil) -> KernelImage? {
    findings.report(
      place, message, advice: advice ?? "a 64-bit little-endian kernel for \(conventions.elfWords)")
    return nil
  }
}
