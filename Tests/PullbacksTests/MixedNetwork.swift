import Pullbacks
import TestKit

/// A small network with every kind of layer, large enough that kernels cut their work into pieces.
enum MixedNetwork {
  static let inputShape = [3, 32, 28]

  static func graph() throws -> Graph {
    try Graph("mixed", input: inputShape) { image in
      let maps = image.apply(
        ChannelAffine.normalisation(mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.3]), "normalisation"
      )
      .convolution("stem", 16, kernel: 3, padding: 1, bias: false).batchNorm("stem_bn").relu("stem_relu")
      .convolution("dense", 16, kernel: 3, padding: 1).relu("dense_relu")
      .maxPool("pool", kernel: 3, stride: 2, padding: 1)
      let gated = squeezeAndExcitation(
        maps.convolution("grouped", 16, kernel: 3, padding: 1, groups: 4).gelu("grouped_gelu")
          .convolution("depthwise", 16, kernel: 3, padding: 1, groups: 16).relu6("depthwise_relu6"))
      let halves = [gated.adding(maps, "residual").slice(axis: 0, 0..<8), gated.slice(axis: 0, 8..<16)]
      let wide = Signal.concatenate(halves).layerNorm("maps_ln", axis: .channels)
        .convolution("wide", 64, kernel: 3, stride: 2, padding: 1).silu("wide_silu").scaled(
          by: "layer_scale", [64, 1, 1])
      let places = wide.reshaped([64, 56]).transposed([1, 0])
      let placed = places.adding(places.parameter("pos_embedding", [1, 56, 64]).reshaped([56, 64]))
      let tokens = Signal.concatenate([placed.parameter("class_token", [1, 1, 64]).reshaped([1, 64]), placed])
      let normed = tokens.layerNorm("tokens_ln")
      return normed.linear("query", 24)
        .attention("attention", keys: normed.linear("key", 24), values: normed.linear("value", 24), heads: 3)
        .linear("projection", 64).adding(tokens, "tokens_residual").slice(axis: 0, 1..<57)
        .transposed([1, 0]).reshaped([64, 8, 7])
        .averagePool("halve", kernel: 2).globalAveragePool("mean").linear("hidden", 70).gelu("hidden_gelu").dropout()
        .linear("head", 10)
    }
  }

  private static func squeezeAndExcitation(_ x: Signal) -> Signal {
    let gate = x.adaptiveAveragePool("squeeze", to: 1).convolution("excite", 16, kernel: 1).sigmoid("gate")
    return x.multiplied(by: gate, "scale")
  }

  static func network() throws -> Network { try Formula.network(graph()) }

  static func images(_ count: Int) -> Tensor { Formula.image("images", [count] + inputShape) }

  /// A cotangent that reads every logit of every image.
  static func cotangent(_ count: Int) -> Tensor { Formula.image("cotangent", [count, 10]) }

  static let ruleSets: [RuleSet] = {
    var temperatures = Temperatures()
    temperatures[.relu] = 0.2
    temperatures[.maxpool] = 1
    temperatures[.attention] = 2
    return [.gradient, .hardPullback, .softPullback(), .softPullback(temperatures, border: .excluded)]
  }()

  /// The value, and the pullback by each rule set.
  static func results(_ network: Network, _ x: Tensor, _ v: Tensor) throws -> [Tensor] {
    let trace = try network.trace(at: x, rules: ruleSets)
    return try [trace.value] + ruleSets.map { try trace.pullback(v, by: $0) }
  }
}
