import Foundation

/// The guests that configuration files may name as `guest:NAME/PART` instead of a path, so that the same file does for
/// every architecture: where each part's file lies.
public struct GuestLibrary: Sendable {
  public struct Part: Sendable {
    /// What stands after the `/`: `kernel`, say.
    let name: String
    let file: URL
    /// What a user is to do where the file is not there.
    let howToGet: String

    public init(name: String, file: URL, howToGet: String) {
      self.name = name
      self.file = file
      self.howToGet = howToGet
    }
  }

  public struct Guest: Sendable {
    let name: String
    let parts: [Part]

    public init(name: String, parts: [Part]) {
      self.name = name
      self.parts = parts
    }
  }

  let guests: [Guest]

  public init(_ guests: [Guest] = []) { self.guests = guests }

  /// Nil, with a finding, where there is no such guest or part.
  func find(_ reference: GuestReference, at place: SourcePlace, _ findings: Findings) -> Part? {
    guard let guest = guests.first(where: { $0.name == reference.guest }) else {
      refuse(place, "there is no guest `\(reference.guest)`", reference.guest, among: guests.map(\.name), findings)
      return nil
    }
    guard let part = guest.parts.first(where: { $0.name == reference.part }) else {
      let message = "the guest `\(guest.name)` has no part `\(reference.part)`"
      refuse(place, message, reference.part, among: guest.parts.map(\.name), findings)
      return nil
    }
    return part
  }

  private func refuse(
    _ place: SourcePlace, _ message: String, _ word: String, among known: [String], _ findings: Findings
  ) {
    let meant = nearest(to: word, among: known)
    findings.report(place, message, advice: meant.map { "`\($0)`?" } ?? known.joined(separator: ", "))
  }
}

/// A path that begins with `guest:`.
struct GuestReference: Equatable {
  let guest: String
  /// Empty where the path names none.
  let part: String

  init?(_ path: String) {
    let mark = "guest:"
    guard path.hasPrefix(mark) else { return nil }
    let words = path.dropFirst(mark.count).split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guest = words.first.map(String.init) ?? ""
    part = words.count == 2 ? String(words[1]) : ""
  }
}
