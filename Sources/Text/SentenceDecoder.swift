import Failures

/// The decoder that comes with this package, trained by it on its own sentences, whose verbs agree with their subjects.
///
/// ```swift
/// let model = try SentenceDecoder.model()
/// let logits = try model.output(of: "the keys to the cabinet")
/// ```
/// It lies as Hugging Face lays out models, of the family GPT-2. Beside it lie the log of its training,
/// `training.csv`, and what became of it, `report.json`.
public enum SentenceDecoder {
  /// The name on the command line.
  public static let name = "sentence-decoder"

  /// The folder of its files.
  ///
  /// - Throws: `PullbackError` of kind `unavailable` if the package was taken apart and its resources are elsewhere.
  public static func folder() throws(PullbackError) -> String {
    try pathOfResource(name, of: "Text", besideSource: #filePath)
  }

  /// - Throws: as ``folder()``.
  public static func model() throws -> TextModel { try TextModel(contentsOf: folder()) }
}
