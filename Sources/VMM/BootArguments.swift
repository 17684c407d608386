import DeviceTree
import Kernel

/// What the user's side has written into `/chosen/bootargs` for the hypervisor.
///
/// - `apus.token=TEXT`: repeated in the verdict line, so that no guest can forge it.
/// - `apus.focus=N`: the VM that has the console at first, counted from 1.
public struct BootArguments {
  public private(set) var token: LogText = "none"
  public private(set) var focus: Int?

  public init(_ text: DeviceTreeBytes?) {
    guard let text else { return }
    var start = 0
    while start < text.count {
      var end = start
      while end < text.count, text[end] != 0x20 { end += 1 }
      if let word = text.slice(start..<end) { read(word) }
      start = end + 1
    }
  }

  private mutating func read(_ word: DeviceTreeBytes) {
    if let value = Self.value(of: "apus.token=", in: word) {
      token = LogText()
      for byte in value.prefix(64) where byte > 0x20 && byte < 0x7f { token.append(byte: byte) }
    } else if let value = Self.value(of: "apus.focus=", in: word), value.count == 1, (0x31...0x39).contains(value[0]) {
      focus = Int(value[0]) - 0x31
    }
  }

  private static func value(of key: StaticString, in word: DeviceTreeBytes) -> DeviceTreeBytes? {
    guard word.starts(with: key) else { return nil }
    return word.slice(key.utf8CodeUnitCount..<word.count)
  }
}
