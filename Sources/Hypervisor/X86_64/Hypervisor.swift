import X86_64

/// The image: the parts composed for one architecture.
@main
struct Hypervisor {
  static func main() { Boot.main() }
}
