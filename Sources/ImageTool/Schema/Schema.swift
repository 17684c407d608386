import Manifest

/// The keys that one kind of table may have. Documentation/Configuration.md is held to these by a test.
struct Schema: Sendable {
  struct Key: Sendable {
    let name: String
    let isRequired: Bool

    init(_ name: String, isRequired: Bool = false) {
      self.name = name
      self.isRequired = isRequired
    }
  }

  /// How messages call the table, and the heading of its section in the documentation.
  let title: String
  let keys: [Key]

  var names: [String] { keys.map(\.name) }

  static let all = [system, machine, vm, memoryRange, kernel, firmware, ramdisk, deviceTree, image, device]

  static let system = Schema(
    title: "a system file",
    keys: [Key("vms", isRequired: true), Key("when-all-stopped"), Key("log-level"), Key("machine")])

  static let machine = Schema(
    title: "[machine]", keys: [Key("architecture"), Key("cpus", isRequired: true), Key("memory", isRequired: true)])

  static let vm = Schema(
    title: "a VM file",
    keys: [
      Key("name", isRequired: true), Key("memory", isRequired: true), Key("cpus"), Key("affinity"),
      Key("exclusive-cpus"), Key("idle"), Key("autostart"), Key("on-reset"), Key("on-failure"), Key("log-level"),
      Key("command-line"), Key("boot-protocol"), Key("kernel"), Key("firmware"), Key("ramdisk"), Key("device-tree"),
      Key("image"), Key("device"),
    ])

  static let memoryRange = Schema(
    title: "[[memory]]", keys: [Key("address", isRequired: true), Key("size", isRequired: true)])

  static let kernel = Schema(
    title: "[kernel]", keys: [Key("path", isRequired: true), Key("format"), Key("address"), Key("entry")])

  static let firmware = Schema(
    title: "[firmware]",
    keys: [Key("path", isRequired: true), Key("address", isRequired: true), Key("entry")])

  static let ramdisk = Schema(title: "[ramdisk]", keys: [Key("path", isRequired: true), Key("address")])

  static let deviceTree = Schema(title: "[device-tree]", keys: [Key("path"), Key("address")])

  static let image = Schema(
    title: "[[image]]", keys: [Key("path", isRequired: true), Key("address", isRequired: true)])

  static let device = Schema(
    title: "[[device]]", keys: [Key("kind", isRequired: true), Key("address"), Key("interrupt")])
}
