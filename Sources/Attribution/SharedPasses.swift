import Pullbacks

/// Several explainers at work on the same inputs.
///
/// Explainers whose ``Explainer/points`` are equal share the forward passes at them, and those with equal rules the
/// backward passes: gradient, saliency, input x gradient, soft pullback, guided backpropagation, class activation maps,
/// the first step of an ascent and the output itself cost one forward pass in all. Results are those of each explainer
/// by itself, bit for bit.
extension [any Explainer] {
  /// The attributions of each input by every explainer.
  ///
  /// Inputs go through in batches of ``Context/batchSize``; results do not depend on it.
  ///
  /// - Parameters:
  ///   - x: inputs, batch axis first; images are `(N, C, H, W)` in `[-1, 1]`.
  ///   - selectors: the quantities of each input's output that are explained.
  ///   - network: the network that is explained.
  ///   - context: the random numbers, the size of batches, and the report of passes.
  /// - Returns: per explainer and selector a tensor of the shape of `x`, as
  ///   `Explainer.attribute` describes it.
  /// - Throws: `PullbackError` if the inputs do not fit the network or an explainer, a selector has another number of
  ///   targets than there are inputs, or the network has no such target.
  public func attributeAll(
    _ x: Tensor, _ selectors: [Selector], of network: Network, in context: Context = Context()
  ) throws(PullbackError) -> [[Tensor]] {
    for selector in selectors where selector.targets.count != x.shape.first {
      throw PullbackError(
        .usage, "target", "expected one for each of \(x.shape.first ?? 0) images, found \(selector.targets.count)")
    }
    return try explanations(of: x, by: network, in: context, known: selectors) { _, _ in selectors }.maps
  }

  /// The output of the network at each input, and the attributions by every explainer of what the output suggests, such
  /// as the class of the largest logit.
  ///
  /// - Parameters:
  ///   - x: inputs, batch axis first; images are `(N, C, H, W)` in `[-1, 1]`.
  ///   - network: the network that is explained.
  ///   - context: the random numbers, the size of batches, and the report of passes.
  ///   - selecting: the explained quantities of the outputs of some inputs, given the outputs and the range of the
  ///     inputs; always the same number of selectors.
  /// - Throws: as ``attributeAll(_:_:of:in:)``, and what `selecting` throws.
  public func explain(
    _ x: Tensor, of network: Network, in context: Context = Context(),
    selecting: (_ output: Tensor, _ images: Range<Int>) throws(PullbackError) -> [Selector]
  ) throws(PullbackError) -> Explanations {
    try explanations(of: x, by: network, in: context, known: nil, selecting)
  }

  /// The explainers that share passes, as places in this array: in the order of their first members.
  public var sharing: [[Int]] {
    var keys: [PassKey] = []
    var groups: [[Int]] = []
    for (place, explainer) in enumerated() {
      let key = PassKey(explainer)
      if let group = keys.firstIndex(of: key) {
        groups[group].append(place)
      } else {
        keys.append(key)
        groups.append([place])
      }
    }
    return groups
  }

  /// - Parameter known: the selectors, where they do not depend on the output; then the output is not asked for.
  private func explanations(
    of x: Tensor, by network: Network, in context: Context, known: [Selector]?,
    _ selecting: (_ output: Tensor, _ images: Range<Int>) throws(PullbackError) -> [Selector]
  ) throws(PullbackError) -> Explanations {
    try check(x, network)
    let plans = try map { explainer throws(PullbackError) in try explainer.plan(for: network, in: context) }
    var groups = sharing
    if known == nil {
      // The output comes first, from the pass at the inputs themselves.
      let first = groups.firstIndex { PassKey(self[$0[0]]).isAtInputs }.map { groups.remove(at: $0) } ?? []
      groups.insert(first, at: 0)
    }
    var selectors = known ?? []
    var output: [Tensor] = []
    var maps = [[[Tensor]]](repeating: [], count: count)
    for (place, group) in groups.enumerated() {
      let asksOutput = known == nil && place == 0
      var asked = Plan(nodes: asksOutput ? [network.graph.outputName] : [])
      for member in group { asked.add(plans[member]) }
      let points: any Points = group.first.map { self[$0].points } ?? TheImage()
      let isTogether = group.first.map { self[$0].randomNumbers == .shared } ?? false
      let size = isTogether ? Swift.max(1, x.shape[0]) : context.batchSize
      for first in stride(from: 0, to: x.shape[0], by: size) {
        let images = first..<Swift.min(x.shape[0], first + size)
        let batch = images.count == x.shape[0] ? x : x.images(images)
        var context = context
        context.keys = context.keys.map { [Int]($0[images]) }
        var chosen = asksOutput ? [] : selectors.map { $0[[Int](images)] }
        let found = try asked.findings(at: points, around: batch, of: network, in: context) {
          (value, rows) throws(PullbackError) in
          guard asksOutput else { return chosen.map { $0[rows] } }
          chosen = try selecting(value, images)
          return chosen
        }
        if asksOutput {
          output.append(found.values[0])
          selectors = first == 0 ? chosen : zip(selectors, chosen).map { Selector($0.targets + $1.targets) }
        }
        for member in group {
          let own = asked.answers(to: plans[member], from: found)
          maps[member].append(try self[member].finish(own, at: batch, chosen, of: network, in: context))
        }
      }
    }
    return Explanations(
      output: output.isEmpty ? nil : Tensor(joining: output), selectors: selectors,
      maps: maps.map { parts in selectors.indices.map { selector in Tensor(joining: parts.map { $0[selector] }) } })
  }

  private func check(_ x: Tensor, _ network: Network) throws(PullbackError) {
    let shape = network.graph.inputShape
    guard x.rank == shape.count + 1, Array<Int>(x.shape.dropFirst()) == shape, x.shape[0] > 0 else {
      throw PullbackError(
        .usage, "input of \(network.graph.name)",
        "expected shape (N, \(shape.map(String.init).joined(separator: ", "))), found \(x.shape)")
    }
    for explainer in self { try explainer.requirement.check(shape, for: explainer.name) }
  }
}

/// The attributions of several explainers for the same inputs.
public struct Explanations: Sendable {
  private let value: Tensor?
  /// The selectors that were explained.
  public let selectors: [Selector]
  /// Per explainer and selector a tensor of the inputs' shape.
  public let maps: [[Tensor]]

  fileprivate init(output: Tensor?, selectors: [Selector], maps: [[Tensor]]) {
    (value, self.selectors, self.maps) = (output, selectors, maps)
  }

  /// The network's output at the inputs, `(N, ...)`.
  public var output: Tensor { value! }
}

/// The key of passes: explainers with equal keys share passes.
private struct PassKey: Equatable {
  private let points: AnyHashable
  private let isTogether: Bool

  init(_ explainer: any Explainer) {
    points = explainer.points.identity
    isTogether = explainer.randomNumbers == .shared
  }

  /// Whether the passes are those at the inputs themselves.
  var isAtInputs: Bool { points == TheImage().identity && !isTogether }
}

extension Points {
  fileprivate var identity: AnyHashable { AnyHashable(self) }
}

extension Plan {
  /// Takes in what another explainer asks at the same points; nothing is asked twice.
  fileprivate mutating func add(_ other: Plan) {
    for pullback in other.pullbacks where !pullbacks.contains(pullback) { pullbacks.append(pullback) }
    for node in other.nodes where !nodes.contains(node) { nodes.append(node) }
  }

  /// The findings for one explainer's plan among the findings for all.
  fileprivate func answers(to plan: Plan, from all: Findings) -> Findings {
    Findings(
      pullbacks: plan.pullbacks.map { all.pullbacks[pullbacks.firstIndex(of: $0)!] },
      values: plan.nodes.map { all.values[nodes.firstIndex(of: $0)!] })
  }

  /// Runs the network at the points around or before each input.
  ///
  /// - Parameter selecting: the selectors of a batch, given its outputs and the input that each row belongs to.
  fileprivate func findings(
    at points: any Points, around x: Tensor, of network: Network, in context: Context,
    selecting: (_ value: Tensor, _ rows: [Int]) throws(PullbackError) -> [Selector]
  ) throws(PullbackError) -> Findings {
    guard !isEmpty else { return Findings(pullbacks: [], values: []) }
    var (pulled, values) = ([[WeightedMean]](), nodes.map { _ in WeightedMean(points, inputs: x.shape[0]) })
    let input = network.graph.nodes[0].name
    // One backward pass reaches all nodes of one table.
    var tables: [(rules: RuleSet, nodes: [String])] = []
    for pullback in pullbacks {
      if let table = tables.firstIndex(where: { $0.rules == pullback.rules }) {
        tables[table].nodes.append(pullback.node ?? input)
      } else {
        tables.append((pullback.rules, [pullback.node ?? input]))
      }
    }
    let kept = nodes.filter { $0 != network.graph.outputName }
    let keys = points.randomNumbers == .none ? [] : context.keys(of: x)
    for round in 0..<points.rounds {
      let network = points.network(network, round: round, noise: context.noise)
      // A row is a point of an input. Each input's points are added in their order, however rows fall into batches.
      try context.forEachBatch(of: x.shape[0] * points.count) { rows throws(PullbackError) in
        let inputs = rows.map { row in
          let image = row / points.count
          return points.point(
            row % points.count, round: round, of: x.image(image), key: keys.isEmpty ? 0 : keys[image],
            noise: context.noise)
        }
        let trace = try context.trace(
          of: network, at: Tensor(joining: inputs), rules: tables.map(\.rules), keeping: kept)
        context.report(forward: rows.count)
        for (place, node) in nodes.enumerated() {
          let value = try trace.activation(node)
          values[place].add(value.shape[0] == rows.count ? value : value.repeated(rows.count), rows)
        }
        let cotangents = try selecting(trace.value, rows.map { $0 / points.count }).map {
          selector throws(PullbackError) in try selector.cotangent(at: trace.value, of: network)
        }
        if pulled.isEmpty {
          pulled = pullbacks.map { _ in cotangents.map { _ in WeightedMean(points, inputs: x.shape[0]) } }
        }
        for table in tables {
          for (selector, cotangent) in cotangents.enumerated() {
            let arrived = try trace.pullbacks(cotangent, by: table.rules, to: table.nodes)
            context.report(backward: rows.count)
            for (place, pullback) in pullbacks.enumerated() where pullback.rules == table.rules {
              pulled[place][selector].add(arrived[pullback.node ?? input]!, rows)
            }
          }
        }
      }
    }
    return Findings(pullbacks: pulled.map { $0.map(\.tensor) }, values: values.map(\.tensor))
  }
}

/// The weighted mean over the points of each input, in the making.
private struct WeightedMean {
  private let points: any Points
  private let inputs: Int
  private var sum: Tensor?
  /// The values if the mean is over one point of weight 1.
  private var parts: [Tensor] = []

  init(_ points: any Points, inputs: Int) { (self.points, self.inputs) = (points, inputs) }

  private var isOnePoint: Bool { points.count == 1 && points.rounds == 1 && points.weight(0) == 1 }

  /// Adds the values at some points, given which rows these are of all rows of a round.
  mutating func add(_ values: Tensor, _ rows: Range<Int>) {
    guard !isOnePoint else { return parts.append(values) }
    if sum == nil { sum = Tensor(shape: [inputs] + values.shape.dropFirst()) }
    for (place, row) in rows.enumerated() {
      sum!.addToImage(row / points.count, Float(points.weight(row % points.count)), of: values, image: place)
    }
  }

  var tensor: Tensor { isOnePoint ? Tensor(joining: parts) : sum! }
}

extension Tensor {
  /// Batches joined along axis 0; a single one is not copied.
  fileprivate init(joining parts: [Tensor]) { self = parts.count == 1 ? parts[0] : Tensor(batching: parts) }
}
