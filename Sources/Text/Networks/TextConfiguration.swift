import Failures
import Foundation

/// The settings of a language model in `config.json`.
public struct TextConfiguration: Sendable {
  /// The families of networks.
  public enum Family: String, Sendable, CaseIterable {
    /// Devlin et al. 2018 (arXiv 1810.04805).
    case bert
    /// Sanh et al. 2019 (arXiv 1910.01108).
    case distilbert
    /// Liu et al. 2019 (arXiv 1907.11692).
    case roberta
    /// Radford et al. 2019.
    case gpt2
    /// Touvron et al. 2023 (arXiv 2302.13971).
    case llama

    /// Whether each token sees those before it alone.
    public var isCausal: Bool { self == .gpt2 || self == .llama }
  }

  public let family: Family
  /// The size of the vocabulary.
  public let tokens: Int
  /// Values of a token's embedding.
  public let width: Int
  public let layers: Int
  public let heads: Int
  /// Heads of keys and values.
  public let keyHeads: Int
  /// Values of a head.
  public let headWidth: Int
  /// Values between the two layers of a perceptron.
  public let hiddenWidth: Int
  /// The number of places that have embeddings; if places are angles, the number that the model was trained with.
  public let places: Int
  /// The place of the first token.
  public let firstPlace: Int
  /// The token that fills up a batch; nil if there is none.
  let padding: Int?
  /// The number of token types.
  public let types: Int
  /// The activation as Hugging Face calls it: `gelu`.
  public let activation: String
  public let epsilon: Float
  /// The angles of ``RotaryEmbedding`` for one place.
  public let frequencies: [Double]
  /// Whether the output's embedding is the input's.
  public let sharesEmbedding: Bool
  /// Names of the classes, by number; those that have none are called by number.
  public let labels: [Int: String]
  /// The architecture, for example `BertForSequenceClassification`; empty if not stated.
  public let architecture: String
  /// Whether attention's, and the perceptron's, linear layers have biases.
  let hasAttentionBias, hasPerceptronBias: Bool
  /// The factors of the products of queries and keys in a layer.
  let scalesScores, scalesByLayer: Bool

  /// - Parameter path: the path of a `config.json`.
  /// - Throws: `PullbackError`: `noInput` if there is no such file, `data` if it describes no network of these families
  ///   or its numbers do not fit together.
  public init(contentsOf path: String) throws {
    try self.init(json: InputFile.bytes(of: path, limit: 1 << 24), name: path)
  }

  /// - Parameters:
  ///   - json: the contents of a `config.json`.
  ///   - name: the name of the file, for messages.
  /// - Throws: `PullbackError` of kind `data` as ``init(contentsOf:)``.
  public init(json: [UInt8], name: String) throws {
    let file: ConfigurationFile
    do {
      file = try JSONDecoder().decode(ConfigurationFile.self, from: Data(json))
    } catch let error as DecodingError {
      throw PullbackError(.data, name, "is no configuration of a language model: \(Self.words(error, json))")
    }
    try self.init(file, name)
  }

  private static func words(_ error: DecodingError, _ json: [UInt8]) -> String {
    switch error {
    case .keyNotFound(let key, _): "\(key.stringValue) is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      "\(place(context) ?? "the whole") has the wrong type"
    default:
      (try? JSONSerialization.jsonObject(with: Data(json))) == nil
        ? "it is not JSON" : "a number is out of range, or is no whole number"
    }
  }

  private static func place(_ context: DecodingError.Context) -> String? {
    context.codingPath.isEmpty ? nil : context.codingPath.map(\.stringValue).joined(separator: ".")
  }

  private init(_ file: ConfigurationFile, _ path: String) throws(PullbackError) {
    guard let family = Family(rawValue: file.model_type) else {
      throw PullbackError(
        .data, path, "the model_type \(quoted(file.model_type)) is not supported",
        advice: "\(Family.allCases.map(\.rawValue).joined(separator: ", ")) are")
    }
    func number(_ name: String, _ values: Int?...) throws(PullbackError) -> Int {
      guard let value = values.compactMap({ $0 }).first else { throw PullbackError(.data, path, "has no \(name)") }
      guard (1...1 << 24).contains(value) else {
        throw PullbackError(.data, path, "expected \(name) from 1 to \(1 << 24), found \(value)")
      }
      return value
    }
    self.family = family
    tokens = try number("vocab_size", file.vocab_size)
    width = try number("hidden_size", file.hidden_size, file.dim, file.n_embd)
    layers = try number("num_hidden_layers", file.num_hidden_layers, file.n_layers, file.n_layer)
    heads = try number("num_attention_heads", file.num_attention_heads, file.n_heads, file.n_head)
    keyHeads = family == .llama ? try number("num_key_value_heads", file.num_key_value_heads, heads) : heads
    guard layers <= 1000 else { throw PullbackError(.data, path, "expected at most 1000 layers, found \(layers)") }
    guard width % heads == 0 || file.head_dim != nil, heads % keyHeads == 0 else {
      throw PullbackError(.data, path, "\(heads) heads and \(keyHeads) key heads do not share \(width) values evenly")
    }
    headWidth = family == .llama ? try number("head_dim", file.head_dim, width / heads) : width / heads
    hiddenWidth = try number(
      "intermediate_size", file.intermediate_size, file.hidden_dim, file.n_inner, family == .gpt2 ? 4 * width : nil)
    places = try number("max_position_embeddings", file.max_position_embeddings, file.n_positions, file.n_ctx)
    guard file.pad_token_id.map({ (-1..<1 << 24).contains($0) }) ?? true else {
      throw PullbackError(.data, path, "expected a pad_token_id from 0 on, found \(file.pad_token_id!)")
    }
    padding = file.pad_token_id.flatMap { $0 < 0 ? nil : $0 } ?? (family == .roberta ? 1 : nil)
    firstPlace = family == .roberta ? padding! + 1 : 0
    types = try number("type_vocab_size", file.type_vocab_size, 2)
    activation = file.hidden_act ?? file.activation ?? file.activation_function ?? Self.usualActivation(family)
    let epsilon = file.layer_norm_eps ?? file.layer_norm_epsilon ?? file.rms_norm_eps
    let standard: Float = family == .gpt2 ? 1e-5 : family == .llama ? 1e-6 : 1e-12
    self.epsilon = epsilon ?? standard
    guard self.epsilon >= 0, self.epsilon < 1 else {
      throw PullbackError(.data, path, "expected an epsilon from 0 to 1, found \(self.epsilon)")
    }
    frequencies = family == .llama ? try Self.frequencies(file, headWidth, path) : []
    sharesEmbedding = file.tie_word_embeddings ?? (family != .llama)
    var labels: [Int: String] = [:]
    for (number, label) in file.id2label ?? [:] { if let number = Int(number) { labels[number] = label } }
    self.labels = labels
    architecture = file.architectures?.first ?? ""
    hasAttentionBias = file.attention_bias ?? false
    hasPerceptronBias = file.mlp_bias ?? false
    scalesScores = file.scale_attn_weights ?? true
    scalesByLayer = file.scale_attn_by_inverse_layer_idx ?? false
    guard file.position_embedding_type ?? "absolute" == "absolute", !(file.is_decoder ?? false),
      !(file.sinusoidal_pos_embds ?? false)
    else {
      throw PullbackError(
        .data, path, "describes relative or sinusoidal places, or an encoder run as a decoder, which are not supported")
    }
  }

  /// The default of `transformers` if the file names none.
  private static func usualActivation(_ family: Family) -> String {
    switch family {
    case .bert, .distilbert, .roberta: "gelu"
    case .gpt2: "gelu_new"
    case .llama: "silu"
    }
  }

  /// `theta^(-2 i / d)`, and what long contexts make of it.
  private static func frequencies(
    _ file: ConfigurationFile, _ headWidth: Int, _ path: String
  ) throws(PullbackError) -> [Double] {
    let rope = file.rope_parameters ?? file.rope_scaling
    let theta = rope?.rope_theta ?? file.rope_theta ?? 10_000
    guard theta > 0, theta.isFinite, headWidth % 2 == 0, rope?.partial_rotary_factor ?? 1 == 1 else {
      throw PullbackError(.data, path, "expected a positive rope_theta and heads of an even width, all of it turned")
    }
    let plain = stride(from: 0, to: headWidth, by: 2).map { 1 / pow(theta, Double($0) / Double(headWidth)) }
    switch rope?.rope_type ?? rope?.type ?? "default" {
    case "default": return plain
    case "linear":
      guard let factor = rope?.factor, (1e-3...1e6).contains(factor) else {
        throw PullbackError(.data, path, "expected a factor of rope from 0.001 to 1000000")
      }
      return plain.map { $0 / factor }
    case "llama3":
      guard let factor = rope?.factor, let low = rope?.low_freq_factor, let high = rope?.high_freq_factor,
        let length = rope?.original_max_position_embeddings, (1e-3...1e6).contains(factor), low > 0, high > low,
        length > 0
      else { throw PullbackError(.data, path, "rope of llama3 lacks one of its four numbers, or one is out of range") }
      return plain.map { frequency in
        let turns = length * frequency / (2 * .pi)
        if turns > high { return frequency }
        if turns < low { return frequency / factor }
        let share = (turns - low) / (high - low)
        return (1 - share) * frequency / factor + share * frequency
      }
    case let type:
      throw PullbackError(
        .data, path, "the rope_type \(quoted(type)) is not supported", advice: "default, linear and llama3 are")
    }
  }
}

/// The members of `config.json`, under the names of the families.
private struct ConfigurationFile: Decodable {
  struct Rope: Decodable {
    var rope_type, type: String?
    var rope_theta, factor, low_freq_factor, high_freq_factor, original_max_position_embeddings: Double?
    var partial_rotary_factor: Double?
  }

  var model_type: String
  var architectures: [String]?
  var vocab_size, pad_token_id, type_vocab_size: Int?
  var hidden_size, dim, n_embd: Int?
  var num_hidden_layers, n_layers, n_layer: Int?
  var num_attention_heads, n_heads, n_head, num_key_value_heads, head_dim: Int?
  var intermediate_size, hidden_dim, n_inner: Int?
  var max_position_embeddings, n_positions, n_ctx: Int?
  var hidden_act, activation, activation_function, position_embedding_type: String?
  var layer_norm_eps, layer_norm_epsilon, rms_norm_eps: Float?
  var rope_theta: Double?
  var rope_parameters, rope_scaling: Rope?
  var tie_word_embeddings, attention_bias, mlp_bias, is_decoder, sinusoidal_pos_embds: Bool?
  var scale_attn_weights, scale_attn_by_inverse_layer_idx: Bool?
  var id2label: [String: String]?
}
