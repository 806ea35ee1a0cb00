import Attribution
import Failures

extension Method {
  /// The method called `name`.
  ///
  /// - Throws: `PullbackError` that says which name was probably meant, or which there are.
  public static func named(_ name: String) throws(PullbackError) -> Method {
    if let method = Method(rawValue: name) { return method }
    throw PullbackError(
      .usage, "method \(name)", "there is no such method",
      advice: nearest(to: name, among: allCases.map(\.rawValue)).map { "did you mean \($0)?" }
        ?? "there are \(allCases.map(\.rawValue).joined(separator: ", "))")
  }
}

/// The one of `names` that was probably meant by `text`: the fewest letters to insert, remove or replace, and no more
/// than a third of them; nil if none is that near.
public func nearest(to text: String, among names: some Sequence<String>) -> String? {
  // Far more than any name, and little enough that a product of two lengths is nothing.
  let letters = Array(text.lowercased().prefix(100))
  var best: (name: String, distance: Int)?
  for name in names {
    let distance = editDistance(letters, Array(name.lowercased()))
    if distance <= max(1, letters.count / 3), distance < best?.distance ?? .max { best = (name, distance) }
  }
  return best?.name
}

/// Levenshtein's distance, a row of the table at a time.
private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
  var row = Array(0...b.count)
  for (i, letter) in a.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, other) in b.enumerated() {
      let replaced = diagonal + (letter == other ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
    }
  }
  return row[b.count]
}
