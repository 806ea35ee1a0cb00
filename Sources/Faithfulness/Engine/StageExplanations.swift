import Attribution
import Pullbacks

/// A contender's explanation of a sample, and what metrics compare it with.
struct SampleExplanation {
  let map: Tensor
  var others: [ExplanationRequest: [Tensor]] = [:]
}

/// The explanations by a stage's explainers for a few samples: of the images, and of all other inputs that metrics
/// request.
struct StageExplanations {
  /// The explanations, by the stage's contenders and the samples.
  private(set) var explanations: [[SampleExplanation]]
  /// The network's output at the images, if it was asked for.
  private(set) var output: Tensor?

  private let benchmark: Benchmark
  private let samples: [Sample]
  private let explainers: [any Explainer]
  private let sumsChannels: [Bool]

  /// An input to be explained, for one or several classes.
  private struct ExplainedInput: Sendable {
    /// A batch of one.
    let input: Tensor
    let targets: [Int]
    /// The sample's key, whatever is done to its image.
    let key: Int
    /// A name that separates the random numbers of this input from those of the image itself.
    var purpose = ""
  }

  /// - Parameter asksOutput: whether the output at the images is wanted too, which shares their passes.
  init(_ benchmark: Benchmark, _ samples: [Sample], stage: Int, asksOutput: Bool) throws(PullbackError) {
    let contenders = benchmark.stages[stage].map { benchmark.contenders[$0] }
    (self.benchmark, self.samples) = (benchmark, samples)
    explainers = contenders.compactMap(\.explainer)
    sumsChannels = contenders.map(\.sumsChannels)
    explanations = contenders.map { contender in
      guard case .maps(let given) = contender.source else { return [] }
      return samples.map { SampleExplanation(map: given.maps.image($0.index)) }
    }
    guard !explainers.isEmpty else { return }
    try explainImages(asksOutput: asksOutput)
    try explainOtherInputs()
    try explainByRandomisedNetworks()
  }

  private mutating func explainImages(asksOutput: Bool) throws(PullbackError) {
    let classes = benchmark.network.graph.outputShape[0]
    let asksOther = benchmark.requests.contains(.otherClass)
    let images = samples.map { sample in
      let other = asksOther ? [RandomLogit.otherClass(for: sample, classes: classes, seed: benchmark.seed)] : []
      return ExplainedInput(input: sample.image, targets: [sample.target] + other, key: sample.key)
    }
    let (maps, output) = try run(images, benchmark.network, asksOutput: asksOutput)
    self.output = output
    explanations = maps.map { maps in
      maps.map { maps in
        SampleExplanation(map: maps[0], others: maps.count > 1 ? [.otherClass: [maps[1]]] : [:])
      }
    }
  }

  /// Noisy images and mosaics, in an order that keeps inputs of one purpose together.
  private mutating func explainOtherInputs() throws(PullbackError) {
    var inputs: [ExplainedInput] = []
    var owners: [(sample: Int, request: ExplanationRequest)] = []
    func add(_ input: Tensor, _ sample: Int, _ request: ExplanationRequest, _ purpose: String) {
      inputs.append(
        ExplainedInput(
          input: input, targets: [samples[sample].target], key: samples[sample].key, purpose: purpose))
      owners.append((sample, request))
    }
    for request in benchmark.requests {
      switch request {
      case .noisy(let draws, let amplitude):
        for draw in 0..<draws {
          for (place, sample) in samples.enumerated() {
            let stream = RandomStream(seed: benchmark.seed, "sensitivity", image: sample.key, draw: draw)
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
    // Numbers that all images share are drawn once per run: then inputs of different purposes go in runs of their own.
    let sharesNumbers = explainers.contains { $0.randomNumbers == .shared }
    for run in inputs.indices.runs(by: { !sharesNumbers || inputs[$0].purpose == inputs[$1].purpose }) {
      for (member, maps) in try self.run(Array(inputs[run]), benchmark.network).maps.enumerated() {
        for (owner, map) in zip(owners[run], maps) {
          explanations[member][owner.sample].others[owner.request, default: []].append(map[0])
        }
      }
    }
  }

  private mutating func explainByRandomisedNetworks() throws(PullbackError) {
    let images = samples.map { ExplainedInput(input: $0.image, targets: [$0.target], key: $0.key) }
    for request in benchmark.requests {
      guard case .randomised(let order, let stops) = request else { continue }
      for layers in order.layers(of: benchmark.network.graph, stops: stops) {
        let network = try benchmark.network.randomised(layers, seed: benchmark.seed)
        for (member, maps) in try run(images, network).maps.enumerated() {
          for (sample, map) in maps.enumerated() {
            explanations[member][sample].others[request, default: []].append(map[0])
          }
        }
      }
    }
  }

  /// The maps by each explainer, for each input and each of its targets.
  ///
  /// - Parameter inputs: all with the same number of targets.
  private func run(
    _ inputs: [ExplainedInput], _ network: Network, asksOutput: Bool = false
  ) throws(PullbackError) -> (maps: [[[Tensor]]], output: Tensor?) {
    let seed = benchmark.seed
    let noise = NoiseSource { request in
      let input = inputs[request.image ?? 0]
      return request.numbers(
        seed: seed, purpose: request.purpose + input.purpose, image: request.image == nil ? 0 : input.key)
    }
    var context = Context(noise: noise, batchSize: benchmark.batchSize, report: benchmark.report)
    context.keys = Array(inputs.indices)
    let batch = Tensor(batching: inputs.map(\.input))
    let selectors = inputs[0].targets.indices.map { place in Selector.classes(inputs.map { $0.targets[place] }) }
    var maps: [[Tensor]]
    var output: Tensor?
    if asksOutput {
      let explained = try explainers.explain(batch, of: network, in: context) { _, images in
        selectors.map { $0[Array(images)] }
      }
      (maps, output) = (explained.maps, explained.output)
    } else {
      maps = try explainers.attributeAll(batch, selectors, of: network, in: context)
    }
    for member in maps.indices where sumsChannels[member] { maps[member] = maps[member].map(\.channelsSummed) }
    return (maps.map { maps in inputs.indices.map { input in maps.map { $0.image(input) } } }, output)
  }
}

extension Range<Int> {
  /// Runs of neighbours that belong together.
  fileprivate func runs(by belong: (Int, Int) -> Bool) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for place in self {
      if let last = runs.last, belong(last.upperBound - 1, place) {
        runs[runs.count - 1] = last.lowerBound..<place + 1
      } else {
        runs.append(place..<place + 1)
      }
    }
    return runs
  }
}
