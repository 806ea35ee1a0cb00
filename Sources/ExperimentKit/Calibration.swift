import Digests
import Failures
import Foundation
import Pullbacks
import Subjects
import Text

/// The spreads that some images show of a network, as a file keeps them: what relative temperatures can be relative to
/// where batch norms do not tell.
///
/// The file is JSON with sorted keys, so that the same images give the same bytes. It is good for one checkpoint.
public struct Calibration: Codable, Sendable {
  /// The version of the file's format; another version is refused.
  static let currentFormat = 1

  let format: Int
  /// The tool that wrote the file: `pullbacks 0.1.0`.
  let tool: String
  let architecture: String
  let checkpointSHA256: String
  /// The number of images that were measured.
  let images: Int
  /// The preprocessing: how files became inputs.
  let preprocessing: String
  /// The network's first layer, where it is not the architecture's own.
  let normalisation: String?
  /// The standard deviation of each channel, by the name of the activation or max pool that takes it.
  let spreads: [String: [Float]]

  /// - Parameters:
  ///   - measured: the measured spreads of the subject's network.
  ///   - subject: the network.
  ///   - images: the number of measured images.
  ///   - preprocessing: the preprocessing that made inputs of files.
  /// - Throws: `PullbackError` if the checkpoint can no longer be read.
  public init(_ measured: Spreads, of subject: Subject, images: Int, preprocessing: String) throws {
    format = Self.currentFormat
    tool = "pullbacks \(packageVersion)"
    architecture = subject.name
    checkpointSHA256 = try subject.sha256
    self.images = images
    self.preprocessing = preprocessing
    normalisation = subject.preprocessing.normalisation?.inWords
    spreads = Dictionary(
      uniqueKeysWithValues: subject.graph.nodes.compactMap { node in
        measured[node.name].map { (node.name, $0.deviations) }
      })
  }

  /// - Parameters:
  ///   - measured: the measured spreads of a language model.
  ///   - model: whose.
  ///   - texts: the number of measured texts.
  /// - Throws: `PullbackError` if the checkpoint can no longer be read.
  public init(_ measured: Spreads, of model: TextModel, texts: Int) throws {
    format = Self.currentFormat
    tool = "pullbacks \(packageVersion)"
    architecture = model.configuration.family.rawValue
    checkpointSHA256 = try model.sha256.joined(separator: " ")
    images = texts
    preprocessing = "texts, one a line"
    normalisation = nil
    spreads = Dictionary(
      uniqueKeysWithValues: try model.network(types: [0]).graph.nodes.compactMap { node in
        measured[node.name].map { (node.name, $0.deviations) }
      })
  }

  /// The same of a language model.
  public static func read(_ path: String, for model: TextModel) throws -> (spreads: Spreads, sha256: String) {
    try read(
      path, of: model.configuration.family.rawValue, model.sha256.joined(separator: " "), model.path,
      for: model.network(types: [0]).graph)
  }

  /// The spreads in the file at `path`, and the file's SHA-256.
  ///
  /// - Parameters:
  ///   - path: the path of a calibration.
  ///   - subject: the network that it must be of.
  /// - Throws: `PullbackError` of kind `data` if the file is no calibration, or one of another checkpoint or
  ///   architecture, or its numbers are no deviations of the network's channels; `noInput` if it cannot be opened.
  public static func read(_ path: String, for subject: Subject) throws -> (spreads: Spreads, sha256: String) {
    try read(
      path, of: subject.name, subject.sha256, subject.path, for: subject.graph,
      normalisation: subject.preprocessing.normalisation?.inWords)
  }

  private static func read(
    _ path: String, of architecture: String, _ sha256: String, _ checkpoint: String, for graph: Graph,
    normalisation: String? = nil
  ) throws -> (spreads: Spreads, sha256: String) {
    let bytes = try InputFile.bytes(of: path, limit: 1 << 28)
    let file = try decoded(bytes, path)
    guard file.architecture == architecture else {
      throw PullbackError(
        .data, path,
        "is a calibration of \(quoted(file.architecture)), expected one of \(quoted(architecture))",
        advice: "pullbacks calibrate makes one")
    }
    guard file.checkpointSHA256 == sha256 else {
      throw PullbackError(
        .data, path,
        "is a calibration of the checkpoint \(quoted(String(file.checkpointSHA256.prefix(12)))), expected one of "
          + "\(sha256.prefix(12)), \(checkpoint)",
        advice: "pullbacks calibrate makes one")
    }
    guard file.normalisation == normalisation else {
      func words(_ text: String?) -> String { text ?? "the architecture's own" }
      throw PullbackError(
        .data, path,
        "is a calibration with the normalisation \(words(file.normalisation)), expected \(words(normalisation))",
        advice: "give both commands the same --preprocess")
    }
    do {
      return (try Spreads(measured: file.spreads, for: graph), try bytes.withUnsafeBytes(Digests.sha256))
    } catch let error as PullbackError where error.kind == .data {
      throw PullbackError(.data, path, "\(error)")
    }
  }

  private struct Header: Decodable { let format: Int }

  private static func decoded(_ bytes: [UInt8], _ path: String) throws -> Calibration {
    do {
      let header = try JSONDecoder().decode(Header.self, from: Data(bytes))
      guard header.format == currentFormat else {
        throw PullbackError(.data, path, "expected a calibration of format \(currentFormat), found \(header.format)")
      }
      return try JSONDecoder().decode(Calibration.self, from: Data(bytes))
    } catch let error as DecodingError {
      throw PullbackError(.data, path, "is no calibration: \(error.inWords)", advice: "pullbacks calibrate makes one")
    }
  }
}

extension DecodingError {
  /// The mismatch, on one line.
  fileprivate var inWords: String {
    switch self {
    case .keyNotFound(let key, _): "\(key.stringValue) is missing"
    case .typeMismatch(let type, let context): "\(context.place) is no \(Self.name(of: type))"
    case .valueNotFound(let type, let context): "\(context.place) is no \(Self.name(of: type))"
    case .dataCorrupted(let context) where !context.codingPath.isEmpty: "\(context.place) is no number that fits"
    default: "expected JSON"
    }
  }

  private static func name(of type: Any.Type) -> String {
    switch type {
    case is any Numeric.Type: "number"
    case is String.Type: "text"
    case is [Any].Type: "list"
    default: "object"
    }
  }
}

extension DecodingError.Context {
  /// The place in the file.
  fileprivate var place: String {
    let names = codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }
    return names.isEmpty ? "what it holds" : quoted(names.joined(separator: "."))
  }
}
