import Foundation
import Manifest
import Testing

@testable import apus

struct BootTestTests {
  @Test func fileIsReadWithItsDefaults() throws {
    let test = try BootTest.parse(
      """
      name = "Two VMs"
      system = "../../Configs/demo.toml"
      append = "apus.selftest"
      [[lines]]
      vm = "linux1"
      expect = ["up"]
      [ends]
      linux1 = "shut down"
      """, file: "a.toml")
    #expect(test.lines == [.init(vm: "linux1", expect: ["up"])])
    #expect(test.ends == ["linux1": "shut down"])
    #expect(test.folderName == "two-vms")
    #expect(test.timeLimit == .seconds(300))
    #expect(test.forbidden == BootTest.linuxTrouble)
  }

  @Test func fileStandsForATestOfEachCPUCount() throws {
    let test = try BootTest.parse("name = \"a\"\nsystem = \"b\"\ncpus-each = [1, 3]\n", file: "a.toml")
    #expect(test.variants.map(\.name) == ["a, with 1 CPU", "a, with 3 CPUs"])
    #expect(test.variants.map(\.cpus) == [1, 3])
  }

  @Test func unknownKeyIsAMistake() {
    let failure = #expect(throws: Failure.self) {
      try BootTest.parse("name = \"a\"\nsystem = \"b\"\ntimeout = 3\n", file: "a.toml")
    }
    #expect(failure?.description == "a.toml: there is no key timeout")
  }

  @Test func testThatBootsNothingIsAMistake() {
    #expect(throws: Failure.self) { try BootTest.parse("name = \"a\"\n", file: "a.toml") }
  }

  @Test func guestThatMayFailMaySaySo() throws {
    let test = try BootTest.parse(
      "name = \"a\"\nsystem = \"b\"\nlinux-may-fail = true\nnever = [\"x\"]\n", file: "a.toml")
    #expect(test.forbidden == ["x"])
  }

  @Test func everyTestOfTheRepositoryIsReadAndHasItsOwnName() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Boot").standardizedFileURL
    let tests = try BootTest.all(in: folder)
    #expect(!tests.isEmpty)
    #expect(Set(tests.map(\.test.folderName)).count == tests.count)
    for architecture in Architecture.allCases {
      let kits = Set(tests.filter { $0.test.runs(on: architecture) }.flatMap { $0.test.kits })
      #expect(kits.isSubset(of: Set(GuestKit.all(architecture).map(\.name))))
    }
  }

  @Test func testRunsOnTheArchitecturesThatItNames() throws {
    let both = try BootTest.parse(
      "name = \"a\"\nsystem = \"b\"\narchitectures = [\"aarch64\", \"riscv64\"]\n", file: "a.toml")
    #expect(Architecture.allCases.filter(both.runs) == [.aarch64, .riscv64])
    let standard = try BootTest.parse("name = \"a\"\nsystem = \"b\"\n", file: "a.toml")
    #expect(Architecture.allCases.filter(standard.runs) == [.aarch64])
    let failure = #expect(throws: Failure.self) {
      try BootTest.parse("name = \"a\"\nsystem = \"b\"\narchitectures = [\"vax\"]\n", file: "a.toml")
    }
    #expect(failure?.description == "a.toml: there is no architecture vax")
  }

  @Test func framesOfAPanicMustComeInOrder() {
    let frames = ["#0 0x1  Boot.make  Boot.swift:1:2", "#1 0x2  Boot.main  Boot.swift:3:4"]
    #expect(BootRunner.panicProblem(frames, ["Boot.make", "Boot.main"]) == nil)
    #expect(BootRunner.panicProblem(frames, ["Boot.main", "Boot.make"])?.contains("`Boot.make`") == true)
    #expect(BootRunner.panicProblem([], ["Boot.main"]) != nil)
  }
}
