import Attribution
import Pullbacks

/// Perturbed images of several trials on their way through the network in full batches, whichever trials they belong
/// to.
struct ResponseQueue {
  /// A trial of a sample.
  struct Job {
    let sample: Sample
    let trial: Trial
  }

  let network: Network
  let batchSize: Int
  let report: @Sendable (Cost) -> Void

  /// The responses to every job's perturbed images.
  func responses(_ jobs: [Job]) throws(PullbackError) -> [[Response]] {
    var results = jobs.map { _ in [Response]() }
    let rows = jobs.indices.flatMap { job in (0..<jobs[job].trial.count).map { (job, $0) } }
    for start in stride(from: 0, to: rows.count, by: batchSize) {
      let batch = rows[start..<min(rows.count, start + batchSize)]
      let size = network.graph.inputShape.reduce(1, *)
      let inputs = Tensor(shape: [batch.count] + network.graph.inputShape) { buffer in
        for (place, (job, index)) in batch.enumerated() {
          let image = UnsafeMutableBufferPointer(rebasing: buffer[place * size..<(place + 1) * size])
          jobs[job].sample.image.withUnsafeBuffer { _ = image.update(fromContentsOf: $0) }
          jobs[job].trial.perturb(index, image)
        }
      }
      let found = try responses(inputs, targets: batch.map { jobs[$0.0].sample.target })
      for ((job, _), response) in zip(batch, found) { results[job].append(response) }
    }
    return results
  }

  /// The responses to a batch of images.
  func responses(_ inputs: Tensor, targets: [Int]) throws(PullbackError) -> [Response] {
    let logits = try network(inputs)
    report(Cost(forward: inputs.shape[0], backward: 0))
    return try targets.enumerated().map { row, target throws(PullbackError) in
      let ranking = Prediction.ranking(logits.image(row).scalars)
      guard let prediction = ranking.first(where: { $0.target == target }) else {
        throw PullbackError(
          .usage, "class \(target)", "\(network.graph.name) has the classes 0 to \(network.graph.outputShape[0] - 1)")
      }
      return Response(logit: Double(prediction.logit), probability: prediction.probability)
    }
  }
}
