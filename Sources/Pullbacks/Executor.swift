/// An implementation of passes through a network. Its results equal those of running every operation by itself, up to
/// rounding; an executor may share, fuse or keep intermediate results.
///
/// ``PlainExecutor`` is the readable one: it does what the mathematics says, node by node.
public protocol Executor: Sendable {
  /// The network of `graph` with the parameters of each node, made ready to be run.
  func prepare(_ graph: Graph, _ parameters: [[Tensor]]) -> any PreparedNetwork
}

/// A network that an executor has made ready.
public protocol PreparedNetwork: Sendable {
  /// Runs a forward pass in evaluation mode, and keeps what is asked for.
  ///
  /// - Parameters:
  ///   - inputs: the network's inputs, in their order, with one batch extent.
  ///   - request: the values that the pass has to keep.
  func record(_ inputs: [Tensor], keeping request: Request) -> any Recording
}

/// The values that a forward pass has to keep, in addition to its outputs.
public struct Request: Sendable {
  /// The layouts of rules for the backward passes; the pass keeps the values that their rules read.
  public let layouts: [RuleLayout]
  /// Nodes whose values are asked for.
  public let nodes: Set<Int>

  /// The values at node `index` that backward passes read.
  public func needs(_ index: Int, of graph: Graph) -> Needs {
    layouts.reduce(into: []) { needs, layout in
      if layout.carries[index] { needs.formUnion(layout.rules[index].needs(at: graph.nodes[index].operation)) }
    }
  }
}

/// A forward pass that was run.
public protocol Recording: Sendable {
  /// The value of node `index`, a row for each image where it is batched; nil where it was not kept.
  func value(_ index: Int) -> Tensor?

  /// Pulls cotangents of some nodes back to others.
  ///
  /// - Parameters:
  ///   - cotangents: the cotangents by node.
  ///   - layout: one of the layouts that the pass was recorded for.
  ///   - stops: the nodes whose cotangents are asked for; nodes before the first of them are not visited.
  /// - Returns: the cotangent of each stop, by node; stops that no cotangent reaches are left out.
  func pull(_ cotangents: [Int: Tensor], by layout: RuleLayout, to stops: Set<Int>) -> [Int: Tensor]
}

/// A rule set laid out over a graph: each node's rule, and which nodes a cotangent passes on its way from an output to
/// an input. Left out are routing and nodes that only routing takes, integers, and nodes that depend on no input.
public struct RuleLayout: Sendable {
  /// The rule of each node.
  public let rules: [any Rule]
  /// Whether a cotangent passes, for each node.
  public let carries: [Bool]

  init(_ rules: RuleSet, over graph: Graph) throws(PullbackError) {
    for entry in rules.entries {
      if case .node(let name) = entry.pattern, !graph.knownNames.contains(name) { throw graph.unknown(name) }
    }
    var resolved: [any Rule] = []
    var carries: [Bool] = []
    for node in graph.nodes {
      let rule = try rules.rule(for: node)
      resolved.append(rule)
      let depends = node.isInput || (!rule.isRouting && node.inputs.contains { carries[$0] })
      carries.append(depends && node.type == .float32)
    }
    guard graph.outputs.contains(where: { carries[$0.node] }) else { throw graph.nothingCarried(by: rules) }
    var reached = [Bool](repeating: false, count: graph.nodes.count)
    for output in graph.outputs where carries[output.node] { reached[output.node] = true }
    for (index, node) in graph.nodes.enumerated().reversed() where reached[index] {
      try resolved[index].check(node, carriesInput: node.inputs.map { carries[$0] })
      for input in node.inputs where carries[input] { reached[input] = true }
    }
    self.rules = resolved
    self.carries = reached
  }
}

extension Graph {
  /// The reason why no cotangent passes from any output.
  fileprivate func nothingCarried(by rules: RuleSet) -> PullbackError {
    let subject = "node \(nodes[output].name)"
    guard outputs.contains(where: { nodes[$0.node].isBatched }) else {
      return PullbackError(
        .usage, subject, "the output does not depend on an input: there is nothing to pull back to")
    }
    var reached = nodes.map { $0.isInput && $0.type == .float32 }
    for (index, node) in nodes.enumerated() where node.type == .float32 {
      if node.inputs.contains(where: { reached[$0] }) { reached[index] = true }
    }
    guard outputs.contains(where: { reached[$0.node] }) else {
      let first = nodes.first { $0.isBatched && $0.type == .float32 }
      return PullbackError(
        .usage, subject, "the output depends on integers alone, and no cotangent reaches an integer",
        advice: first.map { "explain the network from \($0.name) on: by starting(at:), or by exporting it from there" })
    }
    return PullbackError(
      .usage, subject, "the output is routing under the rule set \(rules.name): nothing can be pulled back from it",
      advice: "end the network before its last gate, by naming that value as the output, or take the gradient")
  }
}

/// Adds cotangents up where a value is taken by several nodes.
package struct Cotangents {
  private var sums: [Tensor?]

  package init(_ cotangents: [Int: Tensor], over graph: Graph) {
    sums = [Tensor?](repeating: nil, count: graph.nodes.count)
    for (node, cotangent) in cotangents { sums[node] = cotangent }
  }

  /// The sum of the cotangents that have arrived at a node so far.
  package subscript(node: Int) -> Tensor? {
    get { sums[node] }
    set { sums[node] = newValue }
  }

  /// Removes and returns the sum at a node.
  package mutating func take(_ node: Int) -> Tensor? {
    defer { sums[node] = nil }
    return sums[node]
  }

  package mutating func add(_ part: Tensor, to node: Int) {
    if sums[node] == nil { sums[node] = part } else { sums[node]! += part }
  }

  /// Adds the cotangents that a node pulled back to the sums at its inputs. An input that all images share gets the sum
  /// over the images.
  ///
  /// - Precondition: the cotangents have the shapes of the inputs. Otherwise this traps with a message for the author
  ///   of the rule; `fatalError` prints its message in optimised code too.
  package mutating func add(_ pulled: [Tensor?], to node: Graph.Node, wants: [Bool], in graph: Graph) {
    for ((input, isWanted), part) in zip(zip(node.inputs, wants), pulled) where isWanted {
      guard let part else { continue }
      guard part.shape.dropFirst() == graph.nodes[input].shape[...] else {
        fatalError(
          "node \(node.name): the rule for this \(node.operation.kind) gives a cotangent of shape \(part.shape) to "
            + "the input \(graph.nodes[input].name) of shape \(graph.nodes[input].shape), the batch axis not counted")
      }
      add(graph.nodes[input].isBatched ? part : part.summed(to: [1] + graph.nodes[input].shape), to: input)
    }
  }

  /// The remaining sums, each changed: for one image of a batch.
  package func map(_ change: (Tensor) -> Tensor) -> Cotangents {
    var copy = self
    copy.sums = sums.map { $0.map(change) }
    return copy
  }
}
