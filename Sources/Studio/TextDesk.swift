import Attribution
import ExperimentKit
import Failures
import Kernels
import Plotting
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
    /// The commands that draw the same pictures of each, by their format.
    let figures: [[String: String]]
  }

  /// The methods that the page offers.
  static let methods = TextMethod.allCases.filter { $0 != .random }.map(\.rawValue)

  /// Sends the shares of both texts' words in their similarity.
  func explain(_ request: Requests.Texts, _ job: Job, limit: Int) throws {
    let method = try checked(request, limit: limit)
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
          command(request.first, request.second, method, output: ["--output", "shares.json"]),
          command(request.second, request.first, method, output: ["--output", "shares.json"]),
        ],
        figures: [(request.first, request.second), (request.second, request.first)].map { text, other in
          Dictionary(
            uniqueKeysWithValues: Self.formats.map { format in
              (format, command(text, other, method, output: ["--figure", "words.\(format)"]))
            })
        }))
  }

  /// The formats of pictures.
  private static let formats = ["png", "pdf"]

  /// The picture that the command line draws of the first text, its words shaded, as a file's bytes.
  func figure(_ request: Requests.Texts, _ job: Job, limit: Int) throws -> [UInt8] {
    guard let format = request.format, Self.formats.contains(format) else {
      throw PullbackError(.usage, "format", "expected \(Self.formats.joined(separator: " or "))")
    }
    let method = try checked(request, limit: limit)
    let explanation = try explanation(request.first, request.second, method, try read(), job)
    let figure = Figure.texts([
      ShadedText(
        explanation.pieces(), caption: explanation.caption(TextTarget.similarityInWords, to: request.second))
    ])
    return Signature.signed(format == "png" ? try figure.png() : try figure.pdf(), for: "words.\(format)")
  }

  /// - Throws: `PullbackError` of kind `usage` if there is no such method, or a text is too long.
  private func checked(_ request: Requests.Texts, limit: Int) throws -> TextMethod {
    guard let method = TextMethod(rawValue: request.method), method != .random else {
      throw PullbackError(.usage, "method", "expected one of \(Self.methods.joined(separator: ", "))")
    }
    // Scalars, because one character of them may have thousands.
    for count in [request.first, request.second].map(\.unicodeScalars.count) where count > limit {
      throw PullbackError(.usage, "text", "expected at most \(limit) characters, found \(count)")
    }
    // A command line holds no such character.
    guard !(request.first + request.second).unicodeScalars.contains("\0") else {
      throw PullbackError(.usage, "text", "holds the character of number 0")
    }
    return method
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

  private func command(_ text: String, _ other: String, _ method: TextMethod, output: [String]) -> String {
    shellCommand(
      ["text"] + (option == "minilm" ? [] : ["--model", option])
        + Self.option("--text", text) + Self.option("--against", other) + ["--method", method.rawValue] + output)
  }

  /// An option with a text that may begin as an option does.
  private static func option(_ name: String, _ text: String) -> [String] {
    text.hasPrefix("-") ? ["\(name)=\(text)"] : [name, text]
  }
}
