import ExperimentKit

extension Measure {
  /// Each pass of each network, ours and PyTorch's by turns in several rounds.
  func measureNetworks(_ report: inout Report) throws {
    for model in models {
      let network = try someNetwork(model)
      for batch in batches {
        let x = someImages(batch, for: network)
        let torch = TorchSide(python: python, model: model, batch: batch, threads: threads, clock: clock)
        for pass in Pass.allCases {
          var ours = Double.infinity
          var theirs: Double?
          for _ in 0..<3 {
            ours = min(ours, try clock.least(within: seconds / 3, atLeast: 1) { try pass.run(network, x) })
            if let time = torch?.seconds(pass, within: seconds / 3) { theirs = min(theirs ?? .infinity, time) }
          }
          report.add(
            .networks, "\(model), batch \(batch), \(pass.rawValue)", 1000 * ours, "ms", torch: theirs.map { 1000 * $0 })
        }
      }
    }
  }
}
