import Execution
import Pullbacks

extension Network {
  /// The network `architecture` with the parameters of `checkpoint`, and as many classes as the checkpoint tells apart.
  ///
  /// - Throws: `PullbackError` if a tensor is missing, has another shape, or holds a value that is not finite.
  public init(_ architecture: Architecture, checkpoint: Checkpoint, resolution: Int? = nil) throws {
    let classes = try architecture.classes(in: checkpoint)
    try self.init(architecture.graph(resolution: resolution, classes: classes), checkpoint: checkpoint) {
      architecture.storedName(of: $0, in: checkpoint)
    }
  }

  /// The network `graph` with the parameters of `checkpoint`.
  ///
  /// - Parameters:
  ///   - graph: the network's structure.
  ///   - checkpoint: the file of its parameters; tensors that the graph does not ask for are left alone.
  ///   - storedName: the checkpoint's name for a parameter of the graph.
  /// - Throws: `PullbackError` if a tensor is missing, has another shape, or holds a value that is not finite.
  public init(_ graph: Graph, checkpoint: Checkpoint, storedName: (String) -> String = { $0 }) throws {
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
      try self.init(graph, parameters: parameters)
    } catch {
      throw PullbackError(error.kind, checkpoint.path, "as \(error.subject): \(error.problem)", advice: error.advice)
    }
  }
}
