import Failures
import Foundation
import Sentences
import Subjects
import Text

/// The language models that have a name: the one in the package, and the one that is fetched.
public enum NamedTextModel: String, CaseIterable, Sendable {
  /// The decoder of this package, which continues sentences.
  case decoder = "sentence-decoder"
  /// all-MiniLM-L6-v2, which makes a vector of a text. Source: Reimers & Gurevych 2019 (arXiv 1908.10084).
  case encoder = "minilm"

  /// The name for people.
  public var title: String {
    switch self {
    case .decoder: "Sentence decoder"
    case .encoder: "all-MiniLM-L6-v2"
    }
  }

  /// The texts with ground truth that it can be asked about.
  public var kinds: [PlantedText.Kind] {
    switch self {
    case .decoder: [.agreement]
    case .encoder: [.topic, .paraphrase, .negation]
    }
  }

  private func place() throws -> String {
    switch self {
    case .decoder: try SentenceDecoder.folder()
    case .encoder: "\(FetchedFiles.folder)/text/all-MiniLM-L6-v2"
    }
  }

  /// Whether it is there.
  public var isFetched: Bool {
    (try? place()).map { FileManager.default.fileExists(atPath: $0 + "/model.safetensors") } ?? false
  }

  /// The folder of the model.
  ///
  /// - Throws: `PullbackError` of kind `unavailable` if it has not been fetched.
  public func folder() throws -> String {
    let place = try place()
    guard isFetched else {
      throw PullbackError(
        .unavailable, place, "has not been fetched yet", advice: "run \(FetchedFiles.command(for: "text"))")
    }
    return place
  }

  /// - Parameter head: the output that it is asked for; nil is the one that it was made for.
  /// - Throws: as ``folder()``.
  public func model(head: TextHead? = nil) throws -> TextModel { try TextModel(contentsOf: folder(), head: head) }
}
