import ExperimentKit
import Text
import Training

extension Measure {
  /// The tokens of the text, and PyTorch's name for the encoder.
  private static let tokens = 128
  private static let encoder = "minilm"

  /// A text of 128 tokens explained by an encoder of all-MiniLM-L6-v2's size, from the embeddings on: each pass beside
  /// PyTorch's, and a pullback beside PyTorch's gradient.
  func measureText(_ report: inout Report) throws {
    let json = """
      {"model_type": "bert", "vocab_size": 30522, "hidden_size": 384, "num_hidden_layers": 6, \
      "num_attention_heads": 12, "intermediate_size": 1536, "max_position_embeddings": 512}
      """
    let configuration = try TextConfiguration(json: Array(json.utf8), name: "config.json")
    let graph = try configuration.graph(types: [Int](repeating: 0, count: Self.tokens), head: .mean, prefix: "")
    let network = try Network(untrained: graph, seed: 1).starting(at: "embeddings.word_embeddings")
    let x = 0.05 * RandomStream(seed: 1, "bench: text").normals([1, Self.tokens, configuration.width])
    let torch = TorchSide(python: python, model: Self.encoder, batch: 1, threads: threads, clock: clock)
    for pass in Pass.allCases {
      var ours = Double.infinity
      var theirs: Double?
      let counterpart = pass == .forward ? Pass.forward : .gradient
      for _ in 0..<3 {
        ours = min(ours, try clock.least(within: seconds / 3, atLeast: 1) { try pass.run(network, x) })
        if let time = torch?.seconds(counterpart, within: seconds / 3) { theirs = min(theirs ?? .infinity, time) }
      }
      let name = pass == .soft ? "pullback, to PyTorch's gradient" : pass.rawValue
      report.add(
        .text, "\(Self.encoder), \(Self.tokens) tokens, \(name)", 1000 * ours, "ms", torch: theirs.map { 1000 * $0 })
    }
  }
}
