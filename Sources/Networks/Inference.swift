import Checkpoints
import Execution
import Pullbacks

extension Architecture {
  /// The architecture that `checkpoint` belongs to: the one whose parameters have the names and shapes of its tensors,
  /// all of them and no others. The number of classes is free.
  ///
  /// - Throws: `PullbackError` that says which architecture comes closest, if any has a tensor in common, and what it
  ///   lacks and what it leaves over.
  /// - Complexity: builds every graph and reads no tensor.
  public static func infer(from checkpoint: Checkpoint) throws(PullbackError) -> Architecture {
    var closest: Fit?
    for architecture in all {
      let fit = try Fit(of: architecture, to: checkpoint)
      if fit.distance == 0 { return architecture }
      if fit.distance < closest?.distance ?? .max { closest = fit }
    }
    guard let closest, closest.missing.count < closest.expected else {
      throw PullbackError(
        .data, checkpoint.path, "its tensors\(examples(checkpoint.names)) are those of no architecture",
        advice: "there are \(allNames)")
    }
    throw PullbackError(
      .data, checkpoint.path, "its tensors are those of no architecture; \(closest.summary)",
      advice: "name the architecture: there are \(allNames)")
  }

  /// The number of classes that `checkpoint` tells apart, the rows of its classifier; nil if it has none.
  public func classes(in checkpoint: Checkpoint) throws(PullbackError) -> Int? {
    let graph = try graph()
    let classifier = storedName(of: graph.nodes[graph.output].name + ".weight", in: checkpoint)
    guard let shape = checkpoint.entry(classifier)?.shape, shape.count == 2, shape[0] > 0 else { return nil }
    return shape[0]
  }

  /// The name under which `checkpoint` has a parameter of the graph: its own, or else its former one.
  public func storedName(of parameter: String, in checkpoint: Checkpoint) -> String {
    checkpoint.entry(parameter) == nil ? formerName(parameter) : parameter
  }
}

extension Network {
  /// The network `architecture` with the parameters of `checkpoint`, and as many classes as the checkpoint tells apart.
  ///
  /// - Throws: `PullbackError` if a tensor is missing, has another shape, or holds a value that is not finite.
  public init(_ architecture: Architecture, checkpoint: Checkpoint, resolution: Int? = nil) throws {
    let graph = try architecture.graph(resolution: resolution, classes: architecture.classes(in: checkpoint))
    try self.init(graph, checkpoint: checkpoint, executor: .fast) { architecture.storedName(of: $0, in: checkpoint) }
  }
}

/// How an architecture's parameters compare with a checkpoint's tensors.
private struct Fit {
  let name: String
  let expected: Int
  /// Parameters that the checkpoint lacks, or has in another shape.
  let missing: [String]
  /// Tensors that the architecture has no use for, but for the counters that PyTorch keeps beside running statistics.
  let leftOver: [String]

  init(of architecture: Architecture, to checkpoint: Checkpoint) throws(PullbackError) {
    let parameters = try architecture.graph(classes: architecture.classes(in: checkpoint)).parameters
    var missing: [String] = []
    var used: Set<String> = []
    for (name, description) in parameters {
      let stored = architecture.storedName(of: name, in: checkpoint)
      if checkpoint.entry(stored)?.shape == description.shape { used.insert(stored) } else { missing.append(name) }
    }
    self.name = architecture.name
    self.missing = missing
    expected = parameters.count
    leftOver = checkpoint.names.filter { !used.contains($0) && !$0.hasSuffix("num_batches_tracked") }
  }

  var distance: Int { missing.count + leftOver.count }

  var summary: String {
    """
    closest is \(name): of its \(expected) tensors \(missing.count) are missing or of another shape\
    \(examples(missing)), and \(leftOver.count) of the file's are left over\(examples(leftOver))
    """
  }
}

private func examples(_ names: [String]) -> String {
  names.isEmpty ? "" : " (\(names.prefix(3).map(quoted).joined(separator: ", "))\(names.count > 3 ? ", ..." : ""))"
}
