import CX86_64
import Kernel
import Testing

@testable import X86_64

/// AMD APM 2, appendix B, and the words inside it.
struct VMCBTests {
  @Test func `the control area's fields are where table B-1 has them`() {
    #expect(VMCB.interceptExceptions.offset == 0x008)
    #expect(VMCB.interceptsA.offset == 0x00c)
    #expect(VMCB.interceptsB.offset == 0x010)
    #expect(VMCB.ioPermissionBase.offset == 0x040)
    #expect(VMCB.msrPermissionBase.offset == 0x048)
    #expect(VMCB.tscOffset.offset == 0x050)
    #expect(VMCB.asid.offset == 0x058)
    #expect(VMCB.tlbControl.offset == 0x05c)
    #expect(VMCB.virtualInterrupt.offset == 0x060)
    #expect(VMCB.interruptShadow.offset == 0x068)
    #expect(VMCB.exitCode.offset == 0x070)
    #expect(VMCB.exitInfo1.offset == 0x078)
    #expect(VMCB.exitInfo2.offset == 0x080)
    #expect(VMCB.exitInterruptInfo.offset == 0x088)
    #expect(VMCB.nestedControl.offset == 0x090)
    #expect(VMCB.eventInjection.offset == 0x0a8)
    #expect(VMCB.nestedCR3.offset == 0x0b0)
    #expect(VMCB.nextRIP.offset == 0x0c8)
  }

  @Test func `the state save area's fields are where table B-2 has them`() {
    #expect(VMCB.Segment.es.rawValue == 0x400)
    #expect(VMCB.Segment.tr.rawValue == 0x490)
    #expect(VMCB.cpl.offset == 0x4cb)
    #expect(VMCB.efer.offset == 0x4d0)
    #expect(VMCB.cr4.offset == 0x548)
    #expect(VMCB.cr3.offset == 0x550)
    #expect(VMCB.cr0.offset == 0x558)
    #expect(VMCB.dr7.offset == 0x560)
    #expect(VMCB.dr6.offset == 0x568)
    #expect(VMCB.rflags.offset == 0x570)
    #expect(VMCB.rip.offset == 0x578)
    #expect(VMCB.rsp.offset == 0x5d8)
    #expect(VMCB.rax.offset == 0x5f8)
    #expect(VMCB.kernelGSBase.offset == 0x620)
    #expect(VMCB.cr2.offset == 0x640)
    #expect(VMCB.guestPAT.offset == 0x668)
  }

  @Test func `a segment is written and read whole`() {
    withVMCB { vmcb in
      let segment = SegmentRegister(selector: 0x10, attributes: 0xa9b, limit: .max, base: 0x1234_5678_9abc)
      vmcb[.cs] = segment
      #expect(vmcb[.cs] == segment)
      #expect(vmcb[VMCBField<UInt64>(0x410)] == 0xffff_ffff_0a9b_0010)
      #expect(segment.isLong && !segment.isBig)
    }
  }

  @Test func `events are as 15.20 has them`() {
    #expect(Event(.exception, vector: 13, error: 0).rawValue == 0x0000_0000_8000_0b0d)
    #expect(Event(.exception, vector: 14, error: 5).rawValue == 0x0000_0005_8000_0b0e)
    #expect(Event(.interrupt, vector: 0x31).rawValue == 0x8000_0031)
    #expect(Event(.nonMaskable, vector: 2).rawValue == 0x8000_0202)
    #expect(!Event.none.isValid)
    #expect(Event(rawValue: 0x8000_0202).kind == .nonMaskable)
  }

  @Test func `the permission map has two bits for each register it names`() {
    #expect(PermissionMaps.bit(of: 0x174) == 0x2e8)
    #expect(PermissionMaps.bit(of: 0xc000_0080) == 0x800 * 8 + 0x100)
    #expect(PermissionMaps.bit(of: 0xc001_0114) == 0x1000 * 8 + 0x228)
    #expect(PermissionMaps.bit(of: 0x2000) == nil)
    #expect(PermissionMaps.bit(of: 0x4000_0000) == nil)
    #expect(!PermissionMaps.direct.contains(MSR.efer) && !PermissionMaps.direct.contains(MSR.pat))
  }

  @Test func `a vCPU that starts by SIPI is in real mode at its page`() {
    withRegisters { registers in
      GuestStart.set(registers, entry: 0x8000, argument: GuestStart.bySIPI)
      let vmcb = registers.vmcb
      #expect(vmcb[.cs] == SegmentRegister(selector: 0x800, attributes: 0x09b, limit: 0xffff, base: 0x8000))
      #expect(vmcb[VMCB.rip] == 0)
      #expect(vmcb[VMCB.cr0] == 0x10)
      #expect(vmcb[VMCB.efer] == 1 << 12)
      #expect(vmcb[VMCB.rflags] == 2)
    }
  }

  @Test func `the first vCPU starts in 64-bit mode with its parameters in RSI`() {
    withRegisters { registers in
      GuestStart.set(registers, entry: 0x10_0200, argument: 0x10_0008)
      let vmcb = registers.vmcb
      #expect(registers[GuestRegisters.rsi] == 0x10_1000)
      #expect(vmcb[VMCB.cr3] == 0x10_4000)
      #expect(vmcb[VMCB.efer] == 0x1500)
      #expect(vmcb[VMCB.cr4] == 0x20)
      #expect(vmcb[VMCB.cr0] == 0x8001_0033)
      #expect(vmcb[.cs].isLong)
      #expect(vmcb[VMCB.rip] == 0x10_0200)
    }
  }

  @Test func `registers are found by the numbers that instructions use`() {
    withRegisters { registers in
      for index in 0..<16 { registers[index] = UInt64(index) + 100 }
      for index in 0..<16 { #expect(registers[index] == UInt64(index) + 100) }
      #expect(registers.vmcb[VMCB.rax] == 100)
      #expect(registers.vmcb[VMCB.rsp] == 104)
      registers.edxEAX = 0x1_0000_0002
      #expect(registers[0] == 2 && registers[GuestRegisters.rdx] == 1)
    }
  }

  private func withVMCB(_ body: (VMCB) -> Void) {
    let page = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 4096)
    defer { page.deallocate() }
    let vmcb = VMCB(address: HostPhysicalAddress(0), base: page)
    vmcb.clear()
    body(vmcb)
  }

  private func withRegisters(_ body: (GuestRegisters) -> Void) {
    withVMCB { vmcb in
      let frame = UnsafeMutablePointer<X86VCPUFrame>.allocate(capacity: 1)
      defer { frame.deallocate() }
      frame.initialize(to: X86VCPUFrame())
      body(GuestRegisters(frame: frame, vmcb: vmcb))
    }
  }
}
