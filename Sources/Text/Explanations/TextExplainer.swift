import Attribution
import Foundation
import Pullbacks

/// Finds out which tokens of a text speak for what a model makes of it.
///
///     let model = try TextModel(contentsOf: "all-MiniLM-L6-v2")
///     let other = try model.output(of: "A kitten rests by the window.")
///     let explanation = try TextExplainer(.hardPullback)
///       .explain("The cat sat on the windowsill.", .similarity(to: other), by: model)
///
/// Tokens have no gradient: what is explained is the network from their embeddings on. Places, token types and all
/// biases belong to the bias part.
public struct TextExplainer: Sendable {
  public let method: TextMethod
  /// Hyper-parameters: of them the soft rules' temperatures, draws and points matter.
  public var settings: MethodSettings
  /// The standard deviation of the noise in units of that of the text's embeddings.
  public var noise: Double
  /// The seed of random methods.
  public var seed: UInt64

  /// - Parameters:
  ///   - method: how.
  ///   - settings: hyper-parameters; of them the soft rules' temperatures, draws and points matter.
  ///   - noise: the standard deviation of the noise in units of that of the text's embeddings; 0.15 in the range of
  ///     images, `[-1, 1]`, is 0.3 of theirs.
  ///   - seed: the seed of random methods.
  public init(
    _ method: TextMethod, _ settings: MethodSettings = Preset.general.settings, noise: Double = 0.3, seed: UInt64 = 314
  ) {
    self.method = method
    self.settings = settings
    self.noise = noise
    self.seed = seed
  }

  /// Explains the target by the tokens of a text, or of two that the model takes together.
  ///
  /// - Parameters:
  ///   - text: the text that is explained.
  ///   - target: the explained quantity of the model's output.
  ///   - other: a second text that the model takes beside the first.
  ///   - model: the model whose output it is.
  /// - Throws: `PullbackError` if the model has no such target, or no places for so many tokens.
  /// - Complexity: a forward and a backward pass; of integrated and smooth methods 50 of each, for
  ///   ``TextMethod/leaveOneOut`` a forward pass for each token.
  public func explain(
    _ text: String, _ target: TextTarget, with other: String? = nil, by model: TextModel
  ) throws(PullbackError) -> TextExplanation {
    let encoding = try model.tokenizer.encode(text, with: other)
    return try explanation(
      of: EmbeddedText(encoding, target, by: model, for: [self]), texts: [text] + (other.map { [$0] } ?? []))
  }

  /// - Parameter subject: the subject that was made for this explainer among others.
  func explanation(of subject: EmbeddedText, texts: [String]) throws(PullbackError) -> TextExplanation {
    let found = try shares(of: subject)
    guard subject.value.isFinite, found.shares.allSatisfy(\.isFinite) else {
      throw PullbackError(
        .data, subject.model.path, "the model's value or its shares by \(method.rawValue) are not finite",
        advice: "check config.json and the parameters")
    }
    return TextExplanation(
      texts: texts, encoding: subject.encoding, model: subject.model, method: method, shares: found.shares,
      norms: found.norms, value: subject.value,
      bias: method.sharesOutValue ? subject.value - found.shares.reduce(0, +) : nil,
      settings: try record(subject.network.graph))
  }

  /// Shares of the tokens, and the norms of what arrives at their embeddings.
  func shares(of subject: EmbeddedText) throws(PullbackError) -> (shares: [Double], norms: [Double]?) {
    let (x, network) = (subject.x, subject.network)
    let selector = Selector([subject.combination])
    let rules = try rules(for: network.graph)
    switch method {
    case .hardPullback, .softPullback, .gradient:
      // The pass that gave the value serves here too.
      let cotangent = try selector.cotangent(at: subject.trace.value, of: network)
      return products(try subject.trace.pullback(cotangent, by: rules), x)
    case .smoothGrad, .smoothPullback:
      let deviation = Float(noise * standardDeviation(x.scalars))
      let points = NoisyImages(count: settings.smoothGrad.count, deviation: deviation)
      return products(
        try PullbackAverage(rules, at: points, name: method.rawValue).attribute(x, selector, of: network, in: context),
        x)
    case .integratedGradients, .integratedPullbacks:
      let points = StraightPath(
        count: settings.integratedGradientsPoints, weighting: settings.weighting, baseline: settings.baseline)
      let attribution = try PullbackAverage(
        rules, at: points, name: method.rawValue, multipliedFrom: settings.baseline
      ).attribute(x, selector, of: network, in: context)
      return (rows(attribution).map { $0.reduce(0) { $0 + Double($1) } }, nil)
    case .attentionRollout: return (try rollout(subject), nil)
    case .leaveOneOut:
      let count = subject.encoding.tokens.count
      let values = try subject.values(masking: (0..<count).map { [$0] })
      return (values.map { subject.value - $0 }, nil)
    case .random:
      return (
        RandomStream(seed: seed, "random shares", image: x.contentKey).normals([x.shape[1]]).scalars.map(Double.init),
        nil
      )
    }
  }

  private var context: Context { Context(noise: .streams(seed: seed)) }

  /// The rules that pull the value back.
  fileprivate func rules(for graph: Graph) throws(PullbackError) -> RuleSet {
    if method == .hardPullback { return .hardPullback }
    return method.usesSoftRules ? try settings.softRules(for: graph) : .gradient
  }

  /// The rules of the pullback at the text itself.
  fileprivate func rulesAtTheText(for graph: Graph) throws(PullbackError) -> [RuleSet] {
    [.hardPullback, .softPullback, .gradient].contains(method) ? [try rules(for: graph)] : []
  }

  private func rows(_ x: Tensor) -> [ArraySlice<Float>] {
    let (scalars, width) = (x.scalars, x.shape.last!)
    return stride(from: 0, to: scalars.count, by: width).map { scalars[$0..<$0 + width] }
  }

  private func products(_ nu: Tensor, _ x: Tensor) -> (shares: [Double], norms: [Double]?) {
    let pairs = zip(rows(nu), rows(x))
    return (
      pairs.map { nu, h in zip(nu, h).reduce(0) { $0 + Double($1.0) * Double($1.1) } }, pairs.map { norm($0.0) }
    )
  }

  private func rollout(_ subject: EmbeddedText) throws(PullbackError) -> [Double] {
    let graph = subject.network.graph
    let layers = graph.nodes.filter { $0.operation is ScaledDotProductAttention }
    let inputs = layers.map { layer in layer.inputs.prefix(2).map { graph.nodes[$0].name } }
    let trace = try subject.network.trace(at: subject.x, rules: [], keeping: inputs.flatMap(\.self))
    var matrices: [Tensor] = []
    for (layer, names) in zip(layers, inputs) {
      let operation = layer.operation as! ScaledDotProductAttention
      matrices.append(
        operation.matrices(queries: try trace.activation(names[0]), keys: try trace.activation(names[1])))
    }
    let count = subject.x.shape[1]
    let wanted: [Int] =
      switch (subject.model.head, subject.model.configuration.family.isCausal) {
      case (.mean, _): Array(0..<count)
      case (_, true): [count - 1]
      default: [0]
      }
    let rows = AttentionRollout.rows(wanted, of: matrices, image: 0)
    return (0..<count).map { token in rows.reduce(0) { $0 + $1[token] } / Double(wanted.count) }
  }

  /// The settings that matter to the method, as records say them.
  ///
  /// - Parameter graph: the graph of a network of the model.
  public func record(_ graph: Graph) throws(PullbackError) -> [String: String] {
    var values: [String: String] = [:]
    if method.usesSoftRules {
      let kinds = Set(graph.nodes.map(\.operation.kind))
      for (name, value) in settings.ofSoftRules where name != "border" {
        // Only kinds of operations that the network has.
        let kind = name.split(separator: ".").last.map(String.init) ?? name
        if Temperatures.Kind(rawValue: kind) == nil || kinds.contains(kind) { values[name] = value }
      }
    }
    switch method {
    case .smoothGrad, .smoothPullback:
      values["draws"] = "\(settings.smoothGrad.count)"
      values["noise"] = "\(noise) of the embeddings' standard deviation"
      values["seed"] = "\(seed)"
    case .integratedGradients, .integratedPullbacks:
      values["points"] = "\(settings.integratedGradientsPoints)"
      values["weighting"] = settings.weighting.rawValue
      values["baseline"] = "embeddings of zero"
    case .attentionRollout: values["residual"] = "0.5"
    case .random: values["seed"] = "\(seed)"
    default: break
    }
    return values
  }
}

private func standardDeviation(_ values: [Float]) -> Double {
  let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
  return (values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(values.count)).squareRoot()
}

/// A text as the network takes it from the embeddings of its tokens on, and what of the output is explained.
struct EmbeddedText {
  let encoding: Encoding
  let model: TextModel
  let network: Network
  /// `(1, T, C)`
  let x: Tensor
  /// The pass at x.
  let trace: Trace
  let combination: Target
  let value: Double

  /// - Parameter explainers: the explainers, which determine what is pulled back in the pass at the text.
  init(
    _ encoding: Encoding, _ target: TextTarget, by model: TextModel, for explainers: [TextExplainer] = []
  ) throws(PullbackError) {
    self.encoding = encoding
    self.model = model
    network = try model.embeddedNetwork(types: model.types(of: encoding))
    x = try model.embeddings(of: encoding.ids)
    var rules: [RuleSet] = []
    for explainer in explainers { rules += try explainer.rulesAtTheText(for: network.graph) }
    trace = try network.trace(at: x, rules: rules)
    combination = try target.combination(at: trace.value, of: model.head)
    value = try Selector([combination]).values(of: trace.value, of: network)[0]
  }

  /// The value with some tokens masked, for each of several sets of tokens.
  func values(masking sets: [[Int]]) throws(PullbackError) -> [Double] {
    let width = x.shape[2]
    let mask = try model.maskEmbedding()
    var values: [Double] = []
    // A few texts at a time bound the memory.
    for first in stride(from: 0, to: sets.count, by: 16) {
      let batch = sets[first..<min(sets.count, first + 16)]
      let inputs = batch.map { set in
        var masked = x
        masked.withUnsafeMutableBuffer { masked in
          for token in set {
            for place in 0..<width { masked[token * width + place] = mask[place] }
          }
        }
        return masked
      }
      values += try Selector.all(combination, images: batch.count)
        .values(of: network(Tensor(batching: inputs)), of: network)
    }
    return values
  }
}

extension TextModel {
  /// The types of tokens as the model knows them: the first where it has no others.
  func types(of encoding: Encoding) -> [Int] {
    let knowsTypes = configuration.family == .bert || configuration.family == .roberta
    return encoding.tokens.map { knowsTypes ? min($0.type, configuration.types - 1) : 0 }
  }

  /// The embedding of the mask token; zeros where there is none.
  func maskEmbedding() throws(PullbackError) -> [Float] {
    guard let id = ["[MASK]", "<mask>"].lazy.compactMap({ tokenizer.id(of: $0) }).first else {
      return [Float](repeating: 0, count: configuration.width)
    }
    return try embeddings(of: [id]).scalars
  }

  /// The model's output for a text, or for two: a vector or logits.
  public func output(of text: String, with other: String? = nil) throws(PullbackError) -> [Float] {
    let encoding = try tokenizer.encode(text, with: other)
    return try embeddedNetwork(types: types(of: encoding))(embeddings(of: encoding.ids)).scalars
  }
}
