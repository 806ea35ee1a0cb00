/// Multiples c of each channel's own spread, in place of ``Temperatures``: for all gates and max pools, or for some
/// kinds of operation. An extension, not in the paper; see ``RelativeGate``.
///
/// ```swift
/// RelativeTemperatures(1.5)                      // all
/// RelativeTemperatures([.relu: 1, .maxpool: 2])  // these kinds, and others keep their temperature
/// RelativeTemperatures(1.5, [.relu: 1])          // 1.5 for all but ReLU
/// ```
public struct RelativeTemperatures: Hashable, Sendable {
  /// c of every gate and max pool whose kind is not among ``kinds``; nil leaves them their temperatures.
  public let others: Float?
  /// c of single kinds, where it is not that of ``others``.
  public let kinds: [Temperatures.Kind: Float]

  /// None: every kind keeps its temperature.
  public init() { self.init(nil, [:]) }

  /// - Parameters:
  ///   - c: the multiple of all gates and max pools, of kinds that have no ``Temperatures/Kind`` too.
  ///   - kinds: c of the kinds for which it is another.
  /// - Precondition: multiples are positive, and kinds have a relative rule.
  public init(_ c: Float?, _ kinds: [Temperatures.Kind: Float] = [:]) {
    precondition(c.map { $0 > 0 } ?? true && kinds.values.allSatisfy { $0 > 0 }, "a multiple is positive")
    precondition(kinds.keys.allSatisfy(\.hasRelativeRule), "a kind without a relative rule")
    others = c
    self.kinds = kinds.filter { $0.value != c }
  }

  /// - Parameter kinds: c of some kinds; others keep their temperature.
  /// - Precondition: as ``init(_:_:)``.
  public init(_ kinds: [Temperatures.Kind: Float]) { self.init(nil, kinds) }

  /// The multiple c for networks that no temperature was published for, of attributions and of pictures: table 5 and
  /// figure 12 compare it with others.
  public static let recommendedMultiple: Float = 1.5

  /// ``recommendedMultiple`` for all gates and max pools.
  public static let recommended = Self(recommendedMultiple)

  /// c of a kind of operation; nil where it keeps its temperature.
  public subscript(kind: Temperatures.Kind) -> Float? { kinds[kind] ?? (kind.hasRelativeRule ? others : nil) }

  /// The multiples for people: `c = 1.5`, `c = 1 (relu), 2 (maxpool)`; nil if there are none.
  public var inWords: String? {
    let ofKinds = kinds.map { "\($0.value) (\($0.key.rawValue))" }.sorted()
    let all = (others.map { ["\($0)"] } ?? []) + ofKinds
    return all.isEmpty ? nil : "c = \(all.joined(separator: ", "))"
  }

  /// Whether every kind keeps its temperature.
  public var isEmpty: Bool { others == nil && kinds.isEmpty }
}

extension Temperatures.Kind {
  /// Whether its noise can be relative to a channel's spread: attention's cannot.
  public var hasRelativeRule: Bool { self != .attention }
}

/// A rule whose noise is relative to the spread of each channel.
public protocol RelativeRule: Rule {
  /// The noise's deviation in units of the channel's.
  var multiple: Float { get }
  /// sigma
  var spread: Spread { get }
}

extension RelativeGate: RelativeRule {}
extension RelativeMaxPool: RelativeRule {}

extension RuleSet {
  /// The soft pullback with noise of c times each channel's own spread, in place of a temperature for all: an
  /// extension, not in the paper.
  ///
  /// - Parameters:
  ///   - c: the multiple of all gates and max pools; ``RelativeGate`` and ``RelativeMaxPool`` say what it does.
  ///   - spreads: the spreads of the network's pre-activations. Where one is missing, the image's own values give it.
  ///   - graph: the graph of the network that is to be explained.
  ///   - border: the treatment of a max pool's window's places outside the plane.
  public static func relativePullback(
    _ c: Float, _ spreads: Spreads, over graph: Graph, border: SoftMaxPool.Border = .zeros
  ) -> RuleSet {
    relativePullback(RelativeTemperatures(c), spreads, over: graph, border: border)
  }

  /// The soft pullback with noise relative to each channel's own spread, for all gates and max pools or for some kinds:
  /// an extension, not in the paper. Everything else has the rule of ``softPullback(_:border:attention:)``.
  ///
  /// - Parameters:
  ///   - multiples: c for each kind; ``RelativeGate`` and ``RelativeMaxPool`` say what it does.
  ///   - spreads: the spreads of the network's pre-activations. Where one is missing, the image's own values give it.
  ///   - graph: the graph of the network that is to be explained.
  ///   - temperatures: the temperatures of the kinds that `multiples` leaves out.
  ///   - border: the treatment of a max pool's window's places outside the plane.
  ///   - attention: the rule at softmax attention.
  public static func relativePullback(
    _ multiples: RelativeTemperatures, _ spreads: Spreads, over graph: Graph,
    else temperatures: Temperatures = Temperatures(), border: SoftMaxPool.Border = .zeros,
    attention: AttentionRule = .frozen
  ) -> RuleSet {
    var entries: [(Pattern, any Rule)] = []
    for (node, axis) in graph.softenedNodes {
      let kind = Temperatures.Kind(rawValue: node.operation.kind)
      guard let c = kind.map({ multiples[$0] }) ?? multiples.others else { continue }
      let spread = spreads[node.name] ?? .ofImage(channelAxis: axis)
      let isPool = node.operation is any MaxPooling
      entries.append(
        (.node(node.name), isPool ? RelativeMaxPool(c, of: spread, border: border) : RelativeGate(c, of: spread)))
    }
    let others = softPullback(temperatures, border: border, attention: attention).entries
    return RuleSet("relative-pullback", entries + others.map { ($0.pattern, $0.rule) })
  }

  /// The spreads that the rules for a graph's nodes are relative to, in the order of the nodes.
  ///
  /// - Throws: `PullbackError` if the table has no rule for a node.
  public func spreads(over graph: Graph) throws(PullbackError) -> [(node: Graph.Node, spread: Spread)] {
    var found: [(node: Graph.Node, spread: Spread)] = []
    for node in graph.nodes {
      if let rule = try rule(for: node) as? any RelativeRule { found.append((node, rule.spread)) }
    }
    return found
  }
}
