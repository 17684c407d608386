import Testing

@testable import apus

struct ConsoleKeysTests {
  @Test func controlCGoesToTheMachine() {
    var keys = ConsoleKeys()
    let (forwarded, isEnd) = keys.take([0x03, 0x71])
    #expect(forwarded == [0x03, 0x71])
    #expect(!isEnd)
  }

  @Test func controlXThenQEnds() {
    var keys = ConsoleKeys()
    #expect(keys.take([0x61, 0x18]).forwarded == [0x61])
    let (forwarded, isEnd) = keys.take([0x71, 0x62])
    #expect(forwarded == [])
    #expect(isEnd)
  }

  @Test func controlXWithAnythingElseIsTheHypervisors() {
    var keys = ConsoleKeys()
    #expect(keys.take([0x18, 0x32, 0x18, 0x18, 0x71]).forwarded == [0x18, 0x32, 0x18, 0x18, 0x71])
  }
}
