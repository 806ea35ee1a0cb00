import Pullbacks
import Subjects
import Text

extension Calibration {
  /// - Parameters:
  ///   - measured: of a language model.
  ///   - model: whose.
  ///   - texts: how many were looked at.
  /// - Throws: `PullbackError` if the checkpoint can no longer be read.
  public init(_ measured: Spreads, of model: TextModel, texts: Int) throws {
    try self.init(
      measured, of: model.network(types: [0]).graph, called: model.configuration.family.rawValue,
      model.sha256.joined(separator: " "), images: texts, preprocessing: "texts, one a line")
  }

  /// The same of a language model.
  public static func read(_ path: String, for model: TextModel) throws -> (spreads: Spreads, sha256: String) {
    try read(
      path, of: model.configuration.family.rawValue, model.sha256.joined(separator: " "), model.path,
      for: model.network(types: [0]).graph)
  }
}
