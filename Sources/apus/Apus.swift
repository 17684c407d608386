import ArgumentParser

@main
struct Apus: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apus", abstract: "A type-1 hypervisor for aarch64, riscv64 and x86_64.")
}
