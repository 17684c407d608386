import AArch64

@main
struct Hypervisor {
  static func main() {}
}
