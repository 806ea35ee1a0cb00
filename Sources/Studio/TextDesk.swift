import Attribution
import ExperimentKit
import Failures
import Kernels
import Text

/// Explains what makes two sentences similar.
final class TextDesk: Sendable {
  private let folder, option: String
  private let model = Locked<TextModel?>(nil)

  /// - Parameters:
  ///   - folder: the folder of a sentence encoder, read when it is first asked.
  ///   - option: the option's value on the command line.
  init(_ folder: String, option: String) { (self.folder, self.option) = (folder, option) }

  private struct Explained: Encodable {
    struct Word: Encodable {
      let text: String
      let share: Double
      /// Whether there is a space in front of it.
      let follows: Bool
    }

    var type = "texts"
    let cosine: Double
    let first, second: [Word]
    /// The part of the value that no word has a share of, in the first and in the second text.
    let rest: [Double?]
    let commands: [String]
  }

  /// The methods that the page offers.
  static let methods = TextMethod.allCases.filter { $0 != .random }.map(\.rawValue)

  /// Sends the shares of both texts' words in their similarity.
  func explain(_ request: Requests.Texts, _ job: Job, limit: Int) throws {
    guard let method = TextMethod(rawValue: request.method), method != .random else {
      throw PullbackError(.usage, "method", "expected one of \(Self.methods.joined(separator: ", "))")
    }
    for text in [request.first, request.second] where text.count > limit {
      throw PullbackError(.usage, "text", "expected at most \(limit) characters, found \(text.count)")
    }
    let model = try read()
    let (a, b) = (
      try explanation(request.first, request.second, method, model, job),
      try explanation(request.second, request.first, method, model, job)
    )
    try job.send(
      Explained(
        cosine: a.value, first: words(a), second: words(b),
        rest: [a, b].map { each in
          each.bias.map { _ in each.value - each.words.reduce(0) { $0 + $1.share } }
        },
        commands: [
          command(request.first, request.second, method), command(request.second, request.first, method),
        ]))
  }

  /// - Throws: `PullbackError` if it cannot be read, or makes no vector of a text.
  @discardableResult
  func read() throws -> TextModel {
    if let known = model.withLock({ $0 }) { return known }
    let read = try TextModel(contentsOf: folder)
    switch read.head {
    case .mean, .first, .pooler: break
    default: throw PullbackError(.usage, folder, "makes no vector of a text, which similarity is about")
    }
    model.withLock { $0 = read }
    return read
  }

  private func explanation(
    _ text: String, _ other: String, _ method: TextMethod, _ model: TextModel, _ job: Job
  ) throws -> TextExplanation {
    try job.proceed()
    return try TextExplainer(method).explain(text, .similarity(to: try model.output(of: other)), by: model)
  }

  private func words(_ explanation: TextExplanation) -> [Explained.Word] {
    var end: Int?
    return explanation.words.map { word in
      defer { end = word.range.upperBound }
      return Explained.Word(
        text: word.text, share: word.share, follows: end.map { $0 != word.range.lowerBound } ?? false)
    }
  }

  private func command(_ text: String, _ other: String, _ method: TextMethod) -> String {
    shellCommand(
      ["text"] + (option == "minilm" ? [] : ["--model", option])
        + ["--text", text, "--against", other, "--method", method.rawValue, "--output", "shares.json"])
  }
}
