import Kernel

/// A vCPU's virtual CPU interface coming to a CPU and leaving it; and whether it would interrupt its guest.
extension VirtualGIC {
  /// Puts the interface of `vcpu` into the hardware, whose list registers are all zero.
  func load(_ vcpu: Int, to file: some ListRegisterFile) {
    var listed = self[vcpu].inUse
    while listed != 0 {
      let index = listed.trailingZeroBitCount
      listed &= listed &- 1
      file.setListRegister(index, to: self[vcpu].savedListRegisters[index])
    }
    file.vmcr = self[vcpu].savedVMCR
    for index in 0..<interface.activePriorityRegisterCount {
      file.setActivePriorities0(index, to: self[vcpu].savedActivePriorities0[index])
      file.setActivePriorities1(index, to: self[vcpu].savedActivePriorities1[index])
    }
    file.control = self[vcpu].control
  }

  /// Takes the interface of `vcpu` out of the hardware, whose list registers are all zero then and whose virtual CPU
  /// interface is off.
  func save(_ vcpu: Int, from file: some ListRegisterFile) {
    var listed = self[vcpu].inUse
    while listed != 0 {
      let index = listed.trailingZeroBitCount
      listed &= listed &- 1
      self[vcpu].savedListRegisters[index] = file.listRegister(index)
      file.setListRegister(index, to: 0)
    }
    self[vcpu].savedVMCR = file.vmcr
    for index in 0..<interface.activePriorityRegisterCount {
      self[vcpu].savedActivePriorities0[index] = file.activePriorities0(index)
      self[vcpu].savedActivePriorities1[index] = file.activePriorities1(index)
    }
    // With EOIcount, which is only of interest then.
    if self[vcpu].control & ICH_HCR_EL2.lrenpie.rawValue != 0 { self[vcpu].control = file.control }
    file.control = 0
  }

  /// Whether the hardware would signal an interrupt to `vcpu`, which is on this CPU, whatever PSTATE masks: what
  /// ends a WFI. True for a group 0 interrupt as for a group 1 one. After `prepareEntry`.
  func hasDeliverable(_ vcpu: Int, on file: some ListRegisterFile) -> Bool {
    var listed = self[vcpu].inUse & ~file.empty
    guard listed != 0 else { return false }
    let vmcr = ICH_VMCR_EL2(rawValue: file.vmcr)
    let running = runningPriority(on: file)
    while listed != 0 {
      let register = ICH_LR_EL2(rawValue: file.listRegister(listed.trailingZeroBitCount))
      listed &= listed &- 1
      if register.isPending, !register.isActive, isSignalled(register, vmcr, running: running) { return true }
    }
    return false
  }

  private func isSignalled(_ register: ICH_LR_EL2, _ vmcr: ICH_VMCR_EL2, running: UInt64) -> Bool {
    let isGroup1 = ICH_LR_EL2.group.value(in: register.rawValue) != 0
    let priority = ICH_LR_EL2.priority.value(in: register.rawValue)
    guard vmcr.rawValue & (isGroup1 ? ICH_VMCR_EL2.veng1.mask : ICH_VMCR_EL2.veng0.mask) != 0,
      priority < ICH_VMCR_EL2.vpmr.value(in: vmcr.rawValue)
    else { return false }
    return (priority & preemptionMask(vmcr, isGroup1: isGroup1)) < running
  }

  /// The bits of a priority that decide on preemption (IHI 0069, 4.8.4).
  private func preemptionMask(_ vmcr: ICH_VMCR_EL2, isGroup1: Bool) -> UInt64 {
    let usesBPR1 = isGroup1 && ICH_VMCR_EL2.vcbpr.value(in: vmcr.rawValue) == 0
    let point = (usesBPR1 ? ICH_VMCR_EL2.vbpr1 : ICH_VMCR_EL2.vbpr0).value(in: vmcr.rawValue)
    // The binary point counts subpriority bits; that of group 1 is one more than it uses.
    return (0xff &<< (usesBPR1 ? point : point &+ 1)) & 0xff
  }

  /// ICV_RPR_EL1: the priority of the most urgent interrupt that the guest has begun and not dropped; 256 for none.
  private func runningPriority(on file: some ListRegisterFile) -> UInt64 {
    for index in 0..<interface.activePriorityRegisterCount {
      let bits = file.activePriorities0(index) | file.activePriorities1(index)
      guard bits & 0xffff_ffff != 0 else { continue }
      let level = UInt64(index &* 32 &+ bits.trailingZeroBitCount)
      return level &<< UInt64(max(0, 8 &- interface.preemptionBitCount))
    }
    return 0x100
  }
}
