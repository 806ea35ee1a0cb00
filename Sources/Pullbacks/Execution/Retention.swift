/// Which nodes' values some backward pass reads.
struct Retention {
  /// Those that are read as they are.
  var keeps: [Bool]
  /// Those that max pools read, which can rectify what they read.
  private(set) var keepsForPools: [Bool]

  /// - Parameter parameters: whether gradients with respect to parameters are asked for too.
  init(_ graph: Graph, plans: [Trace.Plan], parameters: Bool) {
    keeps = [Bool](repeating: false, count: graph.nodes.count)
    keepsForPools = keeps
    for (index, node) in graph.nodes.enumerated() {
      var needs: Needs = []
      for plan in plans where plan.carries[index] { needs.formUnion(plan.rules[index].needs(at: node.operation)) }
      if parameters {
        needs.formUnion(node.operation.gradientNeeds)
        if node.parameters.contains(where: \.isLearnable) { needs.insert(.inputs) }
      }
      if needs.contains(.output) { keeps[index] = true }
      guard needs.contains(.inputs) else { continue }
      for input in node.inputs {
        if node.operation is MaxPool { keepsForPools[input] = true } else { keeps[input] = true }
      }
    }
  }
}
