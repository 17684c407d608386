import ArgumentParser
import Manifest

/// `apus guests`: gets or lists the guests that the demo and the tests run.
struct GuestsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "guests", abstract: "Get or list the demo guests.",
    discussion: """
      Fetches Linux kernels and busybox from Debian into .cache/guests, through the machine's own mirror and with its \
      keys, and makes a small initramfs. The machine's own apt stays as it is.

      Examples:
        ./apus guests                     list the guests and where each comes from
        ./apus guests --get               get what the demo runs
        ./apus guests --get trixie-cloud  get another
        ./apus guests --get --arch riscv64  get what the demo runs on riscv64
        ./apus guests --get --all         get all of them, for the tests
      """)

  @Option(help: "The architecture of the guests.")
  var arch = Architecture.standard

  @Flag(help: "Get the guests that are named (the demo's where none is) instead of listing.")
  var get = false

  @Flag(help: "With --get: all guests.")
  var all = false

  @Flag(help: "With --get: look for newer packages even where the cache has the guest.")
  var refresh = false

  @Argument(help: "Guests, by name.")
  var names: [String] = []

  mutating func validate() throws {
    let all = GuestKit.all(arch).map(\.name)
    for name in names where !all.contains(name) {
      throw ValidationError("there is no guest \(name); there are " + all.joined(separator: ", "))
    }
  }

  func run() throws {
    try reportingFailures {
      let store = GuestStore(repository: try Repository.current(), architecture: arch)
      guard get || refresh || all || !names.isEmpty else {
        list(store)
        return
      }
      let kits = GuestKit.all(arch)
      let named = kits.filter { names.contains($0.name) }
      for kit in all ? kits : named.isEmpty ? Array(kits.prefix(1)) : named { try store.get(kit, refreshing: refresh) }
    }
  }

  private func list(_ store: GuestStore) {
    for kit in GuestKit.all(arch) {
      let state = store.origin(of: kit) ?? "not fetched"
      print("\(kit.name)\n    \(kit.summary)\n    \(state)")
    }
  }
}
