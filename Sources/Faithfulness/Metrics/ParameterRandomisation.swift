import Attribution
import Kernels
import Pullbacks

/// Whether an explanation depends on what the network has learned: the similarity between it and the explanation by a
/// network with randomised layers, the mean over how far the randomisation goes. The series is the similarity after
/// each stop.
///
/// Spearman's and Pearson's correlations compare all values, with their signs or without; the structural similarities
/// compare the means over the channels, as they are or each divided by its largest magnitude: a network of random
/// layers may have gradients a million times smaller, of the same structure.
/// Source: Adebayo et al. 2018 (arXiv 1810.03292), the model parameter randomisation test; the mean as in Quantus
/// 0.6.0. Random numbers: see ``RandomisationOrder``.
public struct ParameterRandomisation: ExplanationMetric {
  public enum Similarity: String, Sendable, CaseIterable {
    case spearman, ssim, pearson
    /// Spearman's correlation of the magnitudes.
    case absoluteSpearman = "absolute-spearman"
    /// The structural similarity of maps divided by their largest magnitudes.
    case scaledSSIM = "scaled-ssim"

    /// The name on an axis.
    public var title: String {
      switch self {
      case .spearman: "Spearman"
      case .ssim: "SSIM"
      case .pearson: "Pearson"
      case .absoluteSpearman: "Spearman of magnitudes"
      case .scaledSSIM: "SSIM of scaled maps"
      }
    }
  }

  public let order: RandomisationOrder
  public let similarity: Similarity
  /// The number of networks tried, evenly spread over the layers; at most the number of layers.
  public var stops = 12

  public init(_ order: RandomisationOrder, _ similarity: Similarity) {
    self.order = order
    self.similarity = similarity
  }

  public var name: String { "\(order.rawValue)-randomisation-\(similarity.rawValue)" }
  public var title: String { "\(order == .cascading ? "Casc." : "Indep.") \(similarity.title)" }
  public let direction = Direction.lower
  public let category = Category.randomisation
  public let citation = "Adebayo et al. 2018, arXiv 1810.03292"
  public var formula: String {
    "mean over stops k of similarity(e(x), e_k(x)), the network of e_k random "
      + (order == .cascading ? "from the top down to k" : "at k alone")
  }
  public var requirement: InputRequirement {
    switch similarity {
    case .ssim, .scaledSSIM: .pictures
    case .spearman, .pearson, .absoluteSpearman: .any
    }
  }
  public var settings: [String: String] { ["stops": "\(stops)"] }
  public var request: ExplanationRequest { .randomised(order, stops: stops) }

  public func score(_ map: Tensor, against others: [Tensor], of sample: Sample) -> Score {
    guard !map.isZero else { return Score(.zeroAttribution) }
    let compare = comparison(with: map)
    let similarities = Parallel.mapWholes(others.count) { compare(others[$0]) ?? .nan }
    // A randomised network may lose every gradient: then nothing is left of the explanation, but no similarity is
    // defined.
    let defined = similarities.filter { !$0.isNaN }
    guard !defined.isEmpty else { return Score(.constantAttribution) }
    return Score(mean(defined), series: similarities)
  }

  /// A function that compares other maps with this one; it computes the statistics of this map once.
  private func comparison(with map: Tensor) -> (Tensor) -> Double? {
    switch similarity {
    case .pearson:
      let values = map.doubles
      return { pearson(values, $0.doubles) }
    case .spearman, .absoluteSpearman:
      let magnitudes = similarity == .absoluteSpearman
      let ranked = ranks(map.values(magnitudes: magnitudes))
      return { pearson(ranked, ranks($0.values(magnitudes: magnitudes))) }
    case .ssim, .scaledSSIM:
      let isScaled = similarity == .scaledSSIM
      let means = isScaled ? map.scaledChannelMeans : map.channelMeans
      let (height, width) = (map.shape[2], map.shape[3])
      return { other in
        let others = isScaled ? other.scaledChannelMeans : other.channelMeans
        return structuralSimilarity(means, others, height: height, width: width)
      }
    }
  }
}

extension Tensor {
  /// The means over the channels, divided by the largest of their magnitudes.
  fileprivate var scaledChannelMeans: [Double] {
    let means = channelMeans
    let largest = means.reduce(0) { max($0, abs($1)) }
    return largest > 0 ? means.map { $0 / largest } : means
  }
}

/// The layers of a network that are made random. A layer is a node with learnable parameters.
///
/// A matrix or kernel becomes `U(-1, 1) / sqrt(fan-in)`, and so does the bias beside it; the scale of a normalisation
/// becomes 1, its shift 0 and its running statistics those of a standard normal input: PyTorch's own initialisation.
/// Random numbers: `randomisation/<parameter>`, the same in both orders.
public enum RandomisationOrder: String, Sendable, CaseIterable {
  /// From the output downwards, every layer above staying random.
  case cascading
  /// One layer at a time.
  case independent

  /// The layers that are random at each of `stops` stops, evenly spread from the output to the input, as indices of
  /// nodes; the last of each stop is the one nearest to the input.
  public func layers(of graph: Graph, stops: Int) -> [[Int]] {
    let fromTop = graph.nodes.indices.filter { graph.nodes[$0].parameters.contains(where: \.isLearnable) }.reversed()
      .map { $0 }
    let stops = min(stops, fromTop.count)
    guard stops > 0 else { return [] }
    return (1...stops).map { stop in
      let depth = stop * fromTop.count / stops
      return self == .cascading ? Array(fromTop[..<depth]) : [fromTop[depth - 1]]
    }
  }
}

extension Network {
  /// The network with the parameters of `layers`, indices of nodes, made random.
  ///
  /// - Throws: `PullbackError` if the graph refuses parameters of its own shapes, which would be a defect.
  public func randomised(_ layers: [Int], seed: UInt64) throws(PullbackError) -> Network {
    var parameters = self.parameters
    for layer in layers {
      let node = graph.nodes[layer]
      let matrix = node.parameters.first { $0.isLearnable && $0.shape.count > 1 }
      for parameter in node.parameters {
        let name = node.fullName(parameter)
        guard let matrix else {
          let isOne =
            parameter.name.hasSuffix("running_var") || (parameter.isLearnable && !parameter.name.hasSuffix("bias"))
          parameters[name] = Tensor(shape: parameter.shape, repeating: isOne ? 1 : 0)
          continue
        }
        let bound = 1 / Float(matrix.shape.dropFirst().reduce(1, *)).squareRoot()
        let numbers = RandomStream(seed: seed, "randomisation/\(name)").uniforms(parameter.shape)
        parameters[name] = bound * (2 * numbers + Tensor(shape: parameter.shape, repeating: -1))
      }
    }
    return try Network(graph, parameters: parameters, executor: executor)
  }
}
