import CX86_64
import Foundation
import Kernel
import Testing

@testable import X86_64

/// Tables in an array, which begins at an address.
private struct ArrayMemory: TableMemory {
  let base: UInt64
  let bytes: UnsafeMutableRawBufferPointer

  func bytes(at address: UInt64, count: Int) -> TableBytes? {
    guard address >= base, count >= 0, address - base <= UInt64(bytes.count),
      UInt64(count) <= UInt64(bytes.count) - (address - base)
    else { return nil }
    return TableBytes(UnsafeRawBufferPointer(rebasing: bytes[Int(address - base)..<Int(address - base) + count]))
  }
}

/// ACPI 6.5, chapter 5: what the hypervisor writes for guests is what it reads of a machine.
struct ACPITests {
  private static let base: UInt64 = 0x10_9000

  private func written(vcpus: Int = 4, serial: Bool = true) -> [UInt8] {
    var bytes = ByteWriter(byteCount: Int(GuestTables.acpiByteCount))
    GuestACPI(base: Self.base, vcpuCount: vcpus, hasSerialPort: serial, hasClock: true).write(to: &bytes, at: 0)
    return bytes.bytes
  }

  private func withMemory<Result>(_ bytes: [UInt8], _ body: (ArrayMemory) -> Result) -> Result {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    return body(ArrayMemory(base: Self.base, bytes: copy))
  }

  @Test(arguments: [1, 2, 16]) func `the controllers are found, one for each vCPU`(count: Int) {
    withMemory(written(vcpus: count)) { memory in
      let tables = ACPITables(pointer: Self.base, memory: memory)
      var ids: [UInt32] = []
      tables?.forEachCPU { ids.append($0) }
      #expect(ids == (0..<UInt32(count)).map { $0 })
      #expect(tables?.ioAPIC == IOAPICDescription(address: 0xfec0_0000, firstInput: 0))
      #expect(tables?.input(ofISA: 4) == 4)
      #expect(tables?.input(ofISA: 9) == 9)
    }
  }

  @Test func `power goes off by sleep type 5, and the timer has its port`() {
    withMemory(written()) { memory in
      let tables = ACPITables(pointer: Self.base, memory: memory)
      #expect(tables?.softOff == SoftOff(port: 0x604, value: 5 << 10 | 1 << 13))
      #expect(tables?.powerManagementTimer == 0x608)
      #expect(tables?.eventTimer == nil)
    }
  }

  @Test func `a table with a wrong sum is not taken`() {
    var bytes = written()
    bytes[0x300 + 50] ^= 1
    withMemory(bytes) { memory in
      #expect(ACPITables(pointer: Self.base, memory: memory)?.table("APIC") == nil)
      #expect(ACPITables(pointer: Self.base, memory: memory)?.table("FACP") != nil)
    }
  }

  @Test func `broken tables are read without a trap and without an end`() {
    var seed: UInt64 = 11
    let sound = written()
    for _ in 0..<3000 {
      var bytes = sound
      for _ in 0..<4 {
        seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        bytes[Int(seed >> 33) % bytes.count] = UInt8(truncatingIfNeeded: seed >> 20)
      }
      // Sums are made right again, so that what is inside is reached.
      repairSums(&bytes)
      withMemory(bytes) { memory in
        let tables = ACPITables(pointer: Self.base, memory: memory)
        tables?.forEachCPU { _ in }
        _ = tables?.ioAPIC
        _ = tables?.softOff
        _ = tables?.powerManagementTimer
      }
    }
  }

  private func repairSums(_ bytes: inout [UInt8]) {
    for start in [0x40, 0x100, 0x300, 0x900] {
      let length = Int(bytes[start + 4]) | Int(bytes[start + 5]) << 8
      guard length > 9, start + length <= bytes.count else { continue }
      bytes[start + 9] = 0
      bytes[start + 9] = 0 &- bytes[start..<start + length].reduce(0, &+)
    }
  }

  /// `iasl -d` of Debian's acpica-tools reads each table and finds nothing wrong.
  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/iasl")))
  func `the ACPI component architecture's disassembler takes the tables`() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "apus-acpi-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let bytes = written()
    for (name, start) in [("apic", 0x300), ("facp", 0x100), ("dsdt", 0x900), ("xsdt", 0x40)] {
      let length = Int(bytes[start + 4]) | Int(bytes[start + 5]) << 8
      let file = folder.appending(path: "\(name).dat")
      try Data(bytes[start..<start + length]).write(to: file)
      let process = Process()
      process.executableURL = URL(filePath: "/usr/bin/iasl")
      process.arguments = ["-d", file.path]
      let pipe = Pipe()
      process.standardOutput = pipe
      process.standardError = pipe
      try process.run()
      let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 0, "\(name): \(output)")
      #expect(!output.contains("Invalid") && !output.contains("rror"), "\(name): \(output)")
      let text = try String(contentsOf: folder.appending(path: "\(name).dsl"), encoding: .utf8)
      #expect(!text.contains("Invalid") && !text.contains("Unknown"), "\(name)")
      if name == "dsdt" {
        #expect(text.contains("EisaId (\"PNP0501\")") && text.contains("Device (COM1)") && text.contains("_S5"))
      }
    }
  }
}

/// Xen, public/arch-x86/hvm/start_info.h.
struct StartInfoTests {
  @Test func `module, command line and memory map are found`() {
    var bytes = [UInt8](repeating: 0, count: 256)
    func put(_ value: UInt64, at offset: Int, _ count: Int) {
      for index in 0..<count { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(index * 8)) }
    }
    put(0x336e_c578, at: 0, 4)
    put(1, at: 4, 4)
    put(1, at: 12, 4)
    put(0x10_9040, at: 16, 8)
    put(0x10_9060, at: 24, 8)
    put(0xf_0000, at: 32, 8)
    put(0x10_9080, at: 40, 8)
    put(2, at: 48, 4)
    put(0x123_4000, at: 0x40, 8)
    put(0x5000, at: 0x48, 8)
    put(0x9_fc00, at: 0x88, 8)
    put(1, at: 0x90, 4)
    put(0x10_0000, at: 0x98, 8)
    put(0x700_0000, at: 0xa0, 8)
    put(2, at: 0xa8, 4)
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    let memory = ArrayMemory(base: 0x10_9000, bytes: copy)
    let info = StartInfo(at: 0x10_9000, memory: memory)
    #expect(info?.module?.address == 0x123_4000)
    #expect(info?.module?.byteCount == 0x5000)
    #expect(info?.commandLineAddress == 0x10_9060)
    #expect(info?.rootPointer == 0xf_0000)
    var ranges: [[UInt64]] = []
    info?.forEachMemoryRange { ranges.append([$0, $1, $2 ? 1 : 0]) }
    #expect(ranges == [[0, 0x9_fc00, 1], [0x10_0000, 0x700_0000, 0]])
    #expect(StartInfo(at: 0x10_9004, memory: memory) == nil)
  }
}

/// AMD APM 2, 4.8 and 8.9; the layouts of the hypervisor's own tables.
struct DescriptorTests {
  @Test func `a gate and a task-state segment are laid out as the manual has them`() {
    let gate = DescriptorTables.interruptGate(to: 0xffff_ffff_8001_2345, stack: 2)
    #expect(gate == (0x8001_8e02_0008_2345, 0xffff_ffff))
    let segment = DescriptorTables.taskSegment(at: 0xffff_8000_7ffd_b800)
    #expect(segment == (0x7f00_89fd_b800_0067, 0xffff_8000))
  }
}

/// What CPUID says.
struct GuestCPUIDTests {
  private let all = {
    var result = X86CPUIDResult()
    result.eax = .max
    result.ebx = .max
    result.ecx = .max
    result.edx = .max
    return result
  }()

  @Test func `what a guest does not have is hidden, whatever the machine has`() {
    let identity = GuestCPUID(apicIdentifier: 3, vcpuCount: 4, counterHz: 2_000_000_000)
    let basic = identity.answer(leaf: 1, subleaf: 0, machine: all)
    for hidden in [2, 3, 5, 12, 13, 15, 17, 26, 27, 28, 29] as [UInt32] { #expect(basic.ecx & 1 << hidden == 0) }
    for shown in [21, 24, 31] as [UInt32] { #expect(basic.ecx & 1 << shown != 0) }
    #expect(basic.ebx >> 24 == 3 && basic.ebx >> 16 & 0xff == 4)
    #expect(basic.edx & (1 << 7 | 1 << 14) == 0)
    let extended = identity.answer(leaf: 0x8000_0001, subleaf: 0, machine: all)
    #expect(extended.ecx & 1 << 2 == 0)
    #expect(extended.edx & 1 << 29 != 0)
    #expect(identity.answer(leaf: 0xd, subleaf: 0, machine: all).eax == 0)
    #expect(identity.answer(leaf: 0x8000_000a, subleaf: 0, machine: all).edx == 0)
    #expect(identity.answer(leaf: 7, subleaf: 0, machine: all).ecx == 0)
  }

  @Test func `what the machine lacks is not promised`() {
    let identity = GuestCPUID(apicIdentifier: 0, vcpuCount: 1, counterHz: 1)
    let basic = identity.answer(leaf: 1, subleaf: 0, machine: X86CPUIDResult())
    #expect(basic.ecx == 1 << 21 | 1 << 24 | 1 << 31)
    #expect(basic.edx == 0)
  }

  @Test func `the hypervisor names itself and the counter's speed`() {
    let identity = GuestCPUID(apicIdentifier: 0, vcpuCount: 1, counterHz: 2_300_000_000)
    let name = identity.answer(leaf: 0x4000_0000, subleaf: 0, machine: all)
    #expect(name.ebx == 0x7375_7041 && name.ecx == name.ebx && name.edx == name.ebx)
    #expect(identity.answer(leaf: 0x4000_0010, subleaf: 0, machine: all).eax == 2_300_000)
  }

  @Test(arguments: [(1, 0), (2, 1), (3, 2), (4, 2), (16, 4)] as [(UInt32, UInt32)])
  func `the topology has room for all vCPUs`(count: UInt32, shift: UInt32) {
    let identity = GuestCPUID(apicIdentifier: 0, vcpuCount: count, counterHz: 1)
    let cores = identity.answer(leaf: 0xb, subleaf: 1, machine: all)
    #expect(cores.eax == shift && cores.ebx == count && cores.ecx == 0x201)
  }

  @Test func `the PAT takes the six types that there are`() {
    #expect(X86_64.isPAT(0x0007_0406_0007_0406))
    #expect(!X86_64.isPAT(0x0007_0406_0007_0402))
    #expect(!X86_64.isPAT(0x0807_0406_0007_0406))
  }

  @Test func `a port access is read as 15.10.2 has it`() {
    let access = PortAccess(0x03f8_0000 | 1 << 4 | 1 << 7)
    #expect(access.port == 0x3f8 && access.width == .byte && !access.isRead && !access.isString)
    #expect(PortAccess(0xcf8_0041).isRead)
    #expect(PortAccess(0xcf8_0041).width == .word)
    #expect(PortAccess(0x1f0_002d).isString)
  }

  @Test func `the timer's ticks follow the ratio and never run over`() {
    let clocks = Clocks(counter: 2_000_000, timer: 1_000_000, reference: 3580, referenceHz: 3_579_545)
    #expect(clocks.counterHz > 1_999_000_000 && clocks.counterHz < 2_001_000_000)
    #expect(clocks.timerTicks(from: 0, until: .max) == 0)
    #expect(clocks.timerTicks(from: 1000, until: 3000) == 1000)
    #expect(clocks.timerTicks(from: 1000, until: 1000) == 1)
    #expect(clocks.timerTicks(from: 0, until: .max - 1) == .max)
  }
}
