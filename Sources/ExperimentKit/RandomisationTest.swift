import Faithfulness
import Files
import Foundation
import Pullbacks

/// The parameter randomisation test of every explainer on a network: similarities between the explanations of a
/// network and of the same network with random layers, in the cascade and one by one.
///
/// In `<scores>/<tier>/<model>/randomisation`: `similarities.csv`, and `run.json`, which says of what they are.
public struct RandomisationTest: Sendable {
  /// How many networks are tried in each order, at most: each layer's, of a network with no more.
  public static let stops = 20

  public static let orders: [RandomisationOrder] = [.cascading, .independent]
  public static let similarities: [ParameterRandomisation.Similarity] = [
    .spearman, .absoluteSpearman, .scaledSSIM, .pearson,
  ]

  public let curves: [SimilarityCurve]
  public let description: RunDescription

  /// The committed similarities of a subject's network, made anew from its images before if the command line says so.
  ///
  /// - Throws: `PullbackError` if there are none, or if the network has been trained anew since.
  public init(_ subject: Subject, of experiment: Experiment, from measurements: Measurements) throws {
    let (tier, model) = (experiment.options.networks.rawValue, subject.architecture.name)
    let folder = "\(measurements.folder)/\(tier)/\(model)/randomisation"
    let (table, record) = ("\(folder)/similarities.csv", "\(folder)/run.json")
    let arguments = "--networks \(tier) --model \(model)"
    if measurements.recomputes {
      let (curves, description) = try Self.measure(
        subject, seed: experiment.options.seed, stops: experiment.options.quick ? 3 : Self.stops)
      try makeFolder(folder)
      try AtomicFile.write(text: curves.csv, to: table)
      try writeJSON(description, to: record)
    }
    for path in [table, record] { try measurements.check(path, arguments: arguments) }
    curves = try [SimilarityCurve](csvAt: table)
    do {
      description = try JSONDecoder().decode(
        RunDescription.self, from: Data(InputFile.bytes(of: record, limit: 1 << 24)))
    } catch let error as DecodingError {
      throw PullbackError(.data, record, "does not describe a run: \(error)")
    }
    guard description.checkpoint == subject.checkpointSHA256 else {
      throw PullbackError(
        .data, record, "is of other parameters than those that \(model) has now",
        advice: "swift run -c release \(measurements.program) \(arguments) --recompute")
    }
  }

  /// All explainers but occlusion and RISE, whose hundreds of windows and thousands of masks every random network would
  /// have to see.
  static func contenders(for subject: Subject) throws -> [(method: Method, contender: Contender)] {
    let graph = subject.network.graph
    return try subject.defined(Method.allCases.filter { ![.occlusion, .rise].contains($0) }).map { method in
      (method, try Contender(method, MethodSettings().completed(for: graph), for: graph, in: .v6))
    }
  }

  private static func measure(
    _ subject: Subject, seed: UInt64, stops: Int
  ) throws -> (curves: [SimilarityCurve], description: RunDescription) {
    let contenders = try contenders(for: subject)
    let metrics = orders.flatMap { order in
      similarities.map { similarity in
        var metric = ParameterRandomisation(order, similarity)
        metric.stops = stops
        return metric
      }
    }
    let benchmark = try Benchmark(of: subject.network, contenders.map(\.contender), by: metrics, seed: seed)
    let images = subject.images
    var series = [[[[Double]]]](
      repeating: Array(repeating: Array(repeating: [], count: images.count), count: metrics.count),
      count: contenders.count)
    let start = Date()
    for first in stride(from: 0, to: images.count, by: 4) {
      let indices = Array(first..<min(images.count, first + 4))
      let block = try BenchmarkBlock(
        benchmark,
        indices.map { Sample(index: $0, name: images[$0].name, image: images[$0].image, target: images[$0].target) })
      for stage in benchmark.stages.indices {
        for entry in try block.scores(stage: stage) {
          series[entry.contender][entry.metric][indices[entry.sample]] = entry.score.series
        }
      }
      print("\(indices.last! + 1) of \(images.count) images, \(Int(Date().timeIntervalSince(start))) seconds")
      fflush(nil)
    }
    let bootstrap = Bootstrap(seed: seed)
    var curves: [SimilarityCurve] = []
    for (place, metric) in metrics.enumerated() {
      let layers = metric.order.layers(of: subject.network.graph, stops: stops)
      let depths = RandomisationOrder.cascading.layers(of: subject.network.graph, stops: stops).map(\.count)
      for (contender, method) in contenders.map(\.method).enumerated() {
        var curve = SimilarityCurve(explainer: method, order: metric.order, similarity: metric.similarity)
        for (stop, layers) in layers.enumerated() {
          let values = series[contender][place].compactMap { $0.indices.contains(stop) ? $0[stop] : nil }
            .filter { !$0.isNaN }
          let interval = bootstrap.interval(ofMean: values)
          curve.stops.append(
            SimilarityCurve.Stop(
              depth: depths[stop], layer: subject.network.graph.nodes[layers.last!].name,
              mean: values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count), low: interval?.low ?? .nan,
              high: interval?.high ?? .nan, count: values.count))
        }
        curves.append(curve)
      }
    }
    let description = RunDescription(
      model: subject.architecture.name, checkpoint: subject.checkpointSHA256, version: .v6, benchmark: benchmark,
      source: subject.credit, images: images.map { RunDescription.Image(name: $0.name, target: $0.target) })
    return (curves, description)
  }
}
