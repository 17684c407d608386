/// Looks for `Ctrl-X q` in what is typed. Everything else goes on to the hypervisor, which has its own uses for
/// Ctrl-X: a digit, `n` and `p` move the focus, `k` stops the VM in focus, a second Ctrl-X sends one to the guest.
struct ConsoleKeys {
  static let prefix: UInt8 = 0x18  // Ctrl-X

  private var sawPrefix = false

  /// What of `typed` goes to the machine, and whether the user ended it there.
  mutating func take(_ typed: [UInt8]) -> (forwarded: [UInt8], isEnd: Bool) {
    var forwarded: [UInt8] = []
    for byte in typed {
      if sawPrefix {
        sawPrefix = false
        if byte == UInt8(ascii: "q") { return (forwarded, true) }
        forwarded += [Self.prefix, byte]
      } else if byte == Self.prefix {
        sawPrefix = true
      } else {
        forwarded.append(byte)
      }
    }
    return (forwarded, false)
  }
}
