import Testing

import Virtualization

struct ProgressWatchTests {
  private let vector: UInt64 = 0xffff_8000_0001_0200
  private let place: UInt64 = 0xffff_8000_0002_0000

  /// The answers to the same fault, `count` times.
  private func answers(
    _ count: Int, of watch: inout ProgressWatch, at place: UInt64, returnAddress: UInt64, isUser: Bool = false
  ) -> [Bool] {
    var answers: [Bool] = []
    for _ in 0..<count {
      answers.append(watch.isStuck(programCounter: place, returnAddress: returnAddress, isUser: isUser))
    }
    return answers
  }

  @Test func aFaultInTheVectorItselfIsStuckAfterTheLimit() {
    var watch = ProgressWatch()
    // The first fault sends the vCPU to its vector; from then on ELR_EL1 holds the vector's own address.
    #expect(answers(1, of: &watch, at: place, returnAddress: 0) == [false])
    #expect(answers(1, of: &watch, at: vector, returnAddress: place) == [false])
    let repeated = answers(ProgressWatch.limit, of: &watch, at: vector, returnAddress: vector)
    #expect(repeated.firstIndex(of: true) == ProgressWatch.limit - 1)
  }

  @Test func aHandlerThatSkipsTheInstructionIsNeverStuck() {
    var watch = ProgressWatch()
    #expect(!answers(100_000, of: &watch, at: place, returnAddress: place + 4).contains(true))
  }

  @Test func aProcessThatRepeatsItsFaultIsNeverStuck() {
    var watch = ProgressWatch()
    #expect(!answers(100_000, of: &watch, at: place, returnAddress: place, isUser: true).contains(true))
  }

  @Test func aFaultElsewhereBeginsTheCountAgain() {
    var watch = ProgressWatch()
    _ = answers(ProgressWatch.limit, of: &watch, at: place, returnAddress: place)
    #expect(answers(1, of: &watch, at: vector, returnAddress: place) == [false])
    #expect(answers(ProgressWatch.limit - 1, of: &watch, at: place, returnAddress: place).contains(true) == false)
  }
}
