import Foundation
import ImageTool
import Manifest

/// Runs boot tests: builds what each boots, follows its console, and says what came of it.
final class BootRunner {
  private let repository: Repository
  private let architecture: Architecture
  private let store: GuestStore
  private let build: HypervisorBuild
  /// Why the hypervisor cannot be booted; nil where its image is there.
  private let hypervisorProblem: String?
  /// Kits that could not be got, and why.
  private var missingKits: [String: String] = [:]
  /// The warnings of native boots, by kit and CPU model.
  private var nativeWarnings: [String: [String]] = [:]

  init(repository: Repository, architecture: Architecture, hypervisorProblem: String?) {
    self.repository = repository
    self.architecture = architecture
    self.hypervisorProblem = hypervisorProblem
    store = GuestStore(repository: repository, architecture: architecture)
    build = HypervisorBuild(repository: repository, architecture: architecture)
  }

  /// Where consoles and results are kept, below .build.
  private var boots: String { "boots/\(architecture.name)" }

  /// Gets the guests that the tests need; what cannot be got makes its tests "not run", not the others.
  func prepare(_ tests: [(file: URL, test: BootTest)]) {
    let names = Set(tests.flatMap(kits))
    for name in names.sorted() {
      guard let kit = GuestKit.named(name, architecture) else {
        missingKits[name] = "there is no guest \(name)"
        continue
      }
      do {
        try store.get(kit)
      } catch {
        missingKits[name] = "the guest \(name) is not to be had: \(error.description)"
      }
    }
  }

  /// The kits that a test names, itself or in its configuration.
  private func kits(_ file: URL, _ test: BootTest) -> [String] {
    let configuration = BootConfiguration(paths: test.configurationPaths(beside: file), store: store)
    return test.kits + configuration.kits.map(\.name)
  }

  /// Runs one test; `file` is its description.
  func run(_ test: BootTest, file: URL) -> TestReport.Outcome {
    for name in kits(file, test) {
      if let problem = missingKits[name] { return .notRun(problem) }
    }
    if test.native == nil, let hypervisorProblem { return .notRun(hypervisorProblem) }
    if test.native == GuestStore.ownGuest, !build.testGuest.exists { return .notRun("our own guest did not build") }
    let folder = repository.build.appending(path: "\(boots)/\(test.folderName)")
    do {
      try? FileManager.default.removeItem(at: folder)
      try folder.makeFolder()
      if let words = test.command {
        let session = SessionTest(test: test, words: words, repository: repository, folder: folder)
        return outcome(try session.problem(arch: architecture.name), test, folder)
      }
      let token = Verdict.makeToken()
      let (command, typings) = try command(of: test, file: file, folder: folder, token: token)
      try folder.appending(path: "command").writeAtomically(Data((command.shellText + "\n").utf8))
      let boot = try boot(
        test, command, typings: typings + (test.type ?? []), token: token, log: folder.appending(path: "console.log"))
      return outcome(try problem(of: boot, test, command), test, folder)
    } catch {
      return .failed(error.description)
    }
  }

  private func outcome(_ problem: String?, _ test: BootTest, _ folder: URL) -> TestReport.Outcome {
    try? folder.appending(path: "result").writeAtomically(Data(((problem ?? "passed") + "\n").utf8))
    guard let problem else { return .passed }
    return .failed(problem + "\nThe console is in .build/\(boots)/\(test.folderName)/console.log")
  }

  // MARK: - One boot

  private struct Boot {
    var watch: ConsoleWatch
    var reader: VerdictReader
    var end: ConsoleSession.End
    var messages: [String]
  }

  private func command(of test: BootTest, file: URL, folder: URL, token: String) throws(Failure) -> (
    QEMUCommand, typings: [BootTest.Typing]
  ) {
    if let native = test.native {
      var command = try nativeCommand(
        kit: native, cpuModel: test.cpu, cpus: test.cpus, memory: test.memory, append: test.append)
      command.additional = test.qemu ?? []
      return (command, [])
    }
    let configuration = BootConfiguration(
      paths: test.configurationPaths(beside: file), store: store, cpus: test.cpus,
      memory: test.memory.flatMap(ByteSize.parse))
    let bundle = folder.appending(path: "bundle")
    let machine = try configuration.write(
      to: bundle, BootConfiguration.Changes(append: test.append, stopsOnReset: test.restarts != true))
    let bootArguments = (["apus.token=\(token)"] + [test.bootArguments].compactMap { $0 }).joined(separator: " ")
    var command = QEMUCommand(
      architecture: architecture, machine: QEMUCommand.hypervisorMachine(test.machine ?? "virt", architecture),
      cpuModel: test.cpu ?? architecture.emulated.cpuModel, cpus: machine.cpus,
      memory: "\(machine.memory >> 20)M",
      start: .kernel(build.image.path, initrd: bundle.path, bootArguments: bootArguments), additional: test.qemu ?? [])
    guard test.loader == .uBoot, let kit = GuestKit.named(GuestKit.uBootName, architecture) else {
      return (command, [])
    }
    let loader = UBootLoader(image: build.image, bundle: bundle, bootArguments: bootArguments)
    command.start = loader.start(firmware: store.file(kit.parts[0], of: kit))
    return (command, loader.typings)
  }

  private func nativeCommand(
    kit name: String, cpuModel: String?, cpus: Int?, memory: String?, append: String?
  ) throws(Failure) -> QEMUCommand {
    var command = QEMUCommand(
      architecture: architecture, machine: architecture.emulated.nativeMachine,
      cpuModel: cpuModel ?? architecture.emulated.cpuModel, cpus: cpus ?? 2,
      memory: "\((memory.flatMap(ByteSize.parse) ?? 512 << 20) >> 20)M",
      start: .kernel(build.testGuest.path, initrd: nil, bootArguments: append ?? ""))
    if name == GuestStore.ownGuest { return command }
    guard let kit = GuestKit.named(name, architecture) else {
      throw Failure(.configuration, "there is no guest \(name)")
    }
    let files = kit.parts.map { store.file($0, of: kit).path }
    command.start = .kernel(
      files[0], initrd: files.dropFirst().first,
      bootArguments: (["panic=-1"] + [append].compactMap { $0 }).joined(separator: " "))
    return command
  }

  private func boot(
    _ test: BootTest, _ command: QEMUCommand, typings: [BootTest.Typing] = [], token: String, log: URL
  ) throws(Failure) -> Boot {
    try log.writeAtomically(Data())
    let copy = open(log.path, O_WRONLY | O_APPEND | O_CLOEXEC)
    defer { close(copy) }
    var boot = Boot(
      watch: ConsoleWatch(expected: test.lines ?? [], typings: typings, forbidden: test.forbidden),
      reader: VerdictReader(token: token), end: .timeLimit, messages: [])
    var deadline = ContinuousClock.now + test.timeLimit
    var isOver = false
    let machine = try QEMUProcess(command)
    while true {
      switch machine.next(until: deadline) {
      case .console(let bytes):
        writeAll(bytes, to: copy)
        let seen = boot.watch.allLines.count
        machine.send(boot.watch.take(bytes))
        for line in boot.watch.allLines[seen...] { boot.reader.take(line) }
        if test.verdict == BootTest.ExpectedVerdict.none, boot.watch.isComplete {
          machine.terminate()
          boot.end = .user
          return boot
        }
        // What comes now tells why; nothing needs the whole time limit any more.
        if !isOver, boot.watch.violation != nil || boot.reader.isOver {
          isOver = true
          deadline = min(deadline, .now + .seconds(20))
        }
      case .typed: break
      case .message(let line): boot.messages.append(line)
      case .timeout:
        machine.terminate()
        boot.watch.finish()
        return boot
      case .ended(let status):
        boot.watch.finish()
        boot.end = .machine(status: status)
        return boot
      }
    }
  }

  // MARK: - What came of it

  /// What is wrong with a boot; nil where nothing is.
  private func problem(of boot: Boot, _ test: BootTest, _ command: QEMUCommand) throws(Failure) -> String? {
    if let violation = boot.watch.violation { return violation }
    if !boot.reader.backtrace.isEmpty || test.panics != nil {
      let frames = Backtrace(addresses: boot.reader.backtrace).described(by: build)
      guard let expected = test.panics else {
        return "the hypervisor panicked:\n" + frames.joined(separator: "\n")
      }
      return Self.panicProblem(frames, expected) ?? boot.watch.missing
    }
    if let problem = endProblem(of: boot, test) {
      let last = boot.watch.allLines.suffix(5).joined(separator: "\n")
      return ([problem] + boot.messages).joined(separator: "\n") + "\nThe last lines were:\n\(last)"
    }
    if let missing = boot.watch.missing { return missing }
    for (vm, reason) in (test.ends ?? [:]).sorted(by: { $0.key < $1.key }) {
      let end = boot.reader.verdict?.ends.first { $0.name == vm }
      if end?.reason.contains(reason) != true {
        return "VM \(vm) ended with `\(end?.reason ?? "nothing")`, not with `\(reason)`"
      }
    }
    return try warningsProblem(of: boot, test, command)
  }

  /// Whether frames that hold these texts come in this order.
  static func panicProblem(_ frames: [String], _ expected: [String]) -> String? {
    var rest = frames[...]
    for text in expected {
      guard let index = rest.firstIndex(where: { $0.contains(text) }) else {
        return "no frame of the panic's backtrace held `\(text)`:\n" + frames.joined(separator: "\n")
      }
      rest = rest[(index + 1)...]
    }
    return nil
  }

  private func endProblem(of boot: Boot, _ test: BootTest) -> String? {
    if test.native != nil {
      return boot.end == .machine(status: 0) ? nil : "the machine did not go off: \(boot.end)"
    }
    let expected = test.verdict ?? .ok
    switch (expected, boot.reader.verdict) {
    case (.none, nil):
      return boot.end == .user ? nil : boot.watch.missing ?? "the machine went off"
    case (.none, _?):
      return "the hypervisor gave a verdict, and none was to come"
    case (_, nil):
      return boot.end == .timeLimit
        ? "\(test.timeLimit.components.seconds) s were over without a verdict" : "the hypervisor gave no verdict"
    case (_, let verdict?):
      guard verdict.isOK == (expected == .ok) else {
        let ends = verdict.ends.map { "VM \($0.name): \($0.reason)" }.joined(separator: "\n")
        return "the verdict is \(verdict.isOK ? "ok" : "failed"), not \(expected.rawValue)\n\(ends)"
      }
      return nil
    }
  }

  /// Compares the warnings of each VM's kernel with those of the same kernel on the bare machine.
  private func warningsProblem(of boot: Boot, _ test: BootTest, _ command: QEMUCommand) throws(Failure) -> String? {
    guard let kit = test.warningsLikeNative else { return nil }
    let native = try warningsOfNativeBoot(kit: kit, cpuModel: command.cpuModel)
    let vms = (test.lines ?? []).compactMap(\.vm)
    for prefix in vms.isEmpty ? [""] : vms.map(ConsoleWatch.prefix(ofVM:)) {
      guard let own = KernelWarnings.found(in: boot.watch.allLines, prefix: prefix) else {
        return "\(prefix)printed no list of its warnings"
      }
      let unknown = KernelWarnings.unknown(of: own, to: native)
      if !unknown.isEmpty {
        return "\(prefix)has warnings that a native boot does not have:\n" + unknown.joined(separator: "\n")
      }
    }
    return nil
  }

  private func warningsOfNativeBoot(kit: String, cpuModel: String) throws(Failure) -> [String] {
    let key = "\(kit)-\(cpuModel)"
    if let known = nativeWarnings[key] { return known }
    let command = try nativeCommand(
      kit: kit, cpuModel: cpuModel, cpus: 2, memory: nil, append: "apus.test=warnings")
    let test = BootTest(
      name: "native \(key)", native: kit, lines: [.init(vm: nil, expect: ["apus-guest: warnings ok"])])
    let log = repository.build.appending(path: "\(boots)/\(test.folderName).log")
    let boot = try boot(test, command, token: Verdict.makeToken(), log: log)
    guard let warnings = KernelWarnings.found(in: boot.watch.allLines) else {
      throw Failure(.failed, "the native boot to compare with printed no list of its warnings: see \(log.path)")
    }
    nativeWarnings[key] = warnings
    return warnings
  }
}
