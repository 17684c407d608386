import Foundation
import Testing

@testable import apus

struct BenchmarkTests {
  private let repository = Repository(
    root: URL(filePath: #filePath).appending(path: "../../..", directoryHint: .isDirectory).standardizedFileURL)

  private func figures(qemu: String = "7.2.22", _ rows: [(String, Double)]) -> BenchmarkFigures {
    BenchmarkFigures(qemu: qemu, arch: "aarch64", rows: rows.map { .init(id: $0.0, native: 3, apus: $0.1) })
  }

  // MARK: The guest's lines

  @Test func guestsLinesGiveFiguresByName() {
    let lines = [
      "[bench] guest: bench hvc_null 246", "guest: bench ipi 990 remainder 250 of 1000",
      "guest: bench ok CPU 1 comes up",
      "guest: done bench ok, checks 1, failed 0",
    ]
    #expect(GuestFigures.found(in: lines) == ["hvc_null": 246, "ipi": 990.25])
  }

  @Test func guestThatDidNotEndWellGivesNoFigures() {
    #expect(GuestFigures.found(in: ["guest: bench hvc_null 246"]) == nil)
    #expect(GuestFigures.found(in: ["guest: bench ram_load 3", "guest: done bench failed, checks 1, failed 1"]) == nil)
  }

  // MARK: The plugin's lines

  private let counts = """
    first 0 total 1000 hypervisor 900 hvc 0 memory 0 interrupt 0
    mark 0 total 5000 hypervisor 1500 hvc 2 memory 3 interrupt 1
    mark 1 total 6000 hypervisor 1600 hvc 2 memory 3 interrupt 2
    mark 2 total 7000 hypervisor 1600 hvc 2 memory 3 interrupt 2
    mark 3 total 7500 hypervisor 1600 hvc 2 memory 3 interrupt 2
    mark 4 total 9000 hypervisor 1900 hvc 2 memory 4 interrupt 5

    """

  @Test func pluginsLinesGiveWhatWasCountedAtEachEvent() {
    let found = CountingPlugin.counts(in: counts + "nonsense\n")
    #expect(found.count == 6)
    #expect(found.first?.event == .firstInstruction)
    #expect(found.last?.event == .marker(4))
    #expect(found.last?.exitCount == 11)
  }

  @Test func linuxBootIsCountedFromTheGuestsFirstInstruction() throws {
    let figures = try #require(LinuxFigures.found(in: CountingPlugin.counts(in: counts)))
    #expect(figures["boot_total"] == 4000)
    #expect(figures["boot_instructions"] == 600)
    #expect(figures["boot_exits"] == 6)
    #expect(figures["fork_total"] == 1000)
    #expect(figures["work_instructions"] == 400)
    #expect(figures["sleep_exits"] == 4)
    #expect(LinuxFigures.exits(in: figures, boot: "linux").map(\.kinds["memory"]) == [3, 1])
  }

  @Test func nativeLinuxBootIsCountedFromReset() throws {
    let native = counts.split(separator: "\n").dropFirst().joined(separator: "\n")
    #expect(LinuxFigures.found(in: CountingPlugin.counts(in: native))?["boot_total"] == 5000)
  }

  @Test func linuxThatDidNotReachItsEndGivesNoFigures() {
    let cut = counts.split(separator: "\n").dropLast().joined(separator: "\n")
    #expect(LinuxFigures.found(in: CountingPlugin.counts(in: cut)) == nil)
  }

  // MARK: Comparison

  @Test func rowThatCostsOverTwoPercentMoreIsARegression() throws {
    let stored = figures([("a", 100), ("b", 100), ("c", 100)])
    let comparison = try BenchmarkComparison(figures([("a", 102), ("b", 103), ("c", 97)]), with: stored)
    #expect(comparison.regressions == [.init(id: "b", stored: 100, measured: 103)])
    #expect(comparison.improvements == [.init(id: "c", stored: 100, measured: 97)])
  }

  @Test func rowThatIsNotStoredYetIsNoRegression() throws {
    let comparison = try BenchmarkComparison(figures([("new", 5)]), with: figures([]))
    #expect(comparison.regressions.isEmpty)
  }

  @Test func figuresOfTwoVersionsOfQEMUAreNotCompared() {
    #expect(throws: Failure.self) {
      try BenchmarkComparison(figures([("a", 1)]), with: figures(qemu: "10.0.2", [("a", 1)]))
    }
  }

  @Test func storingSomeRowsKeepsTheOthersInTheirOrder() {
    let merged = figures([("b", 5)]).merged(over: figures([("a", 1), ("b", 2)]), order: ["a", "b", "c"])
    #expect(merged.rows.map(\.apus) == [1, 5])
    #expect(figures([("b", 5)]).merged(over: figures(qemu: "8", [("a", 1)]), order: ["a", "b"]).rows.count == 1)
  }

  // MARK: Texts

  @Test func jsonHoldsQEMUArchitectureAndRows() throws {
    let json = BenchmarkFigures(
      qemu: "7.2.22", arch: "aarch64", rows: [.init(id: "image_bytes", apus: 281_000), .init(id: "x", native: 2.5)]
    ).json
    #expect(
      json == """
        {
          "qemu": "7.2.22",
          "arch": "aarch64",
          "rows": [
            {"id": "image_bytes", "apus": 281000},
            {"id": "x", "native": 2.5}
          ]
        }

        """)
    #expect(try JSONDecoder().decode(BenchmarkFigures.self, from: Data(json.utf8)).rows.count == 2)
  }

  @Test func numbersAreGroupedByThousands() {
    #expect(BenchmarkTable.number(3) == "3")
    #expect(BenchmarkTable.number(374_991) == "374 991")
    #expect(BenchmarkTable.number(22_600_000) == "22 600 000")
    #expect(BenchmarkTable.number(311.25) == "311.3")
  }

  @Test func tableTellsRowsAboveTheirTarget() throws {
    let definition = try BenchmarkRows.load(.aarch64, from: repository)
    let table = BenchmarkTable(definition: definition, figures: figures([("hvc_null", 131), ("sgi_none", 180)]))
    #expect(table.misses == ["hvc_null: 131, target 130"])
    #expect(table.text.contains("No figure is a time."))
    #expect(table.rows.first?.cells.prefix(4) == ["3", "131", "130", "197"])
  }

  @Test func rowThatMustBeLikeAnotherMayCostFivePercentMore() throws {
    let definition = try BenchmarkRows.load(.aarch64, from: repository)
    let measured = figures([("hvc_null", 100), ("hvc_null_4_vms", 105), ("hvc_null_16_vms", 106)])
    let table = BenchmarkTable(definition: definition, figures: measured)
    #expect(table.misses == ["hvc_null_16_vms: 106, target 105"])
  }

  // MARK: The data

  @Test func everyRowOfTheDefinitionIsStoredAndTheOtherWayRound() throws {
    let definition = try BenchmarkRows.load(.aarch64, from: repository)
    let stored = try BenchmarkFigures.load(.aarch64, from: repository)
    #expect(stored.rows.map(\.id) == definition.rows.map(\.id))
    #expect(stored.commit != nil)
  }

  @Test func everyFigureOfAPeerIsOfAPeerThatIsNamed() throws {
    let definition = try BenchmarkRows.load(.aarch64, from: repository)
    let names = Set(definition.peers.map(\.id))
    for row in definition.rows {
      #expect(row.like.map { like in definition.rows.contains { $0.id == like } } ?? true)
      #expect(names.isSuperset(of: (row.peers ?? [:]).keys))
    }
    #expect(Set(definition.rows.map(\.id)).count == definition.rows.count)
  }

  @Test func unknownRowIsAMistake() throws {
    let definition = try BenchmarkRows.load(.aarch64, from: repository)
    #expect(throws: Failure.self) { try definition.selected(["hvc_nul"]) }
    #expect(try definition.selected(["ipi"]).map(\.id) == ["ipi"])
  }

  @Test func pictureIsThatOfTheStoredFigures() throws {
    let picture = BenchmarkPicture(
      definition: try BenchmarkRows.load(.aarch64, from: repository),
      figures: try BenchmarkFigures.load(.aarch64, from: repository))
    let stored = try String(contentsOf: BenchmarkPicture.file(.aarch64, in: repository), encoding: .utf8)
    #expect(stored == picture.svg, "./apus bench --picture Benchmarks/aarch64.svg draws it anew")
    #expect(stored.contains(">hvc_null</text>"))
  }

  // MARK: Boots

  @Test func measuredVMHasEachCPUForItself() {
    let vm = BenchmarkVM(kernel: URL(filePath: "/k"), commandLine: "case=bench", cpus: 2)
    #expect(vm.text.contains("affinity = [[0], [1]]"))
    #expect(vm.text.contains("exclusive-cpus = true\nidle = \"native\""))
  }

  @Test func vmWithManyDevicesNamesEachClock() {
    var vm = BenchmarkVM(kernel: URL(filePath: "/k"), commandLine: "case=bench", idle: .trapped)
    vm.clocks = [(0x901_0000, 2), (0x901_1000, 3)]
    #expect(vm.text.contains("exclusive-cpus = false"))
    #expect(vm.text.hasSuffix("kind = \"clock\"\naddress = 151064576\ninterrupt = 3\n"))
  }

  @Test func xensDomainIsTheGuestWithASerialPortOfItsOwn() {
    let text = XenPeer.domain(guestByteCount: 4096, cpus: 1)
    #expect(text.contains("reg = <0 0x50000000 0 4096>;"))
    #expect(text.contains("vpl011;"))
    #expect(text.contains("cpus = <1>;"))
  }

  @Test func peersFigureOfTodayStaysWhereItIsNotMeasuredAgain() {
    var older = figures([("a", 1)])
    older.rows[0].xen = 7
    #expect(figures([("a", 2)]).merged(over: older, order: ["a"]).rows == [.init(id: "a", native: 3, apus: 2, xen: 7)])
  }

  @Test func measuredMachineCountsInstructionsAndKnowsNoHostTime() {
    let machine = BenchmarkMachine(architecture: .aarch64)
    let text = machine.hypervisor("/i", bundle: "/b", cpus: 1).shellText
    #expect(text.contains("-cpu cortex-a57,cntfrq=1000000000"))
    #expect(text.contains("-icount shift=0,sleep=off -rtc base=2020-01-01,clock=vm -seed 1"))
    #expect(text.contains("virtualization=on"))
    #expect(
      !machine.native(.kernel("/g", initrd: nil, bootArguments: ""), cpus: 1).shellText.contains("virtualization"))
  }
}
