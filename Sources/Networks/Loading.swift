import Pullbacks

extension Network {
  /// The network `architecture` with the parameters of `checkpoint`.
  ///
  /// - Throws: ``PullbackError`` if a tensor is missing, has another shape, or holds a value that is not finite.
  public init(_ architecture: Architecture, checkpoint: Checkpoint, resolution: Int? = nil) throws {
    try self.init(architecture.graph(resolution: resolution), checkpoint: checkpoint)
  }

  /// The network `graph` with the parameters of `checkpoint`.
  ///
  /// - Throws: ``PullbackError`` if a tensor is missing, has another shape, or holds a value that is not finite.
  public init(_ graph: Graph, checkpoint: Checkpoint) throws {
    var parameters: [String: Tensor] = [:]
    for (name, description) in graph.parameters {
      guard let entry = checkpoint.entry(name) else { continue }
      guard entry.shape == description.shape else {
        throw PullbackError(
          .data, checkpoint.path, "tensor \(name) has shape \(entry.shape), \(graph.name) expects \(description.shape)",
          advice: "check that the checkpoint belongs to this model")
      }
      parameters[name] = try checkpoint.tensor(name, requireFinite: true)
    }
    do {
      try self.init(graph, parameters: parameters)
    } catch {
      throw PullbackError(error.kind, checkpoint.path, "as \(error.subject): \(error.problem)", advice: error.advice)
    }
  }
}
