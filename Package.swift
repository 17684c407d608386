// swift-tools-version: 6.2
import PackageDescription

/// Without `APUS_ARCH` the package is the host side: the command line and every test. With it, the package is
/// what runs on the bare machine of that architecture, and has no dependencies.
let architecture = Context.environment["APUS_ARCH"]

// MARK: - Flags

let checked: [SwiftSetting] = [
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableExperimentalFeature("Lifetimes"),
  .enableExperimentalFeature("SuppressedAssociatedTypes"),
  // The storage of a lock (Kernel/Locked.swift).
  .enableExperimentalFeature("RawLayout"),
  .enableExperimentalFeature("BuiltinModule"),
]

let bareC =
  ["-ffreestanding", "-fno-builtin", "-fno-stack-protector", "-ffunction-sections"]
  + ([
    "aarch64": ["-mgeneral-regs-only"],
    "riscv64": ["-mcmodel=medany", "-fno-omit-frame-pointer"],
    "x86_64": ["-mno-red-zone", "-mno-sse", "-mno-mmx"],
  ][architecture ?? ""] ?? [])

let bareSwift: [SwiftSetting] = [
  .enableExperimentalFeature("Embedded"),
  .treatWarning("EmbeddedRestrictions", as: .error),
  .unsafeFlags(
    ["-wmo", "-assert-config", "Debug", "-Xfrontend", "-function-sections", "-Xfrontend", "-disable-stack-protector"]
      + bareC.flatMap { ["-Xcc", $0] }),
]

let swiftSettings = architecture == nil ? checked : checked + bareSwift
let cSettings: [CSetting] = architecture == nil ? [] : [.unsafeFlags(bareC)]

func linked(by script: String) -> [LinkerSetting] {
  [
    .unsafeFlags(
      ["-use-ld=lld", "-Xclang-linker", "-nostdlib", "-Xlinker", "-T", "-Xlinker", script, "-Xlinker", "-static"]
        + (architecture == "x86_64" ? ["-Xlinker", "-no-pie", "-Xlinker", "-z", "-Xlinker", "norelro"] : []))
  ]
}

// MARK: - Parts

func part(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

let neutral: [Target] = [
  part("DeviceTree"),
  part("Manifest", ["DeviceTree", "Virtualization"]),
  part("Kernel"),
  part("Virtualization", ["Kernel"]),
  part("Devices", ["Virtualization"]),
  part("VMM", ["Kernel", "Virtualization", "Devices", "Manifest", "DeviceTree"]),
]

let forArchitecture: [(name: String, targets: [Target])] = [
  (
    "aarch64",
    [
      .target(name: "CAArch64", exclude: ["Hypervisor.ld"], cSettings: cSettings),
      part("AArch64", ["CAArch64", "VMM"]),
    ]
  ),
  (
    "riscv64",
    [
      .target(name: "CRISCV64", exclude: ["Hypervisor.ld"], cSettings: cSettings),
      part("RISCV64", ["CRISCV64", "VMM"]),
    ]
  ),
  (
    "x86_64",
    [
      .target(name: "CX86_64", exclude: ["Hypervisor.ld"], cSettings: cSettings),
      part("X86_64", ["CX86_64", "VMM"]),
    ]
  ),
]

// MARK: - The bare machine

/// What our own small guests have in common; built for the host only to be tested.
func guestKit() -> Target { .target(name: "GuestKit", path: "Guests/GuestKit", swiftSettings: swiftSettings) }

/// The hypervisor, one image an architecture.
func hypervisor(module: String) -> Target {
  .executableTarget(
    name: "Hypervisor", dependencies: [.target(name: module), .target(name: "C\(module)")],
    path: "Sources/Hypervisor/\(module)",
    swiftSettings: swiftSettings, linkerSettings: linked(by: "Sources/C\(module)/Hypervisor.ld"))
}

/// The only program of the Linux guests that are measured. It has system calls by the numbers that newer architectures share.
func workload() -> [Target] {
  [
    // A Linux program without a library: a trap has no text there.
    .target(name: "CWorkload", path: "Guests/CWorkload", cSettings: cSettings),
    .executableTarget(
      name: "Workload", dependencies: ["CWorkload"], path: "Guests/Workload",
      swiftSettings: swiftSettings + [.unsafeFlags(["-assert-config", "Release"])],
      linkerSettings: [
        .unsafeFlags(["-use-ld=lld", "-Xclang-linker", "-nostdlib", "-Xlinker", "-static"])
      ]),
  ]
}

/// Our own small guest, one image an architecture.
func testGuest(module: String) -> [Target] {
  [
    guestKit(),
    .target(
      name: "CGuest\(module)", path: "Guests/CGuest\(module)", exclude: ["Guest.ld"], cSettings: cSettings),
    .executableTarget(
      name: "TestGuest", dependencies: ["GuestKit", "DeviceTree", .target(name: "CGuest\(module)")],
      path: "Guests/TestGuest/\(module)",
      swiftSettings: swiftSettings, linkerSettings: linked(by: "Guests/CGuest\(module)/Guest.ld")),
  ] + (architecture == "x86_64" ? [] : workload())
}

let package: Package
if let architecture, let part = forArchitecture.first(where: { $0.name == architecture }) {
  let module = part.targets.last.map(\.name) ?? ""
  package = Package(
    name: "apus",
    targets: neutral + part.targets + [hypervisor(module: module)] + testGuest(module: module))
} else {
  func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
      name: name + "Tests", dependencies: dependencies, exclude: exclude,
      swiftSettings: [.treatAllWarnings(as: .error)])
  }
  package = Package(
    name: "apus",
    dependencies: [
      .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
      .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    ],
    targets: neutral + forArchitecture.flatMap(\.targets) + [
      .target(
        name: "ImageTool", dependencies: ["Manifest", "DeviceTree", "Virtualization"],
        swiftSettings: [.treatAllWarnings(as: .error)]),
      .executableTarget(
        name: "apus",
        dependencies: [
          "ImageTool", "TOMLKit", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        swiftSettings: [.treatAllWarnings(as: .error)]),
      guestKit(),
      tests("Guest", ["GuestKit"]),
      tests("DeviceTree", ["DeviceTree", "TestSupport"], exclude: ["Fixtures"]),
      tests("Manifest", ["Manifest", "DeviceTree", "Virtualization", "TestSupport"]),
      .target(
        name: "TestSupport", dependencies: ["Kernel"], path: "Tests/TestSupport",
        swiftSettings: [.treatAllWarnings(as: .error)]),
      .target(
        name: "Simulation", dependencies: ["VMM", "TestSupport"], path: "Tests/Simulation",
        swiftSettings: [.treatAllWarnings(as: .error)]),
      tests("Kernel", ["Kernel", "Simulation", "TestSupport"]),
      tests("VMM", ["VMM", "Virtualization", "Manifest", "Kernel", "Simulation"]),
      tests("Virtualization", ["Virtualization", "Kernel", "TestSupport"]),
      tests("Devices", ["Devices", "Virtualization", "TestSupport"]),
      tests("AArch64", ["AArch64", "TestSupport"]),
      tests("X86_64", ["X86_64", "CX86_64", "TestSupport"]),
      tests("RISCV64", ["RISCV64", "TestSupport"], exclude: ["Fixtures"]),
      tests(
        "ImageTool", ["ImageTool", "Manifest", "DeviceTree", "Virtualization", "TOMLKit", "TestSupport"],
        exclude: ["Broken"]),
      tests("Apus", ["apus", "Manifest"]),
    ])
}
