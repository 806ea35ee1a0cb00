/// An ordered table from operations to rules; the first entry that matches a node decides.
///
/// Gradient, hard pullback and soft pullback are three tables over one engine. An operation that nothing matches is an
/// error. Tables are equal if their entries are, whatever their names.
public struct RuleSet: Hashable, Sendable {
  /// The pattern of nodes that an entry matches.
  public enum Pattern: Hashable, Sendable {
    /// The node of this name. A network without it refuses the table, unless it is a part of a network with it.
    case node(String)
    /// Every operation of this kind, such as `relu`.
    case kind(String)
    /// Every operation of this character.
    case character(OperationCharacter)
    /// Every operation.
    case any
  }

  /// A line of the table.
  public struct Entry: Hashable, Sendable {
    /// The nodes that the entry is for.
    public let pattern: Pattern
    /// The rule that pulls cotangents back through them.
    public let rule: any Rule

    public static func == (a: Entry, b: Entry) -> Bool {
      a.pattern == b.pattern && AnyHashable(a.rule) == AnyHashable(b.rule)
    }
    public func hash(into hasher: inout Hasher) {
      hasher.combine(pattern)
      hasher.combine(AnyHashable(rule))
    }
  }

  /// The name of the table, for messages and records.
  public internal(set) var name: String
  /// The lines, the first that matches decides.
  public private(set) var entries: [Entry]
  /// The first line of each pattern, counted from the last line, which stays where it is as lines are put before it.
  /// Tables with a line for each node are looked up once for each node.
  private var places: [Pattern: Int] = [:]

  /// - Parameters:
  ///   - name: the name of the table, for messages and records.
  ///   - entries: patterns and their rules, the first that matches decides.
  public init(_ name: String, _ entries: [(Pattern, any Rule)]) {
    self.name = name
    self.entries = entries.map { Entry(pattern: $0.0, rule: $0.1) }
    for (place, entry) in self.entries.reversed().enumerated() { places[entry.pattern] = place }
  }

  /// This table with an entry put before all others.
  public func overriding(_ pattern: Pattern, with rule: any Rule) -> RuleSet {
    var copy = self
    copy.entries.insert(Entry(pattern: pattern, rule: rule), at: 0)
    copy.places[pattern] = entries.count
    return copy
  }

  public static func == (a: RuleSet, b: RuleSet) -> Bool { a.entries == b.entries }
  public func hash(into hasher: inout Hasher) { hasher.combine(entries) }

  /// The rule for a node. Nodes without inputs, which are the network's inputs, constants and parameters, get
  /// ``Gradient``; it is never called for them.
  ///
  /// - Throws: `PullbackError` if no entry matches it.
  public func rule(for node: Graph.Node) throws(PullbackError) -> any Rule {
    if node.inputs.isEmpty { return Gradient() }
    let matching: [Pattern] = [
      .node(node.name), .kind(node.operation.kind), .character(node.operation.character), .any,
    ]
    if let place = matching.compactMap({ places[$0] }).max() { return entries[entries.count - 1 - place].rule }
    throw PullbackError(
      .usage, "node \(node.name)", "the rule set \(name) has no rule for the operation \(node.operation.kind)",
      advice: "name one with overriding(_:with:)")
  }
}

extension RuleSet {
  /// The soft pullback's rule at softmax attention.
  public enum AttentionRule: String, Sendable, CaseIterable {
    /// The attention matrix is routing: the paper, and the release for PVT.
    case frozen
    /// The gradient, through the attention matrix too: the release for ViT.
    case released = "released-mha"
  }

  /// The derivative of every operation.
  public static let gradient = RuleSet("gradient", [(.any, Gradient())])

  /// The soft pullback: every layer's adjoint averaged over small perturbations of its pre-activations, in the backward
  /// pass only. Sigmoid gates and softmax weights are routing.
  ///
  /// Source: paper, section 3; temperatures as released.
  public static func softPullback(
    _ temperatures: Temperatures = Temperatures(), border: SoftMaxPool.Border = .zeros,
    attention: AttentionRule = .frozen
  ) -> RuleSet {
    let attentionRule: any Rule =
      switch attention {
      case .frozen: FrozenAttention(temperature: temperatures[.attention])
      case .released: ReleasedAttention(temperature: temperatures[.attention])
      }
    let reluRule: any Rule =
      switch temperatures.reluNoise {
      case .normal: SoftGate(temperature: temperatures[.relu])
      case .logistic: LogisticGate(temperature: temperatures[.relu])
      }
    let softened: [(Pattern, any Rule)] = [
      (.kind("relu"), reluRule),
      (.kind("relu6"), SoftGate(temperature: temperatures[.relu6])),
      (.kind("gelu"), SoftGate(temperature: temperatures[.gelu])),
      (.kind("silu"), SoftGate(temperature: temperatures[.silu])),
      (.kind("maxpool"), SoftMaxPool(temperature: temperatures[.maxpool], border: border)),
      (.kind("attention"), attentionRule),
    ]
    return RuleSet("soft-pullback", softened + affineOperator)
  }

  /// The excitation pullback of versions 1 to 4 of the paper: logistic gates at ReLU, everything else as in the soft
  /// pullback. Source: arXiv 2507.22832v4.
  public static func excitationPullback(temperature: Float = 0.3) -> RuleSet {
    var temperatures = Temperatures()
    temperatures[.relu] = temperature
    temperatures.reluNoise = .logistic
    var rules = softPullback(temperatures)
    rules.name = "excitation-pullback"
    return rules
  }

  /// The hard pullback: the adjoint of the affine operator that the network is at the input, its routing held constant.
  /// For a network of ReLU and max pooling it is the gradient. Source: paper, section 2.
  public static let hardPullback = RuleSet(
    "hard-pullback", [(.kind("attention"), FrozenAttention(temperature: 1))] + affineOperator)

  /// The rules by which a network is affine at a point, for every character of operation but
  /// ``OperationCharacter/nonlinear``. Gates for which the paper has no temperature are held as they are.
  private static var affineOperator: [(Pattern, any Rule)] {
    [
      (.character(.linear), Gradient()),
      (.character(.gate), HardGate()),
      (.character(.selection), Gradient()),
      (.character(.normalisation), FrozenStatistics()),
      (.character(.routing), Routing()),
      (.character(.product), RoutedProduct()),
    ]
  }
}

/// The temperatures of the soft rules, per kind of operation and, over that, per node.
public struct Temperatures: Sendable, Equatable {
  /// An operation whose rule has a temperature.
  public enum Kind: String, Sendable, CaseIterable {
    /// The names of the operations' kinds.
    case relu, relu6, gelu, silu, maxpool, attention

    /// The released value; ReLU6 takes ReLU's.
    public var released: Float {
      switch self {
      case .relu, .relu6: 0.6
      case .gelu, .attention: 1
      case .silu: 1.6
      case .maxpool: 0.3
      }
    }
  }

  /// The noise that a gate is averaged over.
  public enum Noise: Sendable {
    /// The paper's normal gate, `Phi(z / tau)`.
    case normal
    /// The logistic gate of the paper's versions 1 to 4, `sigmoid(z / tau)`.
    case logistic
  }

  private var values: [Kind: Float] = [:]
  /// The noise on the pre-activations of ReLU.
  public var reluNoise = Noise.normal

  /// The released temperatures.
  public init() {}

  /// The temperature of a kind of operation.
  public subscript(kind: Kind) -> Float {
    get { values[kind] ?? kind.released }
    set { values[kind] = newValue }
  }

  /// The kinds whose temperature was set, even if to the released value.
  public var changedKinds: Set<Kind> { Set(values.keys) }
}
