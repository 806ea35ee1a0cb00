import Attribution
import Pullbacks

/// A few images under evaluation: what all explainers share about them is computed when it is first asked for.
public final class BenchmarkBlock {
  /// One score.
  public struct Entry: Equatable, Sendable {
    /// Indices into the benchmark's contenders and metrics and the block's samples.
    public let contender: Int
    public let metric: Int
    public let sample: Int
    public let score: Score
  }

  /// A contender's explanation of a sample, and what metrics compare it with.
  struct Explained {
    let map: Tensor
    var others: [ExplanationRequest: [Tensor]] = [:]
  }

  private let benchmark: Benchmark
  private let samples: [Sample]
  private let queue: ResponseQueue
  private var shared: (clean: [Response], trials: [[Trial?]], responses: [[[Response]]])?

  /// - Throws: ``PullbackError`` if an image does not fit the network or its class is none of the network's.
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
  public func scores(stage: Int) throws(PullbackError) -> [Entry] {
    let family = benchmark.families[stage]
    let explained = try explanations(by: family)
    return try scores(explained, of: family.members)
  }

  // MARK: Explanations

  private func explanations(by family: ExplainerFamily) throws(PullbackError) -> [[Explained]] {
    if let given = benchmark.contenders[family.members[0]].explainer as? GivenMaps {
      return [samples.map { Explained(map: finished(given.maps.image($0.index), family.members[0])) }]
    }
    let requests = benchmark.requests
    let classes = benchmark.network.graph.outputShape[0]
    func maps(_ inputs: [Explicandum], _ network: Network) throws(PullbackError) -> [[[Tensor]]] {
      try family.maps(
        inputs, of: network, seed: benchmark.seed, batchSize: benchmark.batchSize, report: benchmark.report)
    }
    let images = samples.map { sample in
      let other =
        requests.contains(.otherClass)
        ? [RandomLogit.otherClass(for: sample, classes: classes, seed: benchmark.seed)] : []
      return Explicandum(input: sample.image, targets: [sample.target] + other, index: sample.index, purpose: "")
    }
    var explained = try maps(images, benchmark.network).enumerated().map { member, maps in
      maps.map { maps in
        Explained(map: finished(maps[0], family.members[member]))
          .with(maps.count > 1 ? [.otherClass: [finished(maps[1], family.members[member])]] : [:])
      }
    }
    let (others, owners) = otherInputs(requests)
    for (member, maps) in try maps(others, benchmark.network).enumerated() {
      for (owner, map) in zip(owners, maps) {
        explained[member][owner.sample].others[owner.request, default: []].append(
          finished(map[0], family.members[member]))
      }
    }
    let plain = samples.map { Explicandum(input: $0.image, targets: [$0.target], index: $0.index, purpose: "") }
    for request in requests {
      guard case .randomised(let order, let stops) = request else { continue }
      for layers in order.layers(of: benchmark.network.graph, stops: stops) {
        let network = try benchmark.network.randomised(layers, seed: benchmark.seed)
        for (member, maps) in try maps(plain, network).enumerated() {
          for (sample, map) in maps.enumerated() {
            explained[member][sample].others[request, default: []].append(finished(map[0], family.members[member]))
          }
        }
      }
    }
    return explained
  }

  /// Noisy images and mosaics, in an order that keeps inputs of one purpose together.
  private func otherInputs(
    _ requests: [ExplanationRequest]
  ) -> (inputs: [Explicandum], owners: [(sample: Int, request: ExplanationRequest)]) {
    var inputs: [Explicandum] = []
    var owners: [(sample: Int, request: ExplanationRequest)] = []
    func add(_ input: Tensor, _ sample: Int, _ request: ExplanationRequest, _ purpose: String) {
      inputs.append(
        Explicandum(input: input, targets: [samples[sample].target], index: samples[sample].index, purpose: purpose))
      owners.append((sample, request))
    }
    for request in requests {
      switch request {
      case .noisy(let draws, let amplitude):
        for draw in 0..<draws {
          for (place, sample) in samples.enumerated() {
            let stream = RandomStream(seed: benchmark.seed, "sensitivity", image: sample.index, draw: draw)
            let noise =
              2 * amplitude * stream.uniforms(sample.image.shape)
              + Tensor(shape: sample.image.shape, repeating: -amplitude)
            add(sample.image + noise, place, request, "/sensitivity \(draw)")
          }
        }
      case .mosaic:
        for (place, sample) in samples.enumerated() {
          if let mosaic = sample.mosaic { add(mosaic.image, place, request, "/focus") }
        }
      case .otherClass, .randomised: continue
      }
    }
    return (inputs, owners)
  }

  private func finished(_ map: Tensor, _ contender: Int) -> Tensor {
    benchmark.contenders[contender].sumsChannels ? map.channelsSummed : map
  }

  // MARK: Scores

  private func scores(_ explained: [[Explained]], of members: [Int]) throws(PullbackError) -> [Entry] {
    let shared = try sharedResponses()
    var entries: [Entry] = []
    var waiting: [(entry: Int, job: ResponseQueue.Job, map: Tensor, clean: Response)] = []
    for (row, contender) in members.enumerated() {
      for (place, metric) in benchmark.metrics.enumerated() {
        for (index, sample) in samples.enumerated() {
          let explanation = explained[row][index]
          var score = Score(.notFinite)
          if explanation.map.isFinite {
            switch metric {
            case let metric as any MapMetric: score = metric.score(explanation.map, of: sample)
            case let metric as any ExplanationMetric:
              let others = explanation.others[metric.request] ?? []
              if others.allSatisfy(\.isFinite) { score = metric.score(explanation.map, against: others, of: sample) }
            case let metric as any RankedPerturbationMetric:
              let trial = metric.trial(of: sample, ranking: explanation.map, seed: benchmark.seed)
              waiting.append((entries.count, .init(sample: sample, trial: trial), explanation.map, shared.clean[index]))
            default:
              if let trial = shared.trials[place][index] {
                score = trial.score(explanation.map, shared.clean[index], shared.responses[place][index])
              }
            }
          }
          entries.append(Entry(contender: contender, metric: place, sample: index, score: score))
        }
      }
    }
    for (waiting, responses) in zip(waiting, try queue.responses(waiting.map(\.job))) {
      let entry = entries[waiting.entry]
      entries[waiting.entry] = Entry(
        contender: entry.contender, metric: entry.metric, sample: entry.sample,
        score: waiting.job.trial.score(waiting.map, waiting.clean, responses))
    }
    return entries
  }

  /// Responses to the images and to the perturbed images that all explainers share, if a metric asks for any.
  private func sharedResponses() throws(PullbackError)
    -> (clean: [Response], trials: [[Trial?]], responses: [[[Response]]])
  {
    if let shared { return shared }
    let trials = benchmark.metrics.map { metric in
      samples.map { (metric as? any SharedPerturbationMetric)?.trial(of: $0, seed: benchmark.seed) }
    }
    let needsClean = benchmark.metrics.contains {
      $0 is any SharedPerturbationMetric || $0 is any RankedPerturbationMetric
    }
    let unchanged = Trial(count: 1, perturb: { _, _ in }, score: { _, _, _ in Score(.notFinite) })
    var jobs = needsClean ? samples.map { ResponseQueue.Job(sample: $0, trial: unchanged) } : []
    let cleanCount = jobs.count
    for trials in trials {
      for (sample, trial) in zip(samples, trials) {
        if let trial { jobs.append(.init(sample: sample, trial: trial)) }
      }
    }
    let found = try queue.responses(jobs)
    var next = cleanCount
    let responses = trials.map { trials in
      trials.map { trial -> [Response] in
        guard trial != nil else { return [] }
        defer { next += 1 }
        return found[next]
      }
    }
    let nothing = Response(logit: .nan, probability: .nan)
    let result = (
      clean: needsClean ? found[..<cleanCount].map { $0[0] } : samples.map { _ in nothing }, trials: trials,
      responses: responses
    )
    shared = result
    return result
  }
}

extension BenchmarkBlock.Explained {
  fileprivate func with(_ others: [ExplanationRequest: [Tensor]]) -> Self {
    var copy = self
    copy.others = others
    return copy
  }
}
