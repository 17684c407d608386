import DeviceTree
import Kernel
import VMM

/// One hart's side of the machine's PLIC (RISC-V Platform-Level Interrupt Controller specification 1.0).
struct PhysicalPLIC {
  private let window: DeviceWindow
  private let context: Int

  private enum Offset {
    static func priority(_ interrupt: UInt32) -> Int { Int(interrupt) * 4 }
    static func enables(_ context: Int) -> Int { 0x2000 + context * 0x80 }
    static func threshold(_ context: Int) -> Int { 0x20_0000 + context * 0x1000 }
    static func claim(_ context: Int) -> Int { 0x20_0000 + context * 0x1000 + 4 }
  }

  /// Nil where the machine has none, or none that reaches `hart` in HS-mode.
  init?(_ platform: Platform, hart: UInt64) {
    let models: [StaticString] = ["sifive,plic-1.0.0", "riscv,plic0"]
    for model in models {
      guard let node = platform.tree.firstNode(compatibleWith: model), node.isEnabled else { continue }
      var registers = node.registers
      guard let own = registers.next(), let register = platform.tree.translate(own, of: node),
        let context = Self.context(of: hart, in: node, of: platform),
        Offset.claim(context) + 4 <= Int(clamping: register.byteCount)
      else { continue }
      self.context = context
      window = AddressMap.mapDevice(at: HostPhysicalAddress(register.address), byteCount: register.byteCount)
      window.write32(Offset.threshold(context), 0)
      return
    }
    return nil
  }

  /// The place in `interrupts-extended` that names the hart's own controller with its interrupt for HS-mode.
  private static func context(of hart: UInt64, in node: DeviceTreeNode, of platform: Platform) -> Int? {
    guard let phandle = platform.hart(hart)?.child("interrupt-controller")?.phandle,
      let wires = node.property("interrupts-extended")
    else { return nil }
    let supervisorExternal: UInt32 = 9
    for context in 0..<wires.cellCount / 2
    where wires.cell(2 * context) == phandle && wires.cell(2 * context + 1) == supervisorExternal {
      return context
    }
    return nil
  }

  /// Lets a device's interrupt through to this hart.
  func enable(_ interrupt: UInt32) {
    guard interrupt > 0, interrupt < 1024 else { return }
    window.write32(Offset.priority(interrupt), 1)
    let word = Offset.enables(context) + Int(interrupt / 32) * 4
    window.write32(word, window.read32(word) | 1 << (interrupt % 32))
  }

  /// The interrupt to handle; nil where none is left.
  func claim() -> UInt32? {
    let interrupt = window.read32(Offset.claim(context))
    return interrupt == 0 ? nil : interrupt
  }

  func complete(_ interrupt: UInt32) { window.write32(Offset.claim(context), interrupt) }
}
