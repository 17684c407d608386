/// A register of the PLIC, by its offset (RISC-V PLIC 1.0.0, "Memory Map").
enum PLICRegister: Equatable {
  case priority(source: Int)
  /// 32 sources from 32·`word` on.
  case pending(word: Int)
  case enable(context: Int, word: Int)
  case threshold(context: Int)
  /// Claims when read, completes when written.
  case claim(context: Int)

  /// Nil for what is no register of this PLIC: a place between, a source or a context that it lacks.
  @inline(__always) init?(_ offset: UInt64, contextCount: Int) {
    guard offset & 3 == 0, offset < VirtualPLIC.byteCount else { return nil }
    let offset = Int(truncatingIfNeeded: offset)
    if offset >= Place.contexts {
      let context = (offset &- Place.contexts) &>> 12
      guard context < contextCount else { return nil }
      switch offset & 0xfff {
      case 0: self = .threshold(context: context)
      case 4: self = .claim(context: context)
      default: return nil
      }
    } else if offset >= Place.enables {
      let context = (offset &- Place.enables) &>> 7
      let word = (offset & 0x7f) &>> 2
      guard context < contextCount, word &* 32 < VirtualPLIC.sourceLimit else { return nil }
      self = .enable(context: context, word: word)
    } else if offset >= Place.pending {
      let word = (offset &- Place.pending) &>> 2
      guard word &* 32 < VirtualPLIC.sourceLimit else { return nil }
      self = .pending(word: word)
    } else {
      let source = offset &>> 2
      guard source > 0, source < VirtualPLIC.sourceLimit else { return nil }
      self = .priority(source: source)
    }
  }

  private enum Place {
    static let pending = 0x1000
    static let enables = 0x2000  // 128 bytes for each context
    static let contexts = 0x20_0000  // 4 KiB for each
  }
}
