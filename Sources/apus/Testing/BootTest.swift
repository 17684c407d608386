import Foundation
import Manifest
import TOMLKit

/// A boot test: one file under Tests/Boot. Tests/Boot/README.md describes the keys.
struct BootTest: Decodable {
  enum Tier: String, Decodable {
    /// Run every time.
    case short
    /// Run with `--long`.
    case long
  }

  /// Lines that must come in this order.
  struct Expected: Decodable, Equatable {
    /// Only lines of this VM count; all lines where it is not given.
    var vm: String?
    var expect: [String]
  }

  /// What is typed once a text has appeared.
  struct Typing: Decodable, Equatable {
    var after: String
    var text: String
  }

  /// What happens to the command or its machine once a text has appeared.
  struct Event: Decodable, Equatable {
    enum What: String, Decodable {
      case terminate
      case hangUp = "hang-up"
      case killMachine = "kill-machine"
      /// A debugger connects, asks why the machine stands still, and lets it go.
      case debug
    }

    var after: String
    var what: What
  }

  enum ExpectedVerdict: String, Decodable {
    case ok
    case failed
    /// None must come; the runner ends the machine when everything else has come.
    case none
  }

  /// Who loads the hypervisor.
  enum Loader: String, Decodable {
    case qemu
    case uBoot = "u-boot"
  }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name, tier, architectures, guests, system, vms, native, append, loader, machine, cpu, cpus, memory, qemu,
      never, verdict,
      restarts,
      seconds
    case eachCPUCount = "cpus-each"
    case lines, type, ends, panics, command, status, events, environment, before
    case bootArguments = "boot-arguments"
    case linuxMayFail = "linux-may-fail"
    case warningsLikeNative = "warnings-like-native"
  }

  var name: String
  var tier: Tier?
  /// The architectures that it boots on, by their words; the standard one where it is not given.
  var architectures: [String]?
  /// The kits of `apus guests` that must be there.
  var guests: [String]?
  /// The configuration: a system file, or VM files; relative to the test's file.
  var system: String?
  var vms: [String]?
  /// Boots the kernel of this kit on the bare machine, without a hypervisor.
  var native: String?
  /// Runs the command line with these words on a terminal of its own, instead of booting a machine.
  var command: [String]?
  /// Words for the command line that are run first, and must end with 0.
  var before: [String]?
  /// The command's exit status; 0 where it is not given.
  var status: Int32?
  /// What happens to the command, one after the other.
  var events: [Event]?
  /// Variables for the command; `{folder}` is the test's own folder.
  var environment: [String: String]?
  /// Added to the command line of every VM.
  var append: String?
  /// Added to the hypervisor's own boot arguments.
  var bootArguments: String?
  var loader: Loader?
  var machine: String?
  var cpu: String?
  var cpus: Int?
  /// The test is run once with each of these numbers of CPUs.
  var eachCPUCount: [Int]?
  var memory: String?
  /// More arguments for QEMU.
  var qemu: [String]?
  var lines: [Expected]?
  var type: [Typing]?
  /// Texts that must not appear.
  var never: [String]?
  /// Where it is true, what Linux says when it is in trouble does not fail the test.
  var linuxMayFail: Bool?
  /// The kernel's warnings in each VM must be among those of a native boot of this kit's kernel.
  var warningsLikeNative: String?
  var verdict: ExpectedVerdict?
  /// The reason with which a VM ends, by the VM's name.
  var ends: [String: String]?
  /// The hypervisor panics, and the named frames of its backtrace hold these texts, the innermost first.
  var panics: [String]?
  /// A VM that asks for a reset is treated as its file says; otherwise it is stopped.
  var restarts: Bool?
  /// After so long without an end the test has failed. Generous: it is no measure of anything.
  var seconds: Int?

  /// What Linux says when something is badly wrong.
  static let linuxTrouble = [
    "Kernel panic", "Internal error: ", "BUG: ", "rcu: INFO: rcu", "soft lockup", "Unable to handle kernel",
    "INFO: task ",
  ]

  func runs(on architecture: Architecture) -> Bool {
    architectures?.contains(architecture.name) ?? (architecture == .standard)
  }

  /// Everything that must not appear.
  var forbidden: [String] { (never ?? []) + (linuxMayFail == true ? [] : Self.linuxTrouble) }

  /// The configuration's files, as messages show them; `file` is the test's own.
  func configurationPaths(beside file: URL) -> [String] {
    let folder = file.deletingLastPathComponent()
    return (system.map { [$0] } ?? vms ?? []).map { folder.appending(path: $0).pathFromHere }
  }

  /// The kits that it names itself.
  var kits: [String] {
    (guests ?? [])
      + [
        native == GuestStore.ownGuest ? nil : native, warningsLikeNative, loader == .uBoot ? GuestKit.uBootName : nil,
      ]
      .compactMap { $0 }
  }

  var timeLimit: Duration { .seconds(seconds ?? 300) }

  /// The name as a folder is called.
  var folderName: String {
    String(name.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
  }

  /// Reads a test's file.
  static func parse(_ text: String, file: String) throws(Failure) -> BootTest {
    do {
      let table = try TOMLTable(string: text)
      let known = CodingKeys.allCases.map(\.rawValue)
      if let unknown = table.keys.first(where: { !known.contains($0) }) {
        throw Failure(.configuration, "\(file): there is no key \(unknown)")
      }
      let test = try TOMLDecoder().decode(BootTest.self, from: table)
      if let unknown = test.architectures?.first(where: { Architecture(argument: $0) == nil }) {
        throw Failure(.configuration, "\(file): there is no architecture \(unknown)")
      }
      guard test.native != nil || test.system != nil || test.vms != nil || test.command != nil else {
        throw Failure(.configuration, "\(file): one of system, vms, native and command must say what boots")
      }
      return test
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(.configuration, "\(file): \(error)")
    }
  }

  /// The tests that one file stands for.
  var variants: [BootTest] {
    guard let counts = eachCPUCount else { return [self] }
    return counts.map { count in
      var variant = self
      variant.cpus = count
      variant.name += count == 1 ? ", with 1 CPU" : ", with \(count) CPUs"
      return variant
    }
  }

  /// All tests of a folder, by their files' names.
  static func all(in folder: URL) throws(Failure) -> [(file: URL, test: BootTest)] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    var tests: [(URL, BootTest)] = []
    for name in names.filter({ $0.hasSuffix(".toml") }).sorted() {
      let file = folder.appending(path: name)
      guard let text = try? String(contentsOf: file, encoding: .utf8) else {
        throw Failure(.configuration, "\(file.path) cannot be read")
      }
      tests += try parse(text, file: name).variants.map { (file, $0) }
    }
    return tests
  }
}
