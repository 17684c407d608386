import Testing
import Virtualization

@Suite struct TimeAccountTests {
  @Test func everyTickIsInExactlyOneSum() {
    var time = TimeAccount()
    time.begin(at: 1_000)
    time.endHypervisor(at: 1_010)
    time.endGuest(at: 1_110)
    time.endHypervisor(at: 1_130)
    time.end(.parked, at: 1_430)
    time.end(.waiting, at: 1_470)
    #expect(time.guest == 100)
    #expect(time.hypervisor == 30)
    #expect(time.parked == 300)
    #expect(time.waiting == 40)
  }

  @Test func anExitInPlaceIsTheHypervisorsAndNotTheGuests() {
    var time = TimeAccount()
    time.begin(at: 0)
    time.endHypervisor(at: 10)
    time.addExitInPlace(from: 50, to: 57)
    time.addExitInPlace(from: 80, to: 83)
    time.endGuest(at: 110)
    #expect(time.guest == 90)
    #expect(time.hypervisor == 20)
  }

  @Test func beginningAgainCountsNothingBetween() {
    var time = TimeAccount()
    time.begin(at: 0)
    time.endHypervisor(at: 5)
    time.begin(at: 1_000)
    time.endHypervisor(at: 1_001)
    #expect(time.hypervisor == 6)
  }
}
