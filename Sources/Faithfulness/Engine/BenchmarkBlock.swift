import Attribution
import Pullbacks

/// One score of a block.
public struct BlockScore: Equatable, Sendable {
  /// Indices into the benchmark's contenders and metrics and the block's samples.
  public let contender: Int
  public let metric: Int
  public let sample: Int
  public let score: Score
}

/// A few images under evaluation: what all explainers share about them is computed when it is first asked for.
public final class BenchmarkBlock {
  private let benchmark: Benchmark
  private let samples: [Sample]
  private let queue: ResponseQueue
  /// Responses to the images themselves.
  private var clean: [Response]?
  private var shared: (trials: [[Trial?]], responses: [[[Response]]])?

  /// - Throws: `PullbackError` if an image does not fit the network or its class is none of the network's.
  public init(_ benchmark: Benchmark, _ samples: [Sample]) throws(PullbackError) {
    let graph = benchmark.network.graph
    for sample in samples {
      guard sample.image.shape == [1] + graph.inputShape else {
        throw PullbackError(
          .data, sample.name, "expected an image of shape \([1] + graph.inputShape), found \(sample.image.shape)")
      }
      guard (0..<graph.outputShape[0]).contains(sample.target) else {
        throw PullbackError(
          .data, sample.name,
          "is of class \(sample.target), \(graph.name) has the classes 0 to \(graph.outputShape[0] - 1)")
      }
    }
    self.benchmark = benchmark
    self.samples = samples
    queue = ResponseQueue(network: benchmark.network, batchSize: benchmark.batchSize, report: benchmark.report)
  }

  /// The scores of a stage's contenders on every sample, in the order contender, metric, sample.
  public func scores(stage: Int) throws(PullbackError) -> [BlockScore] {
    let asksOutput = benchmark.needsCleanResponses && clean == nil
    let explained = try StageExplanations(benchmark, samples, stage: stage, asksOutput: asksOutput)
    if let output = explained.output { clean = try queue.responses(output, targets: samples.map(\.target)) }
    let clean = try cleanResponses()
    let shared = try sharedResponses()
    var scores: [BlockScore] = []
    var waiting: [(place: Int, job: ResponseQueue.Job, map: Tensor, clean: Response)] = []
    for (row, contender) in benchmark.stages[stage].enumerated() {
      for (place, metric) in benchmark.metrics.enumerated() {
        for (index, sample) in samples.enumerated() {
          let explanation = explained.explanations[row][index]
          var score = Score(.notFinite)
          if let emptiness = explanation.map.emptiness {
            score = Score(emptiness)
          } else {
            switch metric {
            case let metric as any MapMetric: score = metric.score(explanation.map, of: sample)
            case let metric as any ExplanationMetric:
              let others = explanation.others[metric.request] ?? []
              if others.allSatisfy(\.isFinite) { score = metric.score(explanation.map, against: others, of: sample) }
            case let metric as any RankedPerturbationMetric:
              let trial = metric.trial(of: sample, ranking: explanation.map, seed: benchmark.seed)
              waiting.append((scores.count, .init(sample: sample, trial: trial), explanation.map, clean[index]))
            default:
              if let trial = shared.trials[place][index] {
                score = trial.score(explanation.map, clean[index], shared.responses[place][index])
              }
            }
          }
          scores.append(BlockScore(contender: contender, metric: place, sample: index, score: score))
        }
      }
    }
    for (waiting, responses) in zip(waiting, try queue.responses(waiting.map(\.job))) {
      let place = scores[waiting.place]
      scores[waiting.place] = BlockScore(
        contender: place.contender, metric: place.metric, sample: place.sample,
        score: waiting.job.trial.score(waiting.map, waiting.clean, responses))
    }
    return scores
  }

  /// Responses to the images themselves, if a metric asks for them.
  private func cleanResponses() throws(PullbackError) -> [Response] {
    if let clean { return clean }
    guard benchmark.needsCleanResponses else {
      return samples.map { _ in Response(logit: .nan, probability: .nan) }
    }
    let unchanged = Trial(count: 1, perturb: { _, _ in }, score: { _, _, _ in Score(.notFinite) })
    let found = try queue.responses(samples.map { .init(sample: $0, trial: unchanged) }).map { $0[0] }
    clean = found
    return found
  }

  /// Responses to the perturbed images that all explainers share, if a metric asks for any.
  private func sharedResponses() throws(PullbackError) -> (trials: [[Trial?]], responses: [[[Response]]]) {
    if let shared { return shared }
    let trials = benchmark.metrics.map { metric in
      samples.map { (metric as? any SharedPerturbationMetric)?.trial(of: $0, seed: benchmark.seed) }
    }
    var jobs: [ResponseQueue.Job] = []
    for trials in trials {
      for (sample, trial) in zip(samples, trials) {
        if let trial { jobs.append(.init(sample: sample, trial: trial)) }
      }
    }
    var found = try queue.responses(jobs)[...]
    let responses = trials.map { trials in trials.map { trial in trial == nil ? [] : found.removeFirst() } }
    shared = (trials, responses)
    return (trials, responses)
  }
}

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
      let output = try network(inputs)
      report(Cost(forward: inputs.shape[0], backward: 0))
      let found = try responses(output, targets: batch.map { jobs[$0.0].sample.target })
      for ((job, _), response) in zip(batch, found) { results[job].append(response) }
    }
    return results
  }

  /// The responses in the outputs at some images, at the images' targets.
  func responses(_ output: Tensor, targets: [Int]) throws(PullbackError) -> [Response] {
    try targets.enumerated().map { row, target throws(PullbackError) in
      let ranking = Prediction.ranking(output.image(row).scalars)
      guard let prediction = ranking.first(where: { $0.target == target }) else {
        throw PullbackError(
          .usage, "class \(target)", "\(network.graph.name) has the classes 0 to \(network.graph.outputShape[0] - 1)")
      }
      return Response(logit: Double(prediction.logit), probability: prediction.probability)
    }
  }
}
