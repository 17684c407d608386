import Synchronization

/// The case `hypercalls`: Apus's own calls, as `Documentation/Hypercalls.md` describes them.
public func runHypercalls(on machine: any GuestMachine, options: Options, verdict: inout Verdict) {
  guard let uid = machine.call(.uid, 0, 0), uid.words.0 & 0xFFFF_FFFF != 0xFFFF_FFFF else {
    verdict.check(false, "a hypervisor that says who it is")
    return
  }
  // 6a6f2b1e-6d0e-4f37-9c52-a8b1c4d7e3f0, the first byte in the lowest of the first word.
  let isApus = uid.words == (0x1e2b_6f6a, 0x374f_0e6d, 0xb1a8_529c, 0xf0e3_d7c4)
  verdict.check(isApus) { line in
    line.text("UID ")
    for word in [uid.words.0, uid.words.1, uid.words.2, uid.words.3] {
      line.hex(word)
      line.text(" ")
    }
  }
  verdict.checkStatus("version", machine.call(.version, 0, 0), isAllowed: { $0 >> 16 == 1 })
  verdict.checkStatus("features", machine.call(.features, 0, 0), isAllowed: { $0 & 7 == 7 })
  verdict.checkStatus("yield", machine.call(.yield, 0, 0), isAllowed: { $0 == 0 })
  verdict.checkStatus("a number that nobody has", machine.call(.unknown, 0, 0), isAllowed: { $0 == -1 })
  checkLog(machine, &verdict)
  if let code = options.number("stop") {
    verdict.conclude()
    _ = machine.call(.stop, code, 0)
    verdict.check(false, "still here after a stop")
  }
}

/// Writes to the VM's log: a line, nothing, too much, and from where no memory is.
private func checkLog(_ machine: any GuestMachine, _ verdict: inout Verdict) {
  var text: [UInt8] = []
  for character in 0..<32 as Range<UInt8> { text.append(0x41 + character % 26) }
  text += [0x0A]
  // SAFETY: only the address is taken; the array lives to the end of this function.
  let address = unsafe text.withUnsafeBufferPointer { bytes in
    machine.physicalAddress(ofVirtual: UInt(bitPattern: bytes.baseAddress))
  }
  let byteCount = UInt64(text.count)
  verdict.checkStatus("write", machine.call(.write, address, byteCount), isAllowed: { $0 == 0 })
  verdict.checkStatus("write of nothing", machine.call(.write, address, 0), isAllowed: { $0 == -2 })
  verdict.checkStatus("write of too much", machine.call(.write, address, ~0), isAllowed: { $0 == -2 })
  verdict.checkStatus("write of 201 bytes", machine.call(.write, address, 201), isAllowed: { $0 == -2 })
  verdict.checkStatus("write from nowhere", machine.call(.write, 0x1F_FFFF_F000, 16), isAllowed: { $0 == -9 })
  verdict.checkStatus("write across the last address", machine.call(.write, ~7, 16), isAllowed: { $0 == -9 })
  verdict.check(text.count == 33, "the text is still there")
}

extension Verdict {
  fileprivate mutating func checkStatus(
    _ name: StaticString, _ answer: HypercallAnswer?, isAllowed: (Int64) -> Bool
  ) {
    check(answer.map { isAllowed($0.status) } ?? false) { line in
      line.text(name)
      line.text(": ")
      if let answer { line.decimal(Int(answer.status)) } else { line.text("undefined") }
    }
  }
}
