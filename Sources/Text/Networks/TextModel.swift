import Checkpoints
import Execution
import Failures
import Foundation
import Pullbacks

/// A language model with its tokenizer, from a folder as Hugging Face lays it out: `config.json`, `tokenizer.json`, and
/// `model.safetensors` or `pytorch_model.bin`, in one file or in several.
///
/// A network has the shape of its text, so that there is one for each length: ``network(types:)``.
public struct TextModel: Sendable {
  public let configuration: TextConfiguration
  public let tokenizer: Tokenizer
  /// The output that the model is asked for.
  public let head: TextHead
  /// The folder.
  public let path: String
  /// The SHA-256 of the files of parameters, in the order of their names.
  public var sha256: [String] { get throws { try folder.checkpoints.map { try $0.sha256 } } }

  private let folder: ModelFolder
  private let prefix: String
  private let parameters: [String: Tensor]
  /// The embedding of every token, `(tokens, width)`.
  let embedding: Tensor

  /// - Parameters:
  ///   - path: the path of the folder.
  ///   - head: the output that the model is asked for; nil is the one that it was made for: classes or the next token
  ///     where the checkpoint has a layer for them, and else a vector, as `1_Pooling/config.json` says or the mean.
  /// - Throws: `PullbackError`: `noInput` if a file is missing, `data` if one is damaged, is of a kind that is not
  ///   supported, or does not fit the others.
  public init(contentsOf path: String, head: TextHead? = nil) throws {
    self.path = path
    configuration = try TextConfiguration(contentsOf: "\(path)/config.json")
    tokenizer = try Tokenizer(contentsOf: "\(path)/tokenizer.json")
    folder = try ModelFolder(path)
    let usual = configuration.usualPrefix
    prefix = folder.entry(configuration.embeddingNode(prefix: usual) + ".weight") == nil ? "" : usual
    self.head = try head ?? Self.head(configuration, folder)
    let graph = try configuration.graph(types: [0], head: self.head, prefix: prefix)
    parameters = try Self.parameters(graph, configuration, folder, prefix)
    embedding = parameters[configuration.embeddingNode(prefix: prefix) + ".weight"]!
  }

  private static func head(_ configuration: TextConfiguration, _ folder: ModelFolder) throws -> TextHead {
    let classifiers = ["classifier.weight", "classifier.out_proj.weight", "score.weight"]
    if configuration.architecture.isEmpty || configuration.architecture.hasSuffix("ForSequenceClassification"),
      let shape = classifiers.lazy.compactMap({ folder.entry($0)?.shape }).first, shape.count == 2
    {
      return .classes(shape[0])
    }
    if configuration.family.isCausal { return .nextToken }
    try checkModules(of: folder)
    let pooling = "\(folder.path)/1_Pooling/config.json"
    guard FileManager.default.fileExists(atPath: pooling) else { return .mean }
    let members = try JSONNode(InputFile.bytes(of: pooling, limit: 1 << 20), of: pooling).members()
    let modes = members.filter { key, node in
      if case .bool(true) = node.value { key.hasPrefix("pooling_mode_") } else { false }
    }
    switch modes.map(\.key) {
    case ["pooling_mode_mean_tokens"]: return .mean
    case ["pooling_mode_cls_token"]: return .first
    case let names:
      throw PullbackError(
        .data, pooling,
        "asks for \(names.isEmpty ? "no vector" : names.joined(separator: " and ")); the mean or the first token's is "
          + "supported", advice: "say with --pooling which vector is meant")
    }
  }

  /// Throws if the folder is of a sentence encoder that does more to its vector than to pool and to normalise it.
  private static func checkModules(of folder: ModelFolder) throws {
    let path = "\(folder.path)/modules.json"
    guard FileManager.default.fileExists(atPath: path) else { return }
    for module in try JSONNode(InputFile.bytes(of: path, limit: 1 << 20), of: path).elements() {
      let type = try module.member("type")
      let name = try type.text().split(separator: ".").last.map(String.init) ?? ""
      guard ["Transformer", "Pooling", "Normalize"].contains(name) else {
        throw type.wrong(
          "the module \(quoted(name)) is not supported", advice: "say with --pooling which vector is meant instead")
      }
    }
  }

  /// The parameters of a graph, under its names and of its shapes.
  private static func parameters(
    _ graph: Graph, _ configuration: TextConfiguration, _ folder: ModelFolder, _ prefix: String
  ) throws -> [String: Tensor] {
    var parameters: [String: Tensor] = [:]
    for (name, description) in graph.parameters {
      var stored = name
      if folder.entry(name) == nil {
        // Checkpoints of TensorFlow's time, and embeddings that serve twice.
        if name.hasSuffix("LayerNorm.weight") { stored = name.dropLast(6) + "gamma" }
        if name.hasSuffix("LayerNorm.bias") { stored = name.dropLast(4) + "beta" }
        if name == "lm_head.weight", configuration.sharesEmbedding {
          stored = configuration.embeddingNode(prefix: prefix) + ".weight"
        }
      }
      guard let entry = folder.entry(stored) else {
        throw PullbackError(
          .data, folder.path, "has no tensor \(quoted(name))",
          advice: "check that config.json belongs to the parameters")
      }
      let isTransposed = configuration.isStoredTransposed(name, description.shape)
      let expected = isTransposed ? description.shape.reversed() : description.shape
      guard entry.shape == expected else {
        throw PullbackError(
          .data, folder.path, "tensor \(quoted(stored)) has shape \(entry.shape), config.json says \(expected)")
      }
      let tensor = try folder.tensor(stored, requireFinite: true)
      parameters[name] = isTransposed ? tensor.permuted([1, 0]) : tensor
    }
    return parameters
  }

  /// Throws unless the model takes a text, or two together.
  public func check(_ text: String, with other: String? = nil) throws(PullbackError) {
    let encoding = try tokenizer.encode(text, with: other)
    try configuration.check(types(of: encoding))
    _ = try embeddings(of: encoding.ids)
  }

  /// The name of a class.
  public func label(_ number: Int) -> String { configuration.labels[number] ?? "\(number)" }

  /// The network for texts whose tokens have these types, from the numbers of the tokens on.
  ///
  /// - Throws: `PullbackError` if there are more tokens than the model has places for.
  public func network(types: [Int]) throws(PullbackError) -> Network {
    try Network(configuration.graph(types: types, head: head, prefix: prefix), parameters: parameters)
  }

  /// The part of ``network(types:)`` from the embeddings of the tokens on, which is explained.
  public func embeddedNetwork(types: [Int]) throws(PullbackError) -> Network {
    try network(types: types).starting(at: configuration.embeddingNode(prefix: prefix))
  }

  /// The embeddings of tokens, `(1, T, C)`.
  ///
  /// - Throws: `PullbackError` of kind `data` for a number that the model has no embedding for.
  public func embeddings(of ids: [Int]) throws(PullbackError) -> Tensor {
    let (count, width) = (configuration.tokens, configuration.width)
    if let id = ids.first(where: { !(0..<count).contains($0) }) {
      throw PullbackError(
        .data, path, "the tokenizer makes the number \(id), and the model has embeddings for \(count) tokens")
    }
    if let padding = configuration.padding, ids.contains(padding) {
      // Padding takes no place of its own there, and is passed over by a class.
      let isLast = ids.last == padding && ids.contains { $0 != padding }
      var readsClass = false
      if case .classes = head { readsClass = configuration.family.isCausal }
      guard configuration.family != .roberta, !readsClass || !isLast else {
        throw PullbackError(
          .data, "text", "has the token \(quoted(tokenizer.token(padding) ?? "\(padding)")), which fills up batches",
          advice: "leave it out")
      }
    }
    return embedding.withUnsafeBuffer { table in
      Tensor(shape: [1, ids.count, width]) { x in
        for (place, id) in ids.enumerated() {
          (x.baseAddress! + place * width).update(from: table.baseAddress! + id * width, count: width)
        }
      }
    }
  }
}
