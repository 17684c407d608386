import CWorkload

/// The first and only process of the Linux guests that are measured: a fixed piece of work, a marker after each part,
/// then power off. What it is for: `Documentation/Benchmarks.md`.
@main
struct Workload {
  static func main() {
    guard forkAndWait(times: 100) else { fail("fork") }
    workload_mark_1()
    guard touchPages(count: 1024, times: 4) else { fail("page faults") }
    workload_mark_2()
    guard exchangeBytes(times: 500) else { fail("pipe") }
    workload_mark_3()
    guard sleep(times: 100, nanoseconds: 1_000_000) else { fail("timer sleep") }
    workload_mark_4()
    Linux.print("workload: done\n")
    Linux.powerOff()
  }

  private static func fail(_ what: StaticString) -> Never {
    Linux.print("workload: failed: ")
    Linux.print(what)
    Linux.print("\n")
    Linux.powerOff()
  }

  /// A child that ends at once, waited for.
  private static func forkAndWait(times: Int) -> Bool {
    for _ in 0..<times {
      let child = Linux.fork()
      if child == 0 { Linux.exit() }
      guard child > 0, Linux.wait(for: child) else { return false }
    }
    return true
  }

  /// Fresh memory, every page of it touched, and given back.
  private static func touchPages(count: UInt64, times: Int) -> Bool {
    let pageByteCount: UInt64 = 4096
    for _ in 0..<times {
      guard let base = Linux.mapMemory(byteCount: count * pageByteCount) else { return false }
      for page in 0..<count {
        // SAFETY: inside the mapping that was just made.
        unsafe UnsafeMutablePointer<UInt8>(bitPattern: UInt(base + page * pageByteCount))?.pointee = 1
      }
      guard Linux.unmapMemory(base, byteCount: count * pageByteCount) else { return false }
    }
    return true
  }

  /// A byte to a child and back by two pipes: both wait for each other all the time.
  private static func exchangeBytes(times: Int) -> Bool {
    guard let forth = Linux.makePipe(), let back = Linux.makePipe() else { return false }
    let child = Linux.fork()
    if child == 0 {
      for _ in 0..<times where Linux.read(from: forth.output) { Linux.write(to: back.input) }
      Linux.exit()
    }
    for _ in 0..<times {
      Linux.write(to: forth.input)
      guard Linux.read(from: back.output) else { return false }
    }
    return Linux.wait(for: child)
  }

  private static func sleep(times: Int, nanoseconds: UInt64) -> Bool {
    for _ in 0..<times {
      guard Linux.sleep(nanoseconds: nanoseconds) else { return false }
    }
    return true
  }
}
