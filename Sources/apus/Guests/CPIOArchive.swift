/// An archive in the "new ASCII" cpio format that Linux unpacks as its initramfs
/// (Linux Documentation/driver-api/early-userspace/buffer-format.rst).
struct CPIOArchive {
  /// The archive so far, without the trailer.
  private var bytes: [UInt8] = []
  private var nextInode: UInt32 = 1
  private var folders: Set<String> = []

  /// File type bits of `st_mode`.
  private enum Kind: UInt32 {
    case character = 0o020000
    case folder = 0o040000
    case file = 0o100000
    case link = 0o120000
  }

  /// A folder, and those above it that are not there yet.
  mutating func addFolder(_ path: String) {
    addFolders(above: path)
    guard folders.insert(path).inserted else { return }
    addEntry(path, kind: .folder, permissions: 0o755, data: [])
  }

  mutating func addFile(_ path: String, _ data: [UInt8], permissions: UInt32 = 0o644) {
    addFolders(above: path)
    addEntry(path, kind: .file, permissions: permissions, data: data)
  }

  mutating func addLink(_ path: String, to target: String) {
    addFolders(above: path)
    addEntry(path, kind: .link, permissions: 0o777, data: Array(target.utf8))
  }

  mutating func addCharacterDevice(_ path: String, major: UInt32, minor: UInt32) {
    addFolders(above: path)
    addEntry(path, kind: .character, permissions: 0o600, data: [], device: (major, minor))
  }

  /// The whole archive with its trailer, padded to 512 bytes as cpio itself does.
  func finished() -> [UInt8] {
    var archive = self
    archive.addRecord("TRAILER!!!", inode: 0, mode: 0, links: 1, data: [], device: (0, 0))
    archive.pad(to: 512)
    return archive.bytes
  }

  private mutating func addFolders(above path: String) {
    let parts = path.split(separator: "/").dropLast()
    for count in parts.indices {
      let folder = parts[...count].joined(separator: "/")
      guard folders.insert(folder).inserted else { continue }
      addEntry(folder, kind: .folder, permissions: 0o755, data: [])
    }
  }

  private mutating func addEntry(
    _ path: String, kind: Kind, permissions: UInt32, data: [UInt8], device: (UInt32, UInt32) = (0, 0)
  ) {
    addRecord(
      path, inode: nextInode, mode: kind.rawValue | permissions, links: kind == .folder ? 2 : 1, data: data,
      device: device)
    nextInode += 1
  }

  private mutating func addRecord(
    _ path: String, inode: UInt32, mode: UInt32, links: UInt32, data: [UInt8], device: (UInt32, UInt32)
  ) {
    let name = Array(path.utf8) + [0]
    // Owner, group and time are 0: the same contents give the same archive.
    let fields: [UInt32] = [
      inode, mode, 0, 0, links, 0, UInt32(data.count), 0, 0, device.0, device.1, UInt32(name.count), 0,
    ]
    bytes += Array("070701".utf8)
    for field in fields {
      let digits = String(field, radix: 16, uppercase: true)
      bytes += Array((String(repeating: "0", count: 8 - digits.count) + digits).utf8)
    }
    bytes += name
    pad(to: 4)
    bytes += data
    pad(to: 4)
  }

  private mutating func pad(to alignment: Int) {
    while bytes.count % alignment != 0 { bytes.append(0) }
  }
}
