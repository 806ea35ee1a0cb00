import Attribution
import Kernels
import Pullbacks
import TestKit
import Testing

@testable import Faithfulness

/// That sharing passes changes no score, and that scores depend on nothing but image, explainer, metric and seed.
@Suite struct SharingTests {
  /// All but attention rollout, which is for transformers alone.
  static let methods = Method.allCases.filter { $0 != .attentionRollout }
  static let metrics: [MetricName] = [
    .infidelity, .faithfulnessCorrelation, .maxSensitivity, .averageSensitivity, .randomLogit, .focus, .sparseness,
    .cascadingPearson,
  ]

  static var settings: MethodSettings {
    var settings = MethodSettings()
    settings.smoothGrad.count = 3
    settings.fusionGrad = NoisyNetworks(networks: 2, deviation: 0.1, images: 2, imageDeviation: 0.15)
    settings.camLayer = "conv1"
    settings.riseMasks = 5
    settings.occlusionDivisor = 4
    return settings
  }

  static func contenders(_ methods: [Method], _ version: BenchmarkVersion = .v6) throws -> [Contender] {
    try methods.map { try Contender($0, settings, for: SmallCase.network.graph, in: version) }
  }

  static func benchmark(_ methods: [Method] = methods, batchSize: Int = 8, seed: UInt64 = 314) throws -> Benchmark {
    try Benchmark(
      of: SmallCase.network, contenders(methods), by: metrics.map { $0.metric() }, seed: seed, batchSize: batchSize)
  }

  /// By contender's name, metric and image's index.
  static func scores(_ benchmark: Benchmark, _ samples: [Sample]) throws -> [[String]: Score] {
    let block = try BenchmarkBlock(benchmark, samples)
    var scores: [[String]: Score] = [:]
    for stage in benchmark.stages.indices {
      for entry in try block.scores(stage: stage) {
        let key = [
          benchmark.contenders[entry.contender].name, benchmark.metrics[entry.metric].name,
          "\(samples[entry.sample].index)",
        ]
        scores[key] = entry.score
      }
    }
    return scores
  }

  static let reference = try! scores(benchmark(), SmallCase.samples)

  @Test func everyScoreIsThere() {
    #expect(Self.reference.count == Self.methods.count * Self.metrics.count * 4)
    // One class activation map has nothing positive to show, and of mosaics several.
    let maps: Set<Method> = [.gradCAM, .guidedGradCAM, .guidedPullbackCAM]
    let undefined = Self.reference.filter { $0.value.undefined != nil }.keys
    #expect(undefined.allSatisfy { maps.map(\.rawValue).contains($0[0]) }, "\(undefined)")
    let isOfMosaics = { (key: [String]) in key[0] == "guided-pullback-cam" && key[1] == "focus" }
    #expect(undefined.allSatisfy { $0[2] == "5" || isOfMosaics($0) }, "\(undefined)")
  }

  @Test(arguments: [1, 3, 64]) func batchesDoNotMatter(_ batchSize: Int) throws {
    #expect(try Self.scores(Self.benchmark(batchSize: batchSize), SmallCase.samples) == Self.reference)
  }

  @Test func companyAndOrderDoNotMatter() throws {
    for samples in [[SmallCase.samples[2]], SmallCase.samples.reversed()] {
      let scores = try Self.scores(Self.benchmark(), samples)
      for (key, score) in scores { #expect(score == Self.reference[key], "\(key)") }
    }
  }

  /// Each explainer on its own, and the explainers in another order.
  @Test func otherExplainersDoNotMatter() throws {
    for method in Self.methods {
      let scores = try Self.scores(Self.benchmark([method]), [SmallCase.samples[1]])
      for (key, score) in scores { #expect(score == Self.reference[key], "\(key)") }
    }
    let reversed = try Self.scores(Self.benchmark(Self.methods.reversed()), SmallCase.samples)
    #expect(reversed == Self.reference)
  }

  @Test func threadsDoNotMatter() throws {
    Parallel.threads = 1
    defer { Parallel.threads = 0 }
    #expect(try Self.scores(Self.benchmark(), SmallCase.samples) == Self.reference)
  }

  /// Every metric of the table: alone, in other batches, and last instead of first.
  @Test(arguments: MetricName.allCases) func everyMetricIsIndependent(_ name: MetricName) throws {
    let contenders = try Self.contenders([.softPullback, .smoothGrad])
    func scores(_ samples: [Sample], batchSize: Int) throws -> [Int: [Score]] {
      let benchmark = try Benchmark(of: SmallCase.network, contenders, by: [name.metric()], batchSize: batchSize)
      let block = try BenchmarkBlock(benchmark, samples)
      var scores: [Int: [Score]] = [:]
      for stage in benchmark.stages.indices.reversed() {
        for entry in try block.scores(stage: stage) {
          scores[samples[entry.sample].index, default: []].append(entry.score)
        }
      }
      return scores
    }
    let together = try scores(SmallCase.samples, batchSize: 8)
    #expect(try scores(SmallCase.samples.reversed(), batchSize: 5) == together)
    for sample in SmallCase.samples.prefix(2) {
      #expect(try scores([sample], batchSize: 64)[sample.index] == together[sample.index])
    }
  }

  @Test func seedsMatterToRandomOnes() throws {
    let scores = try Self.scores(Self.benchmark(seed: 315), [SmallCase.samples[0]])
    for (key, score) in scores {
      let isDeterministic = ["focus", "sparseness"].contains(key[1]) || key[1] == "faithfulness-correlation"
      let isRandom = Method(rawValue: key[0])?.isRandom ?? false
      #expect((score == Self.reference[key]) == (isDeterministic && !isRandom), "\(key)")
    }
  }

  /// The map behind the scores is the one that `pullbacks attribute` computes for the image of that index.
  @Test(arguments: methods) func mapsAreThoseOfTheExplainer(_ method: Method) throws {
    let sample = SmallCase.samples[3]
    var context = Context()
    context.keys = [sample.key]
    let explainer = try method.explainer(Self.settings, for: SmallCase.network.graph)
    let map = try explainer.attribute(sample.image, .classes([sample.target]), of: SmallCase.network, in: context)
    let expected = Sparseness().score(map, of: sample)
    #expect(Self.reference[[method.rawValue, "sparseness", "40"]] == expected)
  }

  /// Passes as counted by hand: explainers at the image share all of them but one backward pass per rule set.
  @Test func passesAreShared() throws {
    let counter = PassCounter()
    var benchmark = try Benchmark(
      of: SmallCase.network, Self.contenders([.gradient, .softPullback, .deepLiftReleased]),
      by: [MaxAndRandom.sensitivity, MaxAndRandom.logit, Infidelity()], batchSize: 8)
    benchmark.report = { counter.add($0) }
    _ = try BenchmarkBlock(benchmark, [SmallCase.samples[0]]).scores(stage: 0)
    // Forward: the image, which gives its response too, 10 noisy ones and 100 perturbed. Backward: two rule sets, each
    // two classes and 10 noisy images.
    #expect(counter.passes == Cost(forward: 1 + 10 + 100, backward: 2 * (2 + 10)))
    #expect(benchmark.costWithoutSharing(ofStage: 0) == Cost(forward: 3 * (12 + 101), backward: 3 * 12))
  }

  private enum MaxAndRandom {
    static let sensitivity = Sensitivity(.maximum)
    static let logit = RandomLogit()
  }

  /// The paper's benchmark of one image: 3,960 gradients and 7,776 other forward passes without sharing, as in the
  /// specification; with it what Experiments/cluster/README.md plans with.
  @Test func passesOfThePapersBenchmark() throws {
    var settings = MethodSettings()
    settings.camLayer = "conv1"
    let contenders = try Preset.paperV6.methods.map { method in
      try Contender(method, settings, for: SmallCase.network.graph, in: .v6)
    }
    let counter = PassCounter()
    var benchmark = try Benchmark(
      of: SmallCase.network, contenders, by: BenchmarkVersion.v6.metrics.map { $0.metric() }, batchSize: 16)
    benchmark.report = { counter.add($0) }
    let block = try BenchmarkBlock(benchmark, [SmallCase.samples[0]])
    var alone = Cost(forward: 0, backward: 0)
    for stage in benchmark.stages.indices {
      alone = alone + benchmark.costWithoutSharing(ofStage: stage)
      #expect(try block.scores(stage: stage).count == 6 * benchmark.stages[stage].count)
    }
    #expect(alone == Cost(forward: 12 * 329 + 7776, backward: 3960))
    #expect(counter.passes == Cost(forward: 8374, backward: 3912))
  }

  @Test func versionFiveSumsTheChannelsOfBaselines() throws {
    let contenders = try Self.contenders([.softPullback, .gradient, .gradientAscent, .integratedGradients], .v5)
    #expect(contenders.map(\.sumsChannels) == [false, true, false, true])
    let map = SmallCase.maps[0].channelsSummed
    let (values, sums) = (SmallCase.maps[0].scalars, map.scalars)
    for place in 0..<256 {
      let sum = values[place] + values[256 + place] + values[512 + place]
      for channel in 0..<3 { #expect(abs(sums[channel * 256 + place] - sum) < 1e-6) }
    }
  }
}
