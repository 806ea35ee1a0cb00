import Attribution
import Pullbacks

/// An explainer under evaluation.
public struct Contender: Sendable {
  public let name: String
  public let explainer: any Explainer
  /// Whether its maps are summed over the channels before they are scored, and the sum taken for each channel.
  public let sumsChannels: Bool

  public init(name: String, explainer: any Explainer, sumsChannels: Bool = false) {
    self.name = name
    self.explainer = explainer
    self.sumsChannels = sumsChannels
  }

  /// A method with the hyper-parameters of `settings`, its maps treated as a version of the benchmark does: in v5 what
  /// captum computed was summed over the channels, while the pullbacks and the ascent kept three.
  ///
  /// - Parameter name: what tells it from the same method with other settings; nil is the method's own.
  /// - Throws: ``PullbackError`` if the method is not defined for the graph.
  public init(
    _ method: Method, _ settings: MethodSettings, for graph: Graph, in version: BenchmarkVersion, name: String? = nil
  ) throws(PullbackError) {
    self.init(
      name: name ?? method.rawValue, explainer: try method.explainer(settings, for: graph),
      sumsChannels: version == .v5 && !method.usesSoftRules && method != .gradientAscent)
  }
}

/// Explainers, metrics and a network: everything a benchmark's scores depend on but the images.
///
/// What several explainers or metrics have in common is computed once: the responses to images and to perturbed images
/// that do not depend on the explainer; forward passes of explainers that evaluate the network at the same points, such
/// as a gradient method and its pullback twin; the explanations that several metrics compare. Perturbed images of all
/// explainers of a family go through the network together.
///
/// Scores depend on neither ``batchSize`` nor threads nor which images are evaluated together or before.
public struct Benchmark: Sendable {
  public let network: Network
  public let contenders: [Contender]
  public let metrics: [any Metric]
  public let seed: UInt64
  public let batchSize: Int
  /// Called after passes through the network.
  public var report: @Sendable (Cost) -> Void = { _ in }
  let families: [ExplainerFamily]

  /// - Throws: ``PullbackError`` if the network is no classifier of images with two classes or more, or a metric must
  ///   run an explainer again of which only maps are given.
  public init(
    of network: Network, _ contenders: [Contender], by metrics: [any Metric], seed: UInt64 = 314, batchSize: Int = 8
  ) throws(PullbackError) {
    let (input, output) = (network.graph.inputShape, network.graph.outputShape)
    guard input.count == 3, output.count == 1, output[0] >= 2 else {
      throw PullbackError(
        .usage, network.graph.name,
        "expected a classifier of images with two classes or more, found inputs \(input) and "
          + "outputs \(output)")
    }
    for metric in metrics
    where metric.recomputesExplanations && contenders.contains(where: { $0.explainer is GivenMaps }) {
      throw PullbackError(
        .usage, "metric \(metric.name)",
        "needs the explainer again, at other inputs, classes or networks, and only maps are "
          + "given", advice: "leave it out, or name a method in place of the maps")
    }
    self.network = network
    self.contenders = contenders
    self.metrics = metrics
    self.seed = seed
    self.batchSize = batchSize
    families = ExplainerFamily.families(of: contenders.map(\.explainer))
  }

  /// The contenders of each stage of a block's work.
  public var stages: [[Int]] { families.map(\.members) }

  /// What each contender's metrics ask of the explainer beside the explanation itself.
  var requests: [ExplanationRequest] {
    var seen: Set<ExplanationRequest> = []
    return metrics.compactMap { ($0 as? any ExplanationMetric)?.request }.filter { seen.insert($0).inserted }
  }

  /// The passes that a stage would take for one image if every metric and explainer were computed on its own, as
  /// evaluation toolkits do: each metric that looks at responses asks for the image's own, and each that recomputes
  /// explanations for its own.
  public func costWithoutSharing(ofStage stage: Int) -> Cost {
    let shape = network.graph.inputShape
    var (explanations, responses) = (1, 0)
    for metric in metrics {
      switch metric {
      case let metric as any ExplanationMetric: explanations += count(metric.request)
      case let metric as any RankedPerturbationMetric: responses += metric.count(for: shape) + 1
      case let metric as any SharedPerturbationMetric: responses += metric.trial(of: blankSample, seed: seed).count + 1
      default: break
      }
    }
    return families[stage].members.reduce(Cost(forward: 0, backward: 0)) { sum, member in
      let cost = contenders[member].explainer.cost(for: network.graph)
      return sum + Cost(forward: cost.forward * explanations + responses, backward: cost.backward * explanations)
    }
  }

  private var blankSample: Sample {
    Sample(index: 0, name: "", image: Tensor(shape: [1] + network.graph.inputShape), target: 0)
  }

  private func count(_ request: ExplanationRequest) -> Int {
    switch request {
    case .noisy(let draws, _): draws
    case .otherClass, .mosaic: 1
    case .randomised(let order, let stops): order.layers(of: network.graph, stops: stops).count
    }
  }
}
