import Foundation

/// A linked image as functions of instructions, read from what `llvm-objdump -d` and `llvm-nm` print.
struct Disassembly {
  struct Instruction: Equatable {
    let address: UInt64
    let mnemonic: String
    let operands: String
    /// Where a direct branch or call goes.
    let target: UInt64?
  }

  struct Function {
    let name: String
    let instructions: [Instruction]
    var address: UInt64 { instructions.first?.address ?? 0 }
  }

  /// By address.
  let functions: [Function]

  /// - Parameters:
  ///   - listing: `llvm-objdump -d --no-show-raw-insn`.
  ///   - symbols: `llvm-nm --special-syms`. Symbols of code alone count; where several name one address, the last one
  ///     stands. `$x`, where code begins (ELF for the Arm 64-bit architecture, 5.5.2), ends a function before it even
  ///     where the function that begins there has no name.
  init(listing: String, symbols: String) {
    var names: [UInt64: String] = [:]
    var beginnings: [UInt64] = []
    for line in symbols.split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 2)
      guard words.count == 3, "tTwW".contains(words[1]), let address = UInt64(words[0], radix: 16) else { continue }
      if words[2].hasPrefix("$x") { beginnings.append(address) }
      guard !words[2].hasPrefix("$x"), !words[2].hasPrefix("$d"), !words[2].hasPrefix(".L") else { continue }
      names[address] = String(words[2])
    }
    for address in beginnings where names[address] == nil { names[address] = "code at \(String(address, radix: 16))" }
    var functions: [Function] = []
    var name: String?
    var body: [Instruction] = []
    for line in listing.split(separator: "\n") {
      guard let instruction = Self.instruction(line) else { continue }
      if let next = names[instruction.address] {
        if let name { functions.append(Function(name: name, instructions: body)) }
        name = next
        body = []
      }
      body.append(instruction)
    }
    if let name { functions.append(Function(name: name, instructions: body)) }
    self.functions = functions
  }

  /// Reads a line such as `ff0000007bbc:  b.ne  0xff0000007c24 <f+0x68>`.
  static func instruction(_ line: Substring) -> Instruction? {
    guard let colon = line.firstIndex(of: ":"), let address = UInt64(line[..<colon].drop { $0 == " " }, radix: 16)
    else { return nil }
    let text = line[line.index(after: colon)...].replacing("\t", with: " ").drop { $0 == " " }
    guard let mnemonic = text.split(separator: " ", maxSplits: 1).first, !mnemonic.hasPrefix("<") else { return nil }
    let operands = text.dropFirst(mnemonic.count).drop { $0 == " " }
    let plain = operands.prefix { $0 != "<" }
    let last = plain.split(separator: ",").last?.trimmingPrefix(" ").split(separator: " ").first ?? ""
    let target = last.hasPrefix("0x") ? UInt64(last.dropFirst(2), radix: 16) : nil
    return Instruction(
      address: address, mnemonic: String(mnemonic), operands: String(plain).trimmingCharacters(in: .whitespaces),
      target: target)
  }

  /// The function whose first instruction is at `address`, or that contains it.
  func function(at address: UInt64) -> Function? {
    var low = 0
    var high = functions.count
    while low < high {
      let middle = (low + high) / 2
      if functions[middle].address <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0, let last = functions[low - 1].instructions.last, address <= last.address else { return nil }
    return functions[low - 1]
  }

  func function(named name: String) -> Function? { functions.first { $0.name == name } }
}
