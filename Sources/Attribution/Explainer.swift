import Pullbacks

/// A way to explain what in an input speaks for a class: where the network is evaluated, what is asked of it there, and
/// how the answers become an attribution.
///
/// Explainers are values: settings go into the initialiser, inputs into `attribute`, and nothing is remembered in
/// between. An explainer says beforehand what it asks (``points`` and ``plan(for:in:)``) and is handed the answers
/// (``finish(_:at:_:of:in:)``); so several explainers share the passes that they have in common, see
/// `attributeAll(_:_:of:in:)`. Passes that depend on answers, such as the later steps of an ascent, an explainer runs
/// itself.
public protocol Explainer: Sendable {
  /// The name on the command line: `soft-pullback`.
  var name: String { get }

  /// Every setting, by name, as records and the command line write them.
  var settings: [String: String] { get }

  /// The inputs that it is defined for; by default any.
  var requirement: InputRequirement { get }

  /// The baseline of an explainer whose attributions are shares of `f(x) - f(baseline)`; nil for others.
  var sharedFrom: Baseline? { get }

  /// The points at which the network is evaluated; by default the input itself. Explainers at equal points share the
  /// passes there.
  var points: any Points { get }

  /// The random numbers that it draws; by default those of its ``points``.
  var randomNumbers: RandomNumbers { get }

  /// Passes through the network for one input and one selector.
  ///
  /// - Parameter graph: the graph of the network that is to be explained.
  func cost(for graph: Graph) -> Cost

  /// The pullbacks and values that it needs at the ``points``; by default none, for which no pass is run.
  ///
  /// - Parameters:
  ///   - network: the network that is to be explained.
  ///   - context: its report is called for passes that the plan itself takes.
  func plan(for network: Network, in context: Context) throws(PullbackError) -> Plan

  /// The attributions of a few inputs, a tensor of the shape of `x` per selector.
  ///
  /// - Parameters:
  ///   - found: the answers to the ``plan(for:in:)``.
  ///   - x: inputs, batch axis first.
  ///   - selectors: the quantities of each input's output that are explained.
  ///   - network: the network that is explained.
  ///   - context: the place of these inputs in the whole input, and the random numbers.
  func finish(
    _ found: Findings, at x: Tensor, _ selectors: [Selector], of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor]
}

extension Explainer {
  public var requirement: InputRequirement { .any }
  public var sharedFrom: Baseline? { nil }
  public var points: any Points { TheImage() }
  public var randomNumbers: RandomNumbers { points.randomNumbers }
  public func plan(for network: Network, in context: Context) throws(PullbackError) -> Plan { Plan() }

  /// The attribution of each input.
  ///
  /// Inputs go through in batches of ``Context/batchSize``; results do not depend on it.
  ///
  /// - Parameters:
  ///   - x: inputs, batch axis first; images are `(N, C, H, W)` in `[-1, 1]`.
  ///   - selectors: the quantities of each input's output that are explained. Several share what passes they can.
  ///   - network: the network that is explained.
  ///   - context: the random numbers, the size of batches, and the report of passes.
  /// - Returns: per selector signed values of the shape of `x`, in the units of the output per unit of the input unless
  ///   the explainer says otherwise. Explainers without channels repeat their map for each.
  /// - Throws: `PullbackError` if the inputs do not fit the network or the explainer, a selector has another number of
  ///   targets than there are inputs, or the network has no such target.
  public func attribute(
    _ x: Tensor, _ selectors: [Selector], of network: Network, in context: Context = Context()
  ) throws(PullbackError) -> [Tensor] {
    let alone: [any Explainer] = [self]
    return try alone.attributeAll(x, selectors, of: network, in: context)[0]
  }

  /// The attribution of each input for one selector.
  ///
  /// - Parameters:
  ///   - x: inputs, batch axis first; images are `(N, C, H, W)` in `[-1, 1]`.
  ///   - selector: the quantity of each input's output that is explained.
  ///   - network: the network that is explained.
  ///   - context: the random numbers, the size of batches, and the report of passes.
  public func attribute(
    _ x: Tensor, _ selector: Selector, of network: Network, in context: Context = Context()
  ) throws(PullbackError) -> Tensor {
    try attribute(x, [selector], of: network, in: context)[0]
  }
}

/// The pullbacks and values that an explainer needs from a network at each of its points.
public struct Plan: Sendable {
  /// A pullback of every selector.
  public struct Pullback: Hashable, Sendable {
    /// The rules of the pullback.
    public let rules: RuleSet
    /// The node to whose value selectors are pulled back; nil is the input.
    public let node: String?

    /// - Parameters:
    ///   - rules: the rules by which selectors are pulled back.
    ///   - node: to which; nil is the input.
    public init(by rules: RuleSet, to node: String? = nil) {
      self.rules = rules
      self.node = node
    }
  }

  /// The pullbacks of every selector.
  public var pullbacks: [Pullback]
  /// The nodes whose values are read.
  public var nodes: [String]

  /// - Parameters:
  ///   - pullbacks: the pullbacks of every selector.
  ///   - nodes: the nodes whose values are read.
  public init(_ pullbacks: [Pullback] = [], nodes: [String] = []) {
    self.pullbacks = pullbacks
    self.nodes = nodes
  }

  /// Whether nothing is asked.
  var isEmpty: Bool { pullbacks.isEmpty && nodes.isEmpty }
}

/// The answers to a ``Plan``: weighted means over the points.
public struct Findings: Sendable {
  /// The results of the plan's pullbacks, and in each of the selectors; the inputs' batch axis first.
  public let pullbacks: [[Tensor]]
  /// The values of the plan's nodes, the inputs' batch axis first.
  public let values: [Tensor]
}

extension Graph {
  /// The name of the node whose value is the network's.
  var outputName: String { nodes[output].name }
}

/// The inputs that an explainer or a metric is defined for.
public enum InputRequirement: String, Sendable {
  /// Inputs of any shape.
  case any
  /// Channels of planes, `(C, H, W)`, of which windows, cells or tiles can be cut.
  case pictures

  /// The requirement with the shape that it means, for tables.
  public var title: String { self == .any ? "any" : "pictures (C, H, W)" }

  /// Throws unless an input of shape `shape`, without the batch axis, meets the requirement.
  ///
  /// - Parameters:
  ///   - shape: the shape of one input.
  ///   - name: the name of the explainer or metric, for the message.
  public func check(_ shape: [Int], for name: String) throws(PullbackError) {
    guard self == .any || shape.count == 3 else {
      throw PullbackError(
        .usage, name, "is defined for pictures (C, H, W), found inputs of shape \(shape)",
        advice: "take one that is defined for any input")
    }
  }
}

/// A map of standard normal noise, which depends on neither the input nor the network: its scores are a metric's level
/// of chance.
///
/// Random numbers: those of its name, the same for every class. Cost: no pass.
public struct RandomMap: Explainer {
  public let name: String

  /// - Parameter name: the name of the explainer and its random numbers.
  public init(name: String) { self.name = name }

  public var settings: [String: String] { ["values": "standard normal"] }
  public var randomNumbers: RandomNumbers { .perImage }
  public func cost(for graph: Graph) -> Cost { Cost(forward: 0, backward: 0) }

  public func finish(
    _ found: Findings, at x: Tensor, _ selectors: [Selector], of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor] {
    let shape = [1] + x.shape.dropFirst()
    let maps = context.keys(of: x).map { context.noise.normals(name, image: $0, draw: 0, shape) }
    return selectors.map { _ in Tensor(batching: maps) }
  }
}
