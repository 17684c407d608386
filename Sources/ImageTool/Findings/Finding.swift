/// One mistake in a configuration.
public struct Finding: Error, Sendable {
  /// A second place that has to do with the mistake.
  public struct Related: Sendable {
    public let label: String
    public let place: SourcePlace
  }

  public let place: SourcePlace
  /// What is wrong.
  public let message: String
  /// What would be right.
  public let advice: String?
  public let related: [Related]

  init(_ place: SourcePlace, _ message: String, advice: String?, related: [Related] = []) {
    self.place = place
    self.message = message
    self.advice = advice
    self.related = related
  }
}

/// The mistakes found so far.
final class Findings {
  private(set) var all: [Finding] = []

  func report(_ place: SourcePlace, _ message: String, advice: String?, related: [Finding.Related] = []) {
    all.append(Finding(place, message, advice: advice, related: related))
  }

  func report(_ finding: Finding) { all.append(finding) }

  /// In the order in which `files` were read, and within one file from top to bottom.
  func sorted(by files: [SourceFile]) -> [Finding] {
    func rank(_ finding: Finding) -> (Int, Int) {
      (files.firstIndex { $0 === finding.place.file } ?? files.count, finding.place.range?.lowerBound ?? -1)
    }
    return all.enumerated().sorted { left, right in
      let (leftRank, rightRank) = (rank(left.element), rank(right.element))
      return leftRank == rightRank ? left.offset < right.offset : leftRank < rightRank
    }.map(\.element)
  }
}
