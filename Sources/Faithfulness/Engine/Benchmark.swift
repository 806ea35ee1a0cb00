import Attribution
import Kernels
import Pullbacks

/// A contender under evaluation: an explainer, or maps that were computed elsewhere.
public struct Contender: Sendable {
  /// The source of a contender's maps.
  public enum Source: Sendable {
    /// They are computed here.
    case explainer(any Explainer)
    /// They were computed elsewhere, and only these are known.
    case maps(GivenMaps)
  }

  public let name: String
  public let source: Source
  /// Whether its maps are summed over the channels before they are scored, and the sum taken for each channel.
  public let sumsChannels: Bool

  public init(name: String, explainer: any Explainer, sumsChannels: Bool = false) {
    self.name = name
    source = .explainer(explainer)
    self.sumsChannels = sumsChannels
  }

  public init(name: String, maps: GivenMaps) {
    self.name = name
    source = .maps(maps)
    sumsChannels = false
  }

  /// A method with the hyper-parameters of `settings`, its maps treated as a version of the benchmark does: in v5 what
  /// captum computed was summed over the channels, while the pullbacks and the ascent kept three.
  ///
  /// - Parameter name: a name that tells it from the same method with other settings; nil is the method's own.
  /// - Throws: `PullbackError` if the method is not defined for the graph.
  public init(
    _ method: Method, _ settings: MethodSettings, for graph: Graph, in version: BenchmarkVersion, name: String? = nil
  ) throws(PullbackError) {
    self.init(
      name: name ?? method.rawValue, explainer: try method.explainer(settings, for: graph),
      sumsChannels: version == .v5 && !method.usesSoftRules && method != .gradientAscent)
  }

  /// Nil where only maps are known.
  public var explainer: (any Explainer)? {
    if case .explainer(let explainer) = source { explainer } else { nil }
  }

  /// The settings that its maps depend on, by name.
  public var settings: [String: String] {
    switch source {
    case .explainer(let explainer): explainer.settings
    case .maps(let maps): maps.settings
    }
  }
}

/// Maps that were computed elsewhere, in the place of an explainer.
public struct GivenMaps: Sendable {
  public let settings: [String: String]
  /// Batch axis first; sample i's is the i-th.
  public let maps: Tensor

  /// - Parameter digest: a digest that tells these maps from others, for records.
  public init(_ maps: Tensor, digest: String) {
    self.maps = maps
    settings = ["maps": digest]
  }
}

/// Explainers, metrics and a network: everything a benchmark's scores depend on but the images.
///
/// A benchmark computes once what several explainers or metrics have in common: the responses to images and to
/// perturbed images that do not depend on the explainer; the passes that explainers at equal points share, such as
/// those of a gradient method and its pullback twin; the explanations that several metrics compare. Perturbed images of
/// all explainers of a stage go through the network together.
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
  /// The contenders of each stage of a block's work: explainers that share passes, or one contender of given maps.
  public let stages: [[Int]]

  /// - Throws: `PullbackError` if the network is no classifier with two classes or more, an explainer or a metric is
  ///   not defined for its inputs, or a metric must run an explainer again of which only maps are given.
  public init(
    of network: Network, _ contenders: [Contender], by metrics: [any Metric], seed: UInt64 = 314, batchSize: Int = 8
  ) throws(PullbackError) {
    let (input, output) = (network.graph.inputShape, network.graph.outputShape)
    guard output.count == 1, output[0] >= 2 else {
      throw PullbackError(
        .usage, network.graph.name, "expected a classifier with two classes or more, found outputs \(output)")
    }
    for contender in contenders { try contender.explainer?.requirement.check(input, for: contender.name) }
    for metric in metrics {
      try metric.requirement.check(input, for: "metric \(metric.name)")
      guard metric.recomputesExplanations, contenders.contains(where: { $0.explainer == nil }) else { continue }
      throw PullbackError(
        .usage, "metric \(metric.name)",
        "needs the explainer again, at other inputs, classes or networks, and only maps are given",
        advice: "leave it out, or name a method in place of the maps")
    }
    self.network = network
    self.contenders = contenders
    self.metrics = metrics
    self.seed = seed
    self.batchSize = batchSize
    let explained = contenders.indices.filter { contenders[$0].explainer != nil }
    let shared = explained.map { contenders[$0].explainer! }.sharing.map { $0.map { explained[$0] } }
    let given = contenders.indices.filter { contenders[$0].explainer == nil }.map { [$0] }
    stages = (shared + given).sorted { $0[0] < $1[0] }
  }

  /// The further explanations that each contender's metrics request from the explainer.
  var requests: [ExplanationRequest] {
    var seen: Set<ExplanationRequest> = []
    return metrics.compactMap { ($0 as? any ExplanationMetric)?.request }.filter { seen.insert($0).inserted }
  }

  /// Whether a metric compares responses to perturbed images with that to the image itself.
  var needsCleanResponses: Bool {
    metrics.contains { $0 is any SharedPerturbationMetric || $0 is any RankedPerturbationMetric }
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
    return stages[stage].reduce(Cost(forward: 0, backward: 0)) { sum, member in
      let cost = contenders[member].explainer?.cost(for: network.graph) ?? Cost(forward: 0, backward: 0)
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

/// Passes through a network, added up from any thread.
public final class PassCounter: Sendable {
  private let total = Locked(Cost(forward: 0, backward: 0))

  public init() {}

  public func add(_ cost: Cost) { total.withLock { $0 = $0 + cost } }
  public var passes: Cost { total.withLock { $0 } }
}
