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
}
