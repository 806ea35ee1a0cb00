import Attribution
import Failures
import Foundation
import Imaging
import Networks
import Onnx
import Pullbacks
import Subjects

/// A network that a caller holds, and what its calls compute: what the commands `predict` and `attribute` compute of an
/// array.
final class LoadedNetwork: Sendable {
  let subject: Subject
  /// Of the values that inputs come in.
  let range: ArrayRange

  /// - Parameters:
  ///   - source: a checkpoint, an exported graph, or a network that needs no file.
  ///   - options: as `sp_load` lists them.
  init(_ source: String, _ options: Options) throws {
    var options = options
    let range = try options.take("range", of: ArrayRange.self)
    let preprocessing = try options.take("preprocess").map { try Preprocessing($0) }
    let subject: Subject
    if source.lowercased().hasSuffix(".onnx") {
      try ProcessSize.check(checkpoint: source)
      let request = GraphRequest(
        options.takeAll("input"), explained: try options.take("explain"), output: try options.take("output-name"),
        shapes: try GraphRequest.shapes(options.takeAll("shape")),
        labels: try options.take("labels").map(ClassLabels.read), preprocessing: preprocessing)
      try Self.refuse(options, "is no option of an exported graph")
      do {
        subject = try Subject.onnx(source, request).subject
      } catch var error as PullbackError where error.advice?.hasPrefix("say it: by the shape of the input") == true {
        error.advice = "say it with shape, as in x=1x3x224x224"
        throw error
      }
    } else if (try? Architecture.named(source)) != nil {
      try Self.refuse(options, "is about a file, and \(source) is the name of a network")
      do {
        subject = try Subject(model: source, preprocessing: preprocessing)
      } catch var error as PullbackError where [.usage, .unavailable].contains(error.kind) && error.advice == nil {
        error.advice = "name the file of a checkpoint"
        throw error
      }
    } else {
      try ProcessSize.check(checkpoint: source)
      let (model, key) = (try options.take("model"), try options.take("key"))
      let patterns = options.takeAll("allow-leftover")
      try Self.refuse(options, "is no option of a checkpoint")
      subject = try Subject(
        model: model, checkpoint: source, named: key, allowingLeftOver: patterns, preprocessing: preprocessing)
    }
    self.subject = subject
    self.range = range ?? subject.usualRange
  }

  private static func refuse(_ options: Options, _ problem: String) throws(PullbackError) {
    if let other = options.rest.first { throw PullbackError(.usage, "option \(other.name)", problem) }
  }

  /// The number of values of one input, and of one output.
  var inputCount: Int { subject.graph.inputShape.reduce(1, *) }
  var outputCount: Int { subject.graph.outputShape.reduce(1, *) }

  // MARK: Calls

  /// A picture as input.
  func picture(at path: String) throws -> Tensor {
    guard [.signed, .any].contains(range) else {
      throw PullbackError(
        .usage, path, "pictures become values in [-1, 1], and inputs are taken in the range \(range.rawValue)",
        advice: "load the network without a range")
    }
    let content = try InputContent(path)
    guard case .picture = content else {
      throw PullbackError(.data, path, "expected a PNG, JPEG or WebP")
    }
    return try subject.inputs(content).one()
  }

  /// The outputs at some inputs.
  ///
  /// - Parameter outputs: is given the inputs' places and their outputs, as they come.
  func predict(_ inputs: Tensor, _ outputs: (Range<Int>, Tensor) throws -> Void) throws {
    let inputs = try range.inputs(inputs, named: "inputs")
    try forEachBatch(of: inputs, size: subject.graph.affordableBatchSize()) { rows, batch in
      let value = try subject.network(batch)
      try checkFinite(value, rows, subject.network)
      try outputs(rows, value)
    }
  }

  /// The attributions at some inputs.
  ///
  /// - Parameters:
  ///   - targets: none for the top-1 classes, one for all inputs, or one for each.
  ///   - options: as `sp_explain` lists them.
  ///   - attributions: is given the inputs' places and their attributions, as they come.
  func explain(
    _ inputs: Tensor, _ targets: [String], _ options: Options,
    _ attributions: (Range<Int>, Tensor) throws -> Void
  ) throws {
    let count = inputs.shape[0]
    guard targets.count <= 1 || targets.count == count else {
      throw PullbackError(.usage, "target", "expected one, or one for each of \(count) inputs, found \(targets.count)")
    }
    var options = options
    let method = try options.take("method").map(Method.named) ?? .softPullback
    let seed = try options.take("seed", "a whole number from 0") { UInt64($0) } ?? 314
    let memory = try options.take("max-memory", "a positive number of bytes") { text in
      Int(text).flatMap { $0 > 0 ? $0 : nil }
    }
    let settings = try Self.request(options).settings(
      for: subject, unless: .general, range: range, atLastMaps: true
    ).settings
    let (choices, network) = try resolve(targets)
    let explainer = try method.explainer(settings.fitting(network.graph), for: network.graph)
    let inputs = try range.inputs(inputs, named: "inputs")
    let size = try subject.graph.affordableBatchSize(within: memory ?? Graph.memoryForActivations)
    let context = Context(noise: .streams(seed: seed), batchSize: size)
    let isClassifier = network.graph.outputShape.count == 1
    let explainers: [any Explainer] = [explainer]
    try forEachBatch(of: inputs, size: size) { rows, batch in
      let found = try explainers.explain(batch, of: network, in: context) { (output, images) throws(PullbackError) in
        let places = rows.lowerBound + images.lowerBound..<rows.lowerBound + images.upperBound
        try checkFinite(output, places, network)
        return [
          Selector(
            places.enumerated().map { row, place in
              choices[choices.count == 1 ? 0 : place].target(
                isClassifier ? Prediction.ranking(output.image(row).scalars) : [])
            })
        ]
      }
      let maps = found.maps[0][0]
      for (row, place) in rows.enumerated() { try explainer.checkFinite(maps.image(row), of: Self.name(place)) }
      try attributions(rows, maps)
    }
  }

  /// What of each input is explained, and the network up to the node that it is a value of.
  private func resolve(_ targets: [String]) throws -> (choices: [TargetChoice], network: Network) {
    var known: [String: (choice: TargetChoice, node: String?)] = [:]
    func parsed(_ text: String?) throws -> (choice: TargetChoice, node: String?) {
      let (choices, node) = try TargetChoice.parse(text, for: subject)
      guard choices.count == 1 else {
        throw PullbackError(
          .usage, "target \(text ?? "")", "these are \(choices.count) targets, expected one for an input",
          advice: "ask for them one after the other")
      }
      return (choices[0], node)
    }
    guard !targets.isEmpty else { return ([try parsed(nil).choice], subject.network) }
    for text in targets where known[text] == nil { known[text] = try parsed(text) }
    let nodes = Set(known.values.map(\.node))
    guard nodes.count == 1, let node = nodes.first else {
      throw PullbackError(.usage, "targets", "belong to several nodes", advice: "call once for each")
    }
    let network = try node.map { try subject.network.truncated(at: $0) } ?? subject.network
    for (choice, _) in known.values { try choice.check(for: network.graph) }
    return (targets.map { known[$0]!.choice }, network)
  }

  /// The settings among options.
  private static func request(_ given: Options) throws -> SettingsRequest {
    var options = given
    var request = SettingsRequest(preset: try options.take("preset", of: Preset.self))
    request.alpha = try options.take("alpha", "a positive number") { text in
      Double(text).flatMap { $0.isFinite && $0 > 0 ? $0 : nil }
    }
    request.steps = try options.take("steps", "1 to 1000000") { text in
      Int(text).flatMap { (1...1_000_000).contains($0) ? $0 : nil }
    }
    request.clipping = try options.take("clip", of: PullbackAscent.Clipping.self)
    request.baseline = try options.take("baseline")
    request.temperatures = TemperatureRequest(
      try options.take("temperature"), calibration: try options.take("calibration"),
      spreads: try options.take("spreads", of: TemperatureRequest.First.self),
      border: try options.take("border", of: SoftMaxPool.Border.self))
    for (name, _) in options.rest where !Setting.all.contains(where: { $0.name == name }) {
      let names = Setting.all.map(\.name) + SettingsRequest.names
      throw PullbackError(
        .usage, "setting \(name)", "there is none of this name",
        advice: nearest(to: name, among: names).map { "did you mean \($0)?" }
          ?? "there are \(names.joined(separator: ", "))")
    }
    while let name = options.rest.first?.name { request.values.append((name, try options.take(name) ?? "")) }
    return request
  }

  /// Calls `body` with inputs that go through the network at once, and their places.
  private func forEachBatch(
    of inputs: Tensor, size: Int, _ body: (_ rows: Range<Int>, _ batch: Tensor) throws -> Void
  ) rethrows {
    let count = inputs.shape[0]
    for first in stride(from: 0, to: count, by: size) {
      let rows = first..<min(count, first + size)
      try body(rows, rows.count == count ? inputs : inputs.images(rows))
    }
  }

  private func checkFinite(_ value: Tensor, _ places: Range<Int>, _ network: Network) throws(PullbackError) {
    for (row, place) in places.enumerated() { try network.checkFinite(value.image(row), named: Self.name(place)) }
  }

  private static func name(_ place: Int) -> String { "input \(place)" }

  // MARK: Descriptions

  private struct Description: Encodable {
    let name, title, path, sha256: String
    let input, output: [Int]
    let labels: [String]?
    let notes: [String]
    let range, temperature: String
  }

  /// As `sp_describe` says.
  var description: String {
    get throws {
      try json(
        Description(
          name: subject.name, title: subject.title, path: subject.path, sha256: subject.sha256,
          input: subject.graph.inputShape, output: subject.graph.outputShape, labels: subject.classNames,
          notes: subject.notes, range: range.rawValue, temperature: subject.usualTemperature))
    }
  }
}

/// As `sp_list` says.
struct Offer: Encodable {
  struct Explainer: Encodable {
    let name, formula, source: String
    let caveat: String?
    let usesTemperature: Bool
  }

  struct Value: Encodable {
    let name, meaning, value: String
  }

  let methods = Method.allCases.map { method in
    Explainer(
      name: method.rawValue, formula: method.facts.formula, source: method.facts.source, caveat: method.facts.caveat,
      usesTemperature: method.usesSoftRules)
  }
  let settings = Setting.all.map {
    Value(name: $0.name, meaning: $0.meaning, value: $0.read(Preset.general.settings))
  }
  let presets = Preset.allCases.map(\.rawValue)
  let architectures = Architecture.all.map(\.name)
  let networks = Tier.scenes.models + Tier.imagenet.models
}

/// A value as JSON.
func json(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}
