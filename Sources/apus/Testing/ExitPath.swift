/// Everything that the exits of a linked image can reach, held against the rules.
struct ExitPath {
  private let image: Disassembly
  private let rules: ExitPathRules

  init(_ image: Disassembly, _ rules: ExitPathRules) {
    self.image = image
    self.rules = rules
  }

  // MARK: - What is there

  /// What breaks a rule, each with the way to it; empty for an image that keeps them all.
  func problems() -> [String] {
    var problems: [String] = []
    var callers: [UInt64: UInt64] = [:]
    var waiting: [UInt64] = []
    for root in rules.roots {
      guard let function = image.function(named: root) else {
        problems.append("the image has no \(root)")
        continue
      }
      callers[function.address] = function.address
      waiting.append(function.address)
    }
    while let address = waiting.popLast() {
      guard let function = image.function(at: address) else { continue }
      let way = way(to: address, callers)
      for instruction in function.instructions {
        if rules.instructions.isFloatingPoint(instruction) {
          problems.append("\(way) uses floating point: \(instruction.mnemonic) \(instruction.operands)")
        }
        if rules.instructions.indirectCall.contains(instruction.mnemonic), !isAny(of: rules.indirect, function.name) {
          problems.append("\(way) calls through a pointer at \(String(instruction.address, radix: 16))")
        }
        guard let callee = callee(of: instruction, in: function), !isAny(of: rules.cold, callee.name) else { continue }
        if rules.forbidden.contains(where: { callee.name.hasPrefix($0) }) {
          problems.append("\(way) calls \(callee.name)")
        } else if callers[callee.address] == nil {
          callers[callee.address] = address
          waiting.append(callee.address)
        }
      }
    }
    return problems
  }

  /// The function that an instruction calls or jumps to; nil for its own.
  private func callee(of instruction: Disassembly.Instruction, in function: Disassembly.Function) -> Disassembly
    .Function?
  {
    let kinds = rules.instructions
    guard let target = instruction.target,
      kinds.call.contains(instruction.mnemonic) || kinds.jump.contains(instruction.mnemonic)
        || kinds.conditionalBranch(instruction.mnemonic),
      let callee = image.function(at: target), callee.address != function.address
    else { return nil }
    return callee
  }

  private func way(to address: UInt64, _ callers: [UInt64: UInt64]) -> String {
    var names: [String] = []
    var place = address
    while let function = image.function(at: place) {
      names.insert(function.name, at: 0)
      guard let caller = callers[place], caller != place else { break }
      place = caller
    }
    return names.joined(separator: " → ")
  }

  private func isAny(of parts: [String], _ name: String) -> Bool { parts.contains { name.contains($0) } }

  // MARK: - What it costs

  /// The fewest instructions from the handler's first to its return, through each function of the row's way; nil where there
  /// is no such way. What the vectors add is the same for every row.
  func straightPath(of row: ExitPathRules.Row) -> Int? {
    guard let first = row.way.first, let function = image.functions.first(where: { $0.name.contains(first) }) else {
      return nil
    }
    var known: [UInt64: Int?] = [:]
    return cost(of: function, through: row.way.dropFirst(), &known)
  }

  private func cost(
    of function: Disassembly.Function, through way: ArraySlice<String>, _ known: inout [UInt64: Int?]
  ) -> Int? {
    // Two layers: before and after the call of the next function of the way.
    let count = function.instructions.count
    let base = function.address
    let goal = way.isEmpty ? 0 : 1
    var best = [Int](repeating: .max, count: count * 2)
    var queue: [(cost: Int, place: Int)] = [(0, 0)]
    best[0] = 0
    while let index = queue.indices.min(by: { queue[$0].cost < queue[$1].cost }) {
      let (spent, place) = queue.remove(at: index)
      guard spent == best[place] else { continue }
      let (layer, at) = (place / count, place % count)
      let instruction = function.instructions[at]
      func reach(_ next: Int, _ layer: Int, _ cost: Int) {
        guard next >= 0, next < count, cost < best[layer * count + next] else { return }
        best[layer * count + next] = cost
        queue.append((cost, layer * count + next))
      }
      let kinds = rules.instructions
      let after = spent + 1
      if kinds.end.contains(instruction.mnemonic) {
        if instruction.mnemonic != "brk", layer == goal { return after }
        continue
      }
      if let callee = callee(of: instruction, in: function) {
        let isCall = kinds.call.contains(instruction.mnemonic)
        if let next = way.first, layer == 0, callee.name.contains(next),
          let inside = cost(of: callee, through: way.dropFirst(), &known)
        {
          if isCall { reach(at + 1, 1, after + inside) } else { return after + inside }
        } else if !isAny(of: rules.cold, callee.name), let inside = cost(of: callee, &known) {
          if isCall { reach(at + 1, layer, after + inside) } else if layer == goal { return after + inside }
        }
        if kinds.conditionalBranch(instruction.mnemonic) { reach(at + 1, layer, after) }
        continue
      }
      if kinds.indirectJump.contains(instruction.mnemonic) {
        // A table's targets stand behind ends and jumps.
        for next in 1..<count where endsBlock(function.instructions[next - 1]) { reach(next, layer, after) }
        continue
      }
      if let target = instruction.target, let next = function.instructions.firstIndex(where: { $0.address == target }),
        target >= base
      {
        reach(next, layer, after)
        if kinds.jump.contains(instruction.mnemonic) { continue }
      }
      reach(at + 1, layer, after)
    }
    return nil
  }

  private func endsBlock(_ instruction: Disassembly.Instruction) -> Bool {
    rules.instructions.end.contains(instruction.mnemonic) || rules.instructions.jump.contains(instruction.mnemonic)
      || rules.instructions.indirectJump.contains(instruction.mnemonic)
  }

  private func cost(of function: Disassembly.Function, _ known: inout [UInt64: Int?]) -> Int? {
    if let cost = known[function.address] { return cost }
    known[function.address] = Int?.none  // recursion costs more than no recursion
    let cost = cost(of: function, through: [], &known)
    known[function.address] = cost
    return cost
  }
}
