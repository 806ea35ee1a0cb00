/// An ordered table from operations to rules; the first entry that matches a node decides.
///
/// Gradient, hard pullback and soft pullback are three tables over one engine. An operation that nothing matches is an
/// error.
public struct RuleSet: Sendable {
  /// What an entry matches.
  public enum Pattern: Hashable, Sendable {
    /// The node of this name.
    case node(String)
    /// Every operation of this kind, such as `relu`.
    case kind(String)
    /// Every operation.
    case any
  }

  /// A line of the table.
  public struct Entry: Sendable {
    /// Which nodes it is for.
    public let pattern: Pattern
    /// How a cotangent is pulled back through them.
    public let rule: any Rule
  }

  /// The name of the table, for messages and records.
  public internal(set) var name: String
  /// The lines, the first that matches decides.
  public private(set) var entries: [Entry]

  /// - Parameters:
  ///   - name: of the table, for messages and records.
  ///   - entries: patterns and their rules, the first that matches decides.
  public init(_ name: String, _ entries: [(Pattern, any Rule)]) {
    self.name = name
    self.entries = entries.map { Entry(pattern: $0.0, rule: $0.1) }
  }

  /// This table with an entry put before all others.
  public func overriding(_ pattern: Pattern, with rule: any Rule) -> RuleSet {
    var copy = self
    copy.entries.insert(Entry(pattern: pattern, rule: rule), at: 0)
    return copy
  }

  /// The whole table in words: equal for equal tables.
  public var signature: String {
    ([name] + entries.map { "\($0.pattern): \($0.rule.equation)" }).joined(separator: "\n")
  }

  /// The rule for a node. The image itself needs none.
  ///
  /// - Throws: ``PullbackError`` if no entry matches it.
  public func rule(for node: Graph.Node) throws(PullbackError) -> any Rule {
    for entry in entries {
      switch entry.pattern {
      case .node(let name) where name == node.name: return entry.rule
      case .kind(let kind) where kind == node.operation.kind: return entry.rule
      case .any: return entry.rule
      default: continue
      }
    }
    if node.operation is Input { return Gradient() }
    throw PullbackError(
      .usage, "node \(node.name)", "the rule set \(name) has no rule for the operation \(node.operation.kind)",
      advice: "name one with overriding(_:with:)")
  }
}

extension RuleSet {
  /// What the soft pullback does at softmax attention.
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
    let gates: [(Pattern, any Rule)] = [
      (.kind("relu"), SoftGate(.relu, temperature: temperatures[.relu])),
      (.kind("relu6"), SoftGate(.relu6, temperature: temperatures[.relu6])),
      (.kind("gelu"), SoftGate(.gelu, temperature: temperatures[.gelu])),
      (.kind("silu"), SoftGate(.silu, temperature: temperatures[.silu])),
      (.kind("maxpool"), SoftMaxPool(temperature: temperatures[.maxpool], border: border)),
      (.kind("attention"), attentionRule),
    ]
    return RuleSet("soft-pullback", gates + frozenRouting + ordinaryAdjoints)
  }

  /// The hard pullback: the adjoint of the affine operator that the network is at the input, its routing held constant.
  /// For a network of ReLU and max pooling it is the gradient. Source: paper, section 2.
  public static let hardPullback: RuleSet = {
    let gates: [(Pattern, any Rule)] = [
      (.kind("relu"), Gradient()),
      (.kind("relu6"), Gradient()),
      (.kind("gelu"), SoftGate(.gelu, temperature: 1)),
      (.kind("silu"), SoftGate(.silu, temperature: 1)),
      (.kind("maxpool"), Gradient()),
      (.kind("attention"), FrozenAttention(temperature: 1)),
    ]
    return RuleSet("hard-pullback", gates + frozenRouting + ordinaryAdjoints)
  }()

  /// What the pullbacks hold constant whatever the temperature.
  private static var frozenRouting: [(Pattern, any Rule)] {
    [
      (.kind("layernorm"), FrozenLayerNorm()),
      (.kind("sigmoid"), Routing()),
      (.kind("softmax"), Routing()),
      (.kind("multiply"), RoutedProduct()),
      (.kind("matmul"), RoutedProduct()),
    ]
  }

  /// Operations that are linear at fixed parameters.
  private static var ordinaryAdjoints: [(Pattern, any Rule)] {
    [
      "conv", "linear", "batchnorm", "affine", "avgpool", "add", "concat", "reshape", "transpose", "slice", "identity",
      "dropout", "layerscale", "posembedding", "classtoken",
    ].map { (.kind($0), Gradient()) }
  }
}

/// The temperatures of the soft rules, per kind of operation and, over that, per node.
public struct Temperatures: Sendable, Equatable {
  /// An operation whose rule has a temperature.
  public enum Kind: String, Sendable, CaseIterable {
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

  private var values: [Kind: Float] = [:]

  /// The released temperatures.
  public init() {}

  /// The temperature of a kind of operation.
  public subscript(kind: Kind) -> Float {
    get { values[kind] ?? kind.released }
    set { values[kind] = newValue }
  }
}
