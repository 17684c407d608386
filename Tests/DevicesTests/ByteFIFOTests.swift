import Testing
import TestSupport

@testable import Devices

@Suite("FIFO of sixteen bytes")
struct ByteFIFOTests {
  @Test func bytesComeOutInOrderAcrossBothWords() {
    var fifo = ByteFIFO()
    let isTaken = (UInt8(0xef)...0xff).map { fifo.push($0) }
    let out = (0...16).map { _ in fifo.popFirst() }
    #expect(isTaken == Array(repeating: true, count: 16) + [false])
    #expect(out == (UInt8(0xef)...0xfe).map { $0 } + [nil])
  }

  @Test func behavesAsAnArrayOfAtMostSixteen() {
    var generator = SeededGenerator(seed: 16)
    var fifo = ByteFIFO()
    var model: [UInt8] = []
    for _ in 0..<20_000 {
      let byte = UInt8.random(in: 0...255, using: &generator)
      if Bool.random(using: &generator) {
        let isTaken = fifo.push(byte)
        #expect(isTaken == (model.count < 16))
        if model.count < 16 { model.append(byte) }
      } else {
        let popped = fifo.popFirst()
        #expect(popped == (model.isEmpty ? nil : model.removeFirst()))
      }
      #expect(fifo.count == model.count && fifo.first == model.first)
    }
  }
}
