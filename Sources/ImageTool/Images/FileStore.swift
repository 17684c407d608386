import Foundation

/// Files that the configuration names, each read and unpacked once.
final class FileStore {
  private var files: [String: Data] = [:]
  private var unpacked: [String: Result<Data, Unpacker.Failure>] = [:]

  /// The file's bytes.
  /// - Throws: in words why they cannot be had.
  func read(_ url: URL) -> Result<Data, FileProblem> {
    let path = url.standardizedFileURL.path
    if let data = files[path] { return .success(data) }
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return .failure(.missing) }
    guard !isFolder.boolValue else { return .failure(.folder) }
    guard let data = try? Data(contentsOf: url) else { return .failure(.unreadable) }
    guard !data.isEmpty else { return .failure(.empty) }
    files[path] = data
    return .success(data)
  }

  /// Bytes of `url`'s file, unpacked by a tool.
  func unpack(_ data: Data, of url: URL, by tool: Unpacker) -> Result<Data, Unpacker.Failure> {
    let key = "\(tool.rawValue):\(url.standardizedFileURL.path)"
    if let known = unpacked[key] { return known }
    let result = tool.unpack(data)
    unpacked[key] = result
    return result
  }
}

/// Why a file cannot be used.
enum FileProblem: Error {
  case missing
  case folder
  case unreadable
  case empty

  var message: String {
    switch self {
    case .missing: "there is no such file"
    case .folder: "this is a folder, not a file"
    case .unreadable: "the file cannot be read"
    case .empty: "the file is empty"
    }
  }

  var advice: String {
    switch self {
    case .missing: "a path relative to this file's folder"
    case .folder: "a file in the folder"
    case .unreadable: "a file that its permissions let you read"
    case .empty: "the whole file; fetch or build it again"
    }
  }
}
