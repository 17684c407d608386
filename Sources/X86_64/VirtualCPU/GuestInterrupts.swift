import CX86_64
import Kernel
import Synchronization
import Virtualization

/// A vCPU's interrupts on their way between its local APIC and the VMCB.
extension X86_64 {
  // MARK: - Before an entry

  /// Puts at most one event into the VMCB, and asks for an exit as soon as another can be taken.
  static func prepareEvents(of vcpu: Reference<VCPU<Self>>) {
    let vmcb = vcpu.value.state.registers.vmcb
    if vcpu.value.state.interrupted.isValid {
      // What the last exit interrupted was taken already, so it comes before anything new. An exception that the exit's
      // handling has raised takes its place: the guest's handler of that one returns to where the first is raised again.
      if !Event(rawValue: vmcb[VMCB.eventInjection]).isValid {
        vmcb[VMCB.eventInjection] = vcpu.value.state.interrupted.rawValue
      }
      vcpu.value.state.interrupted = .none
    }
    injectNMI(of: vcpu, vmcb)
    prepareInterrupt(of: vcpu, vmcb)
  }

  private static func injectNMI(of vcpu: Reference<VCPU<Self>>, _ vmcb: VMCB) {
    guard vcpu.value.state.apic.pendingSignals.contains(.nmi) else { return }
    if let end = vcpu.value.state.endOfNMI, end != vmcb[VMCB.rip] {
      vcpu.value.state.endOfNMI = nil
      vcpu.value.state.servesNMI = false
    }
    guard !vcpu.value.state.servesNMI, !Event(rawValue: vmcb[VMCB.eventInjection]).isValid,
      vmcb[VMCB.interruptShadow] & 1 == 0
    else { return }
    _ = vcpu.value.state.apic.take(.nmi)
    vcpu.value.state.servesNMI = true
    vmcb[VMCB.eventInjection] = Event(.nonMaskable, vector: 2).rawValue
    vmcb[VMCB.interceptsA] |= InterceptsA.iret.rawValue
  }

  private static func prepareInterrupt(of vcpu: Reference<VCPU<Self>>, _ vmcb: VMCB) {
    var control = VirtualInterruptControl.masking.mask | UInt64(vcpu.value.state.apic.taskPriority >> 4)
    var waits = false
    if let vector = vcpu.value.state.apic.candidate {
      if vcpu.value.state.apic.deliverable == vector, vcpu.value.state.registers.acceptsInterrupts,
        vmcb[VMCB.interruptShadow] & 1 == 0, !Event(rawValue: vmcb[VMCB.eventInjection]).isValid
      {
        vcpu.value.state.apic.acknowledge(vector)
        vmcb[VMCB.eventInjection] = Event(.interrupt, vector: vector).rawValue
        if let next = vcpu.value.state.apic.candidate {
          control |= waitControl(next)
          waits = true
        }
      } else {
        control |= waitControl(vector)
        waits = true
      }
    }
    vmcb[VMCB.virtualInterrupt] = control
    let intercepts = vmcb[VMCB.interceptsA]
    vmcb[VMCB.interceptsA] =
      waits ? intercepts | InterceptsA.vintr.rawValue : intercepts & ~InterceptsA.vintr.rawValue
  }

  /// A virtual interrupt that is never taken: it makes the guest exit when RFLAGS.IF and V_TPR let it through.
  private static func waitControl(_ vector: UInt8) -> UInt64 {
    VirtualInterruptControl.irq.mask | VirtualInterruptControl.priority.placed(UInt64(vector >> 4))
      | VirtualInterruptControl.vector.placed(UInt64(vector))
  }

  // MARK: - Behind an exit

  /// What the guest has done to CR8 is in V_TPR; the lower half of the register is only MMIO's.
  @inline(__always) static func takeTaskPriority(of vcpu: Reference<VCPU<Self>>) {
    let control = VirtualInterruptControl(rawValue: vcpu.value.state.registers.vmcb[VMCB.virtualInterrupt])
    let upper = UInt32(control.taskPriorityClass)
    if vcpu.value.state.apic.taskPriority >> 4 != upper { vcpu.value.state.apic.taskPriority = upper << 4 }
  }

  public static func hasPendingInterrupt(_ vcpu: Reference<VCPU<Self>>) -> Bool {
    let signals = vcpu.value.state.apic.pendingSignals
    if vcpu.value.state.waitsForStart { return signals.contains(.start) || signals.contains(.initialise) }
    if signals.contains(.nmi) || signals.contains(.initialise) { return true }
    guard vcpu.value.state.registers.acceptsInterrupts else { return false }
    vcpu.value.state.apic.updateTimer(now: guestCounter(of: vcpu.value.vm))
    return vcpu.value.state.apic.deliverable != nil
  }

  // MARK: - The local APIC's registers

  /// The page of a local APIC in xAPIC mode; in the others nothing is there.
  static func readAPICPage(_ offset: UInt64, _ width: AccessWidth, of vcpu: Reference<VCPU<Self>>) -> UInt64 {
    guard vcpu.value.state.apic.mode == .xAPIC, offset & 15 == 0 else { return 0 }
    return vcpu.value.state.apic.read(
      UInt32(truncatingIfNeeded: offset >> 4), now: guestCounter(of: vcpu.value.vm)) ?? 0
  }

  static func writeAPICPage(
    _ offset: UInt64, _ width: AccessWidth, _ value: UInt64, of vcpu: Reference<VCPU<Self>>
  ) {
    guard vcpu.value.state.apic.mode == .xAPIC, offset & 15 == 0 else { return }
    _ = writeAPIC(UInt32(truncatingIfNeeded: offset >> 4), value & 0xffff_ffff, of: vcpu)
  }

  /// Nil where there is no such register to write.
  static func writeAPIC(_ number: UInt32, _ value: UInt64, of vcpu: Reference<VCPU<Self>>) -> Void? {
    switch vcpu.value.state.apic.write(number, value, now: guestCounter(of: vcpu.value.vm)) {
    case nil: return nil
    case .some(.none): break
    case .ended(let vector): endLevel(vector, in: vcpu.value.vm)
    case .send(let command): send(command, from: vcpu)
    }
    return ()
  }

  private static func endLevel(_ vector: UInt8, in vm: Reference<VM<Self>>) {
    for _ in 0..<VirtualIOAPIC.inputCount {
      guard let message = vm.value.state.ioAPIC.withLock({ $0.end(vector) }) else { return }
      send(message, in: vm)
    }
  }

  // MARK: - Interrupts between vCPUs and from devices

  static func send(_ message: VirtualIOAPIC.Message, in vm: Reference<VM<Self>>) {
    for vcpu in vm.value.vcpus {
      guard vcpu.value.state.apic.matches(message.destination, isLogical: message.isLogical, senderMode: .xAPIC)
      else { continue }
      switch message.kind {
      case 0, 1: vcpu.value.state.apic.accept(message.vector, isLevel: message.isLevel)
      case 4: vcpu.value.state.apic.signal(.nmi)
      default: return
      }
      vcpu.value.notify()
      if message.kind == 1 { return }  // lowest priority: one of them
    }
  }

  /// An interrupt command. At most one pass over the VM's vCPUs.
  private static func send(_ command: InterruptCommand, from sender: Reference<VCPU<Self>>) {
    let vm = sender.value.vm
    for vcpu in vm.value.vcpus {
      switch command.shorthand {
      case .none:
        guard
          vcpu.value.state.apic.matches(
            command.destination, isLogical: command.isLogical, senderMode: sender.value.state.apic.mode)
        else { continue }
      case .itself: if vcpu != sender { continue }
      case .all: break
      case .others: if vcpu == sender { continue }
      }
      deliver(command, to: vcpu, from: sender)
      if command.kind == .lowestPriority { return }
    }
  }

  private static func deliver(
    _ command: InterruptCommand, to vcpu: Reference<VCPU<Self>>, from sender: Reference<VCPU<Self>>
  ) {
    switch command.kind {
    case .fixed, .lowestPriority: vcpu.value.state.apic.accept(command.vector)
    case .nmi: vcpu.value.state.apic.signal(.nmi)
    case .initialise:
      // One that is off waits for its start already.
      guard !command.isDeassert, vcpu.value.power.load(ordering: .sequentiallyConsistent) != .off else { return }
      vcpu.value.state.apic.withdraw(.start)
      vcpu.value.state.apic.signal(.initialise)
    case .start:
      if vcpu.value.power.load(ordering: .sequentiallyConsistent) == .off {
        sender.value.state.starting.insert(vcpu.value.index)
        sender.value.state.startPage = command.vector
        return
      }
      vcpu.value.state.apic.withdraw(.start)
      vcpu.value.state.apic.signal(.startPage(command.vector))
    case .systemManagement: return
    }
    vcpu.value.notify()
  }
}
