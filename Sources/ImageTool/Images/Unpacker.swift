import Foundation

/// The programs that unpack compressed kernels. The bundle holds plain bytes.
enum Unpacker: String {
  case gzip
  case zstd

  enum Failure: Error {
    case toolMissing
    /// In the tool's own words.
    case refused(String)
  }

  func unpack(_ data: Data) -> Result<Data, Failure> {
    let input = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString).\(rawValue)")
    defer { try? FileManager.default.removeItem(at: input) }
    let process = Process()
    let output = Pipe(), errors = Pipe()
    do {
      try data.write(to: input)
      process.executableURL = URL(filePath: "/usr/bin/env")
      process.arguments = [rawValue, "-d", "-c"]
      process.standardInput = try FileHandle(forReadingFrom: input)
      process.standardOutput = output
      process.standardError = errors
      try process.run()
      // The tools write less than a pipe holds to their standard error, so the output can be taken first.
      let unpacked = try output.fileHandleForReading.readToEnd() ?? Data()
      let words = String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
      process.waitUntilExit()
      switch process.terminationStatus {
      case 0: return .success(unpacked)
      case 127: return .failure(.toolMissing)
      default:
        let line = words.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.first { !$0.isEmpty }
        return .failure(.refused(line ?? "it ended with status \(process.terminationStatus)"))
      }
    } catch {
      return .failure(.refused(error.localizedDescription))
    }
  }
}
