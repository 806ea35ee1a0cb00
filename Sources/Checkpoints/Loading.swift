import Pullbacks

extension Network {
  /// The network `graph` with the parameters of `checkpoint`.
  ///
  /// - Parameters:
  ///   - graph: the network's structure.
  ///   - checkpoint: the file of its parameters; tensors that the graph does not ask for are left alone.
  ///   - executor: the executor of passes.
  ///   - storedName: the checkpoint's name for a parameter of the graph.
  /// - Throws: `PullbackError` if a tensor is missing, has another shape, or holds a value that is not finite.
  public init(
    _ graph: Graph, checkpoint: Checkpoint, executor: any Executor, storedName: (String) -> String = { $0 }
  ) throws {
    var parameters: [String: Tensor] = [:]
    for (name, description) in graph.parameters {
      guard let entry = checkpoint.entry(storedName(name)) else { continue }
      guard entry.shape == description.shape else {
        throw PullbackError(
          .data, checkpoint.path,
          "tensor \(entry.name) has shape \(entry.shape), \(graph.name) expects \(description.shape)",
          advice: "check that the checkpoint belongs to this model")
      }
      parameters[name] = try checkpoint.tensor(entry.name, requireFinite: true)
    }
    do {
      try self.init(graph, parameters: parameters, executor: executor)
    } catch {
      throw PullbackError(error.kind, checkpoint.path, "as \(error.subject): \(error.problem)", advice: error.advice)
    }
  }
}
