import Foundation

/// The text of a configuration file, kept for telling where in it something is.
public final class SourceFile: Sendable {
  /// As the user wrote it, for messages.
  public let path: String
  public let url: URL
  public let bytes: [UInt8]
  /// Where each line begins; the first one at 0.
  private let lineStarts: [Int]

  init(path: String, url: URL, bytes: [UInt8]) {
    self.path = path
    self.url = url
    self.bytes = bytes
    lineStarts = [0] + bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }
  }

  /// A line's number, from 1, its text without the line end, and where it begins.
  func line(at offset: Int) -> (number: Int, text: String, start: Int) {
    let index = (lineStarts.lastIndex { $0 <= offset }) ?? 0
    let start = lineStarts[index]
    let rest = bytes[start...]
    let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
    let text = String(decoding: bytes[start..<end], as: UTF8.self)
    return (index + 1, text.hasSuffix("\r") ? String(text.dropLast()) : text, start)
  }
}

/// A stretch of a file's text.
public struct SourcePlace: Sendable {
  public let file: SourceFile
  /// Bytes of the file; nil for the file as a whole.
  let range: Range<Int>?

  init(_ file: SourceFile, _ range: Range<Int>?) {
    self.file = file
    self.range = range
  }

  /// The bytes there.
  var text: ArraySlice<UInt8> { file.bytes[range ?? 0..<0] }

  var string: String { String(decoding: text, as: UTF8.self) }

  /// The line's number, from 1.
  public var line: Int { range.map { file.line(at: $0.lowerBound).number } ?? 1 }

  /// The column in characters, from 1.
  public var column: Int {
    guard let range else { return 1 }
    let line = file.line(at: range.lowerBound)
    return String(decoding: file.bytes[line.start..<range.lowerBound], as: UTF8.self).count + 1
  }
}
