import ExperimentKit

extension Measure {
  /// Measures the time of a forward pass by kind of operation, every layer run by itself.
  func measureOperations(_ report: inout Report) throws {
    for model in models {
      let network = try someNetwork(model)
      let parameters = network.parameters
      let nodes = network.graph.nodes
      for batch in batches {
        var values = [someImages(batch, for: network)]
        var times: [String: Double] = [:]
        for node in nodes.dropFirst() {
          let inputs = node.inputs.map { values[$0] }
          let own = node.parameters.map { parameters[node.fullName($0)]! }
          times[node.operation.kind, default: 0] += clock.least(within: 0.02) {
            _ = node.operation.forward(inputs, own, mode: .evaluation)
          }
          values.append(node.operation.forward(inputs, own, mode: .evaluation).output)
        }
        for (kind, time) in times.sorted(by: { $0.value > $1.value }) {
          report.add(.operations, "\(model), batch \(batch), \(kind) layers forward, one by one", 1000 * time, "ms")
        }
      }
    }
  }
}
