/// The word of `words` that `text` was meant to be, if one is near.
func nearest(to text: String, among words: [String]) -> String? {
  let near = words.map { (word: $0, distance: editDistance(text, $0)) }.min { $0.distance < $1.distance }
  guard let near, near.distance <= max(1, text.count / 3) else { return nil }
  return near.word
}

/// How many characters have to be changed, left out, put in or swapped with their neighbours to make one text of the other.
private func editDistance(_ a: String, _ b: String) -> Int {
  let a = Array(a), b = Array(b)
  var before: [Int] = [], previous = Array(0...b.count)
  for i in a.indices {
    var row = [i + 1]
    for j in b.indices {
      var best = min(previous[j] + (a[i] == b[j] ? 0 : 1), previous[j + 1] + 1, row[j] + 1)
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, before[j - 1] + 1) }
      row.append(best)
    }
    (before, previous) = (previous, row)
  }
  return previous[b.count]
}
