import Testing

@testable import GuestKit

struct LineTests {
  private func bytes(_ build: (inout Line) -> Void) -> [UInt8] {
    var line = Line()
    build(&line)
    var result: [UInt8] = []
    line.forEach { result.append($0) }
    return result
  }

  @Test(
    arguments: [
      (0, "0"), (9, "9"), (10, "10"), (18_446_744_073_709_551_615, "18446744073709551615"),
    ] as [(UInt64, String)])
  func decimalNumbersHaveNoLeadingZeroes(value: UInt64, expected: String) {
    #expect(bytes { $0.decimal(value) } == Array(expected.utf8))
  }

  @Test func negativeNumbersHaveASign() {
    #expect(bytes { $0.decimal(Int.min) } == Array("-9223372036854775808".utf8))
  }

  @Test(arguments: [(0, "0x0"), (0x10, "0x10"), (.max, "0xffffffffffffffff")] as [(UInt64, String)])
  func hexadecimalNumbersHaveNoLeadingZeroes(value: UInt64, expected: String) {
    #expect(bytes { $0.hex(value) } == Array(expected.utf8))
  }

  @Test func unprintableBytesBecomeQuestionMarks() {
    #expect(bytes { $0.text([0x41, 0x1B, 0x7F, 0x42][...]) } == Array("A??B".utf8))
  }

  @Test func aLineThatIsTooLongIsCut() {
    #expect(bytes { line in for _ in 0..<300 { line.byte(0x41) } }.count == 200)
  }
}
