import Failures
import Faithfulness
import Foundation
import Pullbacks
import Subjects

/// The parameter randomisation test of every explainer on a network: similarities between the explanations of a
/// network and of the same network with random layers, in the cascade and one by one.
///
/// In `<scores>/<tier>/<model>/randomisation`: `similarities.csv`, and `run.json`, which says of what they are.
public struct RandomisationTest: Sendable {
  /// The largest number of networks tried in each order; a network with fewer layers has one for each layer.
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
    let (tier, model) = (experiment.options.networks.rawValue, subject.name)
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
    guard try description.checkpoint == subject.sha256 else {
      throw PullbackError(
        .data, record, "is of other parameters than those that \(model) has now",
        advice: "swift run -c release \(measurements.program) \(arguments) --recompute")
    }
  }

  /// The number of undefined similarities of a curve, over its stops and images; nil if there are none.
  public func undefined(_ curve: SimilarityCurve) -> Int? {
    let undefined = curve.stops.reduce(0) { $0 + description.images.count - $1.count }
    return undefined == 0 ? nil : undefined
  }

  /// The note for a figure's credit line on means over fewer similarities than there are; empty if there are none.
  public func missingScores(_ methods: [Method]) -> String {
    let names = methods.filter { method in curves.contains { $0.explainer == method && undefined($0) != nil } }
    return names.isEmpty
      ? ""
      : " Of \(names.map(\.abbreviation).joined(separator: ", ")) some similarities are undefined, as where a map is "
        + "zero; the means are over the others."
  }

  /// All explainers but occlusion and RISE, whose hundreds of windows and thousands of masks every random network would
  /// have to see.
  static func contenders(for subject: Subject) throws -> [(method: Method, contender: Contender)] {
    let graph = subject.network.graph
    return try subject.defined(Method.allCases.filter { ![.occlusion, .rise].contains($0) }).map { method in
      (method, try Contender(method, MethodSettings().fitting(graph), for: graph, in: .v6))
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
    let images = try subject.images
    var series = [[[[Double]]]](
      repeating: Array(repeating: Array(repeating: [], count: images.count), count: metrics.count),
      count: contenders.count)
    let start = Date()
    for first in stride(from: 0, to: images.count, by: 4) {
      let indices = Array(first..<min(images.count, first + 4))
      let block = try BenchmarkBlock(
        benchmark,
        indices.map { images[$0] })
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
    let description = try RunDescription(
      model: subject.name, checkpoint: subject.sha256, version: .v6, benchmark: benchmark,
      source: subject.credit, images: images.map { RunDescription.Image(name: $0.name, target: $0.target) })
    return (curves, description)
  }
}

/// The similarity of an explainer's maps to the trained network's as more and more layers are random: the mean over
/// images at each stop.
public struct SimilarityCurve: Sendable {
  public let explainer: Method
  public let order: RandomisationOrder
  public let similarity: ParameterRandomisation.Similarity
  public internal(set) var stops: [Stop] = []

  public struct Stop: Sendable {
    /// The number of layers between this one and the output, itself included. In the cascade all of them are random.
    public let depth: Int
    /// The random layer that is nearest to the input.
    public let layer: String
    /// NaN, like the interval, where no image has a similarity.
    public let mean: Double
    /// The 95 % bootstrap interval over images.
    public let low: Double
    public let high: Double
    /// The number of images that have a similarity.
    public let count: Int
  }

  /// The mean over all stops, as the metric has it.
  public var mean: Double {
    let defined = stops.map(\.mean).filter { !$0.isNaN }
    return defined.reduce(0, +) / Double(defined.count)
  }
}

extension [SimilarityCurve] {
  /// The curve of an explainer.
  public func curve(
    _ explainer: Method, _ order: RandomisationOrder, _ similarity: ParameterRandomisation.Similarity
  ) -> SimilarityCurve? {
    first { $0.explainer == explainer && $0.order == order && $0.similarity == similarity }
  }

  /// A line for every stop of every curve.
  var csv: String {
    var text = "order,similarity,explainer,depth,layer,mean,ci95_low,ci95_high,n\n"
    for curve in self {
      for stop in curve.stops {
        let numbers = [stop.mean, stop.low, stop.high].map { $0.isNaN ? "nan" : String(format: "%.5f", $0) }
        let fields =
          [curve.order.rawValue, curve.similarity.rawValue, curve.explainer.rawValue, "\(stop.depth)", stop.layer]
          + numbers + ["\(stop.count)"]
        text += fields.joined(separator: ",") + "\n"
      }
    }
    return text
  }

  /// - Throws: `PullbackError` if the file is not as ``csv`` writes it.
  init(csvAt path: String) throws {
    self = []
    for row in try CSV.rows(at: path) {
      func field<Value>(_ name: String, _ value: (String) -> Value?) throws -> Value {
        guard let text = row[name], let value = value(text) else {
          throw PullbackError(.data, path, "the column \(name) has no value that can be: \(row[name] ?? "none")")
        }
        return value
      }
      let stop = SimilarityCurve.Stop(
        depth: try field("depth") { Int($0) }, layer: try field("layer") { $0 }, mean: try field("mean", Double.init),
        low: try field("ci95_low", Double.init), high: try field("ci95_high", Double.init),
        count: try field("n") { Int($0) })
      let curve = SimilarityCurve(
        explainer: try field("explainer", Method.init), order: try field("order", RandomisationOrder.init),
        similarity: try field("similarity", ParameterRandomisation.Similarity.init), stops: [stop])
      if let last, last.explainer == curve.explainer, last.order == curve.order, last.similarity == curve.similarity {
        self[count - 1].stops.append(stop)
      } else {
        append(curve)
      }
    }
  }
}
