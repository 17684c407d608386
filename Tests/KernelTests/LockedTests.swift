import Foundation
import Kernel
import Testing

private let counterInGlobal = Locked(Counter(value: 40))

private struct Counter: ~Copyable {
  var value: Int
  var onDeinit: Witness?
  deinit { onDeinit?.count += 1 }
}

private final class Witness: @unchecked Sendable { var count = 0 }

private enum Refused: Error { case always }

private struct Owner: ~Copyable {
  let name: Int
  let counter: Locked<Counter>
}

@Suite struct LockedTests {
  @Test func aGlobalKeepsItsValueBetweenAccesses() {
    counterInGlobal.withLock { $0.value += 1 }
    counterInGlobal.withLock { $0.value += 1 }
    #expect(counterInGlobal.withLock { $0.value } == 42)
  }

  @Test func aFieldOfAStructCanBeChangedThroughALet() {
    let owner = Owner(name: 1, counter: Locked(Counter(value: 1)))
    owner.counter.withLock { $0.value = 7 }
    #expect(owner.counter.withLock { $0.value } == 7)
  }

  @Test func theLockIsFreeAfterAnError() {
    let counter = Locked(Counter(value: 1))
    #expect(throws: Refused.always) {
      try counter.withLock { (_: inout Counter) throws(Refused) in throw Refused.always }
    }
    #expect(counter.withLock { $0.value } == 1)
  }

  @Test func theValueIsDestroyedOnceWithItsOwner() {
    let witness = Witness()
    do {
      let counter = Locked(Counter(value: 1, onDeinit: witness))
      counter.withLock { $0.value += 1 }
      #expect(witness.count == 0)
    }
    #expect(witness.count == 1)
  }

  @Test func noIncrementOfFourThreadsIsLost() {
    let counter = Locked(0)
    DispatchQueue.concurrentPerform(iterations: 4) { _ in
      for _ in 0..<20_000 { counter.withLock { $0 += 1 } }
    }
    #expect(counter.withLock { $0 } == 80_000)
  }

  @Test func tryAcquireFailsWhileHeldAndSucceedsAfterwards() {
    let lock = SpinLock()
    lock.acquire()
    let whileHeld = lock.tryAcquire()
    lock.release()
    let afterwards = lock.tryAcquire()
    #expect(!whileHeld)
    #expect(afterwards)
  }
}
