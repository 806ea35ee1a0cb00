import Foundation
import Plotting
import Text

extension TextExplanation {
  /// The words of the texts with their shares, to be shaded.
  ///
  /// - Parameter places: the places in the first text of words that are underlined.
  public func pieces(marking places: [Range<Int>] = []) -> [ShadedText.Piece] {
    var end: (sequence: Int, place: Int)?
    return words.map { word in
      defer { end = (word.sequence, word.range.upperBound) }
      let follows = end.map { $0.sequence != word.sequence || $0.place != word.range.lowerBound } ?? false
      let isMarked = word.sequence == 0 && places.contains { $0.overlaps(word.range) }
      return ShadedText.Piece(word.text, word.share, follows: follows, isMarked: isMarked)
    }
  }

  /// What is explained, of which value, and what is shared out.
  ///
  /// - Parameters:
  ///   - target: what is explained, in words.
  ///   - other: the text that the first one's similarity to is explained.
  public func caption(_ target: String, to other: String? = nil) -> String {
    func rounded(_ value: Double) -> String { String(format: "%.3f", value) }
    let text = "\(method.rawValue): \(target) \(rounded(value))\(other.map { " to “\($0)”" } ?? "")"
    guard let bias else { return text }
    let shares = words.reduce(0) { $0 + $1.share }
    return text + "; sum of the words \(rounded(shares)), special tokens \(rounded(value - bias - shares)), "
      + "bias \(rounded(bias))"
  }
}

extension TextTarget {
  /// What the similarity of two texts is called.
  public static let similarityInWords = "cosine similarity"
}

extension Figure {
  /// Texts with their words shaded, one below the other.
  public static func texts(_ texts: [ShadedText]) -> Figure { Figure(Panels(texts, columns: 1)) }
}
