/// The word that was probably meant; nil where none is near.
func nearest(to word: String, among words: [String]) -> String? {
  let limit = max(1, word.count / 3)
  let near = words.map { (word: $0, distance: editDistance(word.lowercased(), $0.lowercased())) }
    .filter { $0.distance <= limit }
  return near.min { $0.distance < $1.distance }?.word
    ?? words.first { $0.hasPrefix(word) && word.count >= 3 } ?? words.first { word.hasPrefix($0) }
}

/// How many characters must be added, taken away, changed or swapped with their neighbour to get from one to the other.
func editDistance(_ left: String, _ right: String) -> Int {
  let left = Array(left), right = Array(right)
  var rows = [Array(0...right.count)]
  for (i, leftCharacter) in left.enumerated() {
    var row = [i + 1]
    for (j, rightCharacter) in right.enumerated() {
      let change = rows[i][j] + (leftCharacter == rightCharacter ? 0 : 1)
      var best = min(rows[i][j + 1] + 1, row[j] + 1, change)
      if i > 0, j > 0, leftCharacter == right[j - 1], left[i - 1] == rightCharacter {
        best = min(best, rows[i - 1][j - 1] + 1)
      }
      row.append(best)
    }
    rows.append(row)
  }
  return rows[left.count][right.count]
}
