import Failures
import Pullbacks

/// The output that a language model is asked for.
public enum TextHead: Hashable, Sendable {
  /// A vector for the text: the mean over its tokens.
  case mean
  /// A vector for the text: that of its first token.
  case first
  /// A vector for the text: that of its first token, through the layer that BERT has for it.
  case pooler
  /// A logit for each of some classes.
  case classes(Int)
  /// A logit for each token of the vocabulary, to follow the last one.
  case nextToken
}

extension TextConfiguration {
  /// The network for texts of `count` tokens, from their numbers on.
  ///
  /// Nodes have Hugging Face's names of the layers, so that parameters have those of the checkpoint. Products of a gate
  /// and a value hold each constant in turn for the other.
  ///
  /// - Parameters:
  ///   - types: the type of each token, as many as there are tokens.
  ///   - head: the output that is asked for.
  ///   - prefix: the prefix of the body's names in the checkpoint: `bert.`.
  /// - Throws: `PullbackError` if there are more tokens than places, or a configuration that is not supported.
  public func graph(types: [Int], head: TextHead, prefix: String) throws(PullbackError) -> Graph {
    try check(types)
    let builder = TextGraphBuilder(configuration: self, types: types, head: head, prefix: prefix)
    return try Graph(family.rawValue, inputs: [.init("tokens", [types.count], type: .int64)]) {
      [("output", builder.output(builder.body($0[0])))]
    }
  }

  /// The network that a decoder is trained as: for texts of `count` tokens, from their numbers on, the logits of what
  /// follows each of them, `(T, tokens)`. Its parameters are those of the graph that has ``TextHead/nextToken``.
  ///
  /// - Throws: as ``graph(types:head:prefix:)``.
  package func trainingGraph(count: Int) throws(PullbackError) -> Graph {
    let types = [Int](repeating: 0, count: count)
    try check(types)
    let builder = TextGraphBuilder(configuration: self, types: types, head: .nextToken, prefix: usualPrefix)
    return try Graph(family.rawValue, inputs: [.init("tokens", [count], type: .int64)]) {
      [("output", builder.body($0[0]).linear("lm_head", tokens, bias: false))]
    }
  }

  /// Throws unless the network takes tokens of these types.
  func check(_ types: [Int]) throws(PullbackError) {
    guard !types.isEmpty else { throw PullbackError(.usage, "text", "has no tokens") }
    guard firstPlace + types.count <= places else {
      throw PullbackError(
        .usage, "text of \(types.count) tokens", "the model has places for \(max(0, places - firstPlace))",
        advice: "shorten it")
    }
    guard types.allSatisfy({ (0..<self.types).contains($0) }) || family.isCausal || family == .distilbert else {
      throw PullbackError(.usage, "text", "the model has \(self.types) token types, and the tokenizer more")
    }
    guard ["gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu", "swish"].contains(activation) else {
      throw PullbackError(
        .data, "activation \(quoted(activation))", "is not supported",
        advice: "gelu, gelu_new, gelu_pytorch_tanh, relu and silu are")
    }
  }

  /// The usual prefix of the body's names in checkpoints that have a layer for the output.
  package var usualPrefix: String {
    switch family {
    case .bert: "bert."
    case .distilbert: "distilbert."
    case .roberta: "roberta."
    case .gpt2: "transformer."
    case .llama: "model."
    }
  }

  /// Whether checkpoints keep a parameter the other way round: GPT-2 does the matrices of its layers.
  package func isStoredTransposed(_ name: String, _ shape: [Int]) -> Bool {
    family == .gpt2 && name.contains(".c_") && shape.count == 2
  }

  /// The node whose value are the embeddings of the tokens.
  func embeddingNode(prefix: String) -> String {
    switch family {
    case .bert, .distilbert, .roberta: prefix + "embeddings.word_embeddings"
    case .gpt2: prefix + "wte"
    case .llama: prefix + "embed_tokens"
    }
  }
}

private struct TextGraphBuilder {
  let configuration: TextConfiguration
  let types: [Int]
  let head: TextHead
  let prefix: String

  private var count: Int { types.count }
  private var width: Int { configuration.width }
  private var epsilon: Float { configuration.epsilon }

  private func activated(_ z: Signal, _ name: String) -> Signal {
    switch configuration.activation {
    case "gelu": z.gelu(name)
    case "relu": z.relu(name)
    case "silu", "swish": z.silu(name)
    default: z.apply(TanhGELU(), name)
    }
  }

  /// The first places of a table of embeddings.
  private func places(_ x: Signal, _ name: String) -> Signal {
    let first = configuration.firstPlace
    return x.adding(parameter(x, name, configuration.places).slice(axis: 0, first..<first + count))
  }

  private func parameter(_ x: Signal, _ name: String, _ count: Int) -> Signal {
    x.parameter(name + ".weight", [count, width])
  }

  func body(_ tokens: Signal) -> Signal {
    let embedded = tokens.embedding(
      configuration.embeddingNode(prefix: prefix), configuration.tokens, width: width)
    switch configuration.family {
    case .bert, .roberta, .distilbert: return encoder(embedded)
    case .gpt2: return gpt2(embedded)
    case .llama: return llama(embedded)
    }
  }

  // MARK: Encoders

  private func encoder(_ embedded: Signal) -> Signal {
    let isDistilled = configuration.family == .distilbert
    let embeddings = prefix + "embeddings."
    var x = embedded
    if !isDistilled {
      let table = parameter(x, embeddings + "token_type_embeddings", configuration.types)
      let numbers = x.constant(Tensor(shape: [count], integers: types.map(Int64.init)))
      x = x.adding(table.gathered(at: numbers))
    }
    x = places(x, embeddings + "position_embeddings").layerNorm(embeddings + "LayerNorm", epsilon: epsilon)
    for layer in 0..<configuration.layers {
      x =
        isDistilled
        ? encoderLayer(
          x, prefix + "transformer.layer.\(layer).", "attention.q_lin", "attention.k_lin", "attention.v_lin",
          "attention.out_lin", "sa_layer_norm", "ffn.lin1", "ffn.lin2", "output_layer_norm")
        : encoderLayer(
          x, prefix + "encoder.layer.\(layer).", "attention.self.query", "attention.self.key", "attention.self.value",
          "attention.output.dense", "attention.output.LayerNorm", "intermediate.dense", "output.dense",
          "output.LayerNorm")
    }
    return x
  }

  private func encoderLayer(
    _ x: Signal, _ layer: String, _ query: String, _ key: String, _ value: String, _ mixed: String, _ norm: String,
    _ wide: String, _ narrow: String, _ lastNorm: String
  ) -> Signal {
    let seen = x.linear(layer + query, width).attention(
      layer + "attention", keys: x.linear(layer + key, width), values: x.linear(layer + value, width),
      heads: configuration.heads)
    let y = x.adding(seen.linear(layer + mixed, width)).layerNorm(layer + norm, epsilon: epsilon)
    let hidden = activated(y.linear(layer + wide, configuration.hiddenWidth), layer + "activation")
    return y.adding(hidden.linear(layer + narrow, width)).layerNorm(layer + lastNorm, epsilon: epsilon)
  }

  // MARK: Decoders

  private func gpt2(_ embedded: Signal) -> Signal {
    var x = places(embedded, prefix + "wpe")
    for layer in 0..<configuration.layers {
      let name = prefix + "h.\(layer)."
      let parts = x.layerNorm(name + "ln_1", epsilon: epsilon).linear(name + "attn.c_attn", 3 * width)
        .split(axis: 1, into: [width, width, width])
      let scale =
        (configuration.scalesScores ? 1 / Float(configuration.headWidth).squareRoot() : 1)
        / (configuration.scalesByLayer ? Float(layer + 1) : 1)
      let seen = parts[0].attention(
        name + "attention", keys: parts[1], values: parts[2], heads: configuration.heads, scale: scale, causal: true)
      x = x.adding(seen.linear(name + "attn.c_proj", width))
      let hidden = x.layerNorm(name + "ln_2", epsilon: epsilon).linear(name + "mlp.c_fc", configuration.hiddenWidth)
      x = x.adding(activated(hidden, name + "activation").linear(name + "mlp.c_proj", width))
    }
    return x.layerNorm(prefix + "ln_f", epsilon: epsilon)
  }

  private func llama(_ embedded: Signal) -> Signal {
    let (heads, keyHeads, headWidth) = (configuration.heads, configuration.keyHeads, configuration.headWidth)
    let frequencies = configuration.frequencies
    var x = embedded
    for layer in 0..<configuration.layers {
      let name = prefix + "layers.\(layer)."
      let (attention, perceptron) = (name + "self_attn.", name + "mlp.")
      let (attends, maps) = (configuration.hasAttentionBias, configuration.hasPerceptronBias)
      let y = x.rmsNorm(name + "input_layernorm", epsilon: epsilon)
      let queries = y.linear(attention + "q_proj", heads * headWidth, bias: attends)
        .rotated(heads: heads, frequencies: frequencies, attention + "rotated queries")
      let keys = y.linear(attention + "k_proj", keyHeads * headWidth, bias: attends)
        .rotated(heads: keyHeads, frequencies: frequencies, attention + "rotated keys")
      let values = y.linear(attention + "v_proj", keyHeads * headWidth, bias: attends)
      let seen = queries.attention(
        name + "attention", keys: keys, values: values, heads: heads, keyHeads: keyHeads,
        scale: 1 / Float(headWidth).squareRoot(), causal: true)
      x = x.adding(seen.linear(attention + "o_proj", width, bias: attends))
      let z = x.rmsNorm(name + "post_attention_layernorm", epsilon: epsilon)
      let gate = activated(
        z.linear(perceptron + "gate_proj", configuration.hiddenWidth, bias: maps), perceptron + "activation")
      let value = z.linear(perceptron + "up_proj", configuration.hiddenWidth, bias: maps)
      // Both depend on the text, and neither is bounded.
      let product = gate.apply(Differentiated(Multiply()), perceptron + "product", with: value)
      x = x.adding(product.linear(perceptron + "down_proj", width, bias: maps))
    }
    return x.rmsNorm(prefix + "norm", epsilon: epsilon)
  }

  // MARK: Heads

  func output(_ x: Signal) -> Signal {
    func token(_ place: Int) -> Signal { x.slice(axis: 0, place..<place + 1).flatten() }
    /// An activation that gates nothing is read by its derivative.
    func tanh(_ x: Signal, _ name: String) -> Signal { x.apply(Differentiated(UnaryFunction.tanh), name) }
    switch (head, configuration.family) {
    case (.mean, _): return x.reduced(.mean, axes: [0])
    case (.first, _): return token(0)
    case (.pooler, _): return tanh(token(0).linear(prefix + "pooler.dense", width), prefix + "pooler.activation")
    case (.classes(let classes), .bert):
      return tanh(token(0).linear(prefix + "pooler.dense", width), prefix + "pooler.activation")
        .linear("classifier", classes)
    case (.classes(let classes), .distilbert):
      return token(0).linear("pre_classifier", width).relu("pre_classifier.activation").linear("classifier", classes)
    case (.classes(let classes), .roberta):
      return tanh(token(0).linear("classifier.dense", width), "classifier.activation")
        .linear("classifier.out_proj", classes)
    case (.classes(let classes), .gpt2), (.classes(let classes), .llama):
      return token(count - 1).linear("score", classes, bias: false)
    case (.nextToken, _): return token(count - 1).linear("lm_head", configuration.tokens, bias: false)
    }
  }
}
