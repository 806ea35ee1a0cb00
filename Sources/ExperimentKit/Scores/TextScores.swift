import Digests
import Failures
import Faithfulness
import Foundation
import Sentences
import Text

/// The scores of explainers on texts with ground truth, committed in `Figures/scores/text/<model>`: `scores.csv`, a row
/// for each text and explainer, and `run.json`, which says of what they are.
public struct TextScores: Sendable {
  /// Everything that decides the scores.
  public struct Description: Codable, Equatable, Sendable {
    public let model: String
    public let checkpointSHA256: [String]
    /// The seed of the texts.
    public let seed: UInt64
    /// The number of texts of each kind.
    public var texts: [String: Int]
    /// The settings of each explainer, by its name.
    public let settings: [String: [String: String]]
    public let methods: [String]
  }

  /// One explanation of one text.
  public struct Row: Sendable {
    public let kind: PlantedText.Kind
    public let index: Int
    public let method: TextMethod
    /// The value that is explained.
    public let value: Double
    /// NaN where one is undefined.
    public let scores: [PlantedMetric: Double]
    /// See ``PlantedScores/negation``.
    public let negation: Double?
  }

  public let model: NamedTextModel
  public let description: Description
  public let rows: [Row]

  public var methods: [TextMethod] { description.methods.compactMap(TextMethod.init) }

  /// The scores of each text, in the order of the run.
  ///
  /// - Parameter kind: nil is all.
  public func values(_ method: TextMethod, _ metric: PlantedMetric, of kind: PlantedText.Kind? = nil) -> [Double] {
    rows.filter { $0.method == method && (kind == nil || $0.kind == kind) }.map { $0.scores[metric] ?? .nan }
  }

  // MARK: Files

  private static let columns =
    ["kind", "text", "explainer", "value"] + PlantedMetric.allCases.map(\.rawValue) + ["negation"]

  static func text(_ rows: [Row]) -> String {
    func number(_ value: Double?) -> String {
      value.map { $0.isNaN ? "nan" : String(format: "%.5g", $0) } ?? ""
    }
    return columns.joined(separator: ",") + "\n"
      + rows.map { row in
        ([row.kind.rawValue, "\(row.index)", row.method.rawValue, number(row.value)]
          + PlantedMetric.allCases.map { number(row.scores[$0]) } + [number(row.negation)]).joined(separator: ",")
          + "\n"
      }.joined()
  }

  static func rows(at path: String) throws -> [Row] {
    try CSV.rows(at: path).map { fields in
      func field<Value>(_ name: String, _ value: (String) -> Value?) throws -> Value {
        guard let text = fields[name], let value = value(text) else {
          throw PullbackError(.data, path, "the column \(name) has no value that can be: \(fields[name] ?? "none")")
        }
        return value
      }
      return Row(
        kind: try field("kind", PlantedText.Kind.init), index: try field("text") { Int($0) },
        method: try field("explainer", TextMethod.init), value: try field("value", Double.init),
        scores: Dictionary(
          uniqueKeysWithValues: try PlantedMetric.allCases.map { ($0, try field($0.rawValue, Double.init)) }),
        negation: fields["negation"].flatMap(Double.init))
    }
  }

  init(_ model: NamedTextModel, in folder: String) throws {
    let record = "\(folder)/run.json"
    self.model = model
    do {
      description = try JSONDecoder().decode(Description.self, from: Data(InputFile.bytes(of: record, limit: 1 << 24)))
    } catch let error as DecodingError {
      throw PullbackError(.data, record, "does not describe a run: \(error)")
    }
    guard description.model == model.rawValue else { throw PullbackError(.data, record, "is of another model") }
    if model.isFetched, try model.model().sha256 != description.checkpointSHA256 {
      throw PullbackError(
        .data, record, "is of other parameters than those that the model has now",
        advice: "swift run -c release table6 --recompute")
    }
    rows = try Self.rows(at: "\(folder)/scores.csv")
    let expected = description.texts.values.reduce(0, +) * description.methods.count
    guard rows.count == expected else {
      throw PullbackError(.data, "\(folder)/scores.csv", "has \(rows.count) rows, expected \(expected)")
    }
  }

  /// The committed scores, made anew before if the command line says so: of every model that is there.
  ///
  /// - Throws: `PullbackError` if there are none.
  public static func all(of experiment: Experiment, from measurements: Measurements) throws -> [TextScores] {
    let folder = "\(measurements.folder)/text"
    if measurements.recomputes {
      for model in NamedTextModel.allCases where [nil, model.rawValue].contains(experiment.options.model) {
        guard model.isFetched else {
          print("\(experiment.name): \(model.title) has not been fetched (make text) and is left out")
          continue
        }
        let run = TextScoreRun(
          model, texts: experiment.options.quick ? 2 : nil, seed: experiment.options.seed, program: experiment.name)
        try run.finish(into: "\(folder)/\(model.rawValue)")
      }
    }
    try measurements.check("\(folder)/\(NamedTextModel.decoder.rawValue)/run.json", arguments: "--networks scenes")
    return try NamedTextModel.allCases.filter { model in
      [nil, model.rawValue].contains(experiment.options.model) && exists("\(folder)/\(model.rawValue)/run.json")
    }
    .map { try TextScores($0, in: "\(folder)/\($0.rawValue)") }
  }
}

/// Explaining and scoring of texts: what takes long. Stopped at any moment, the same command goes on with the text that
/// it was at, and ends with the same bytes.
struct TextScoreRun {
  let model: NamedTextModel
  /// The number of texts of each kind.
  let texts: Int
  let seed: UInt64
  let program: String

  init(_ model: NamedTextModel, texts: Int?, seed: UInt64, program: String) {
    (self.model, self.seed, self.program) = (model, seed, program)
    self.texts = texts ?? (model == .decoder ? 500 : 167)
  }

  /// Every explainer of `pullbacks text`; the soft rules' noise is one spread of the channel, as other texts show it.
  static func explainers(for model: TextModel, _ kinds: [PlantedText.Kind], seed: UInt64) throws -> [TextExplainer] {
    let texts = kinds.flatMap { kind in (0..<40).map { SentenceGenerator(seed: 1).text(kind, $0).text } }
    var settings = Preset.general.settings
    settings.relativeNoise = 1
    settings.spreads = try model.spreads(over: texts)
    settings.smoothGrad.count = 10
    return TextMethod.allCases.map { TextExplainer($0, settings, seed: seed) }
  }

  func finish(into folder: String) throws {
    let network = try model.model()
    let explainers = try Self.explainers(for: network, model.kinds, seed: seed)
    let graph = try network.network(types: [0]).graph
    var description = TextScores.Description(
      model: model.rawValue, checkpointSHA256: try network.sha256, seed: seed, texts: [:],
      settings: Dictionary(
        uniqueKeysWithValues: try explainers.map { ($0.method.rawValue, try $0.record(graph)) }),
      methods: explainers.map(\.method.rawValue))
    // However many texts there are to be: a longer run goes on with the log of a shorter one.
    let hash = try json(description, for: program).withUnsafeBytes(Digests.sha256).prefix(12)
    description.texts = Dictionary(uniqueKeysWithValues: model.kinds.map { ($0.rawValue, texts) })
    let log = "\(FetchedFiles.folder)/scores/text-\(model.rawValue)-\(hash).csv"
    try makeFolder("\(FetchedFiles.folder)/scores")
    let all = (0..<texts).flatMap { index in model.kinds.map { ($0, index) } }
    var rows = exists(log) ? Array(try TextScores.rows(at: log).prefix(all.count * explainers.count)) : []
    let done = rows.count / explainers.count
    print("\(program): scoring \(model.title) on \(all.count) texts, \(done) of them done")
    fflush(nil)
    let bar = ProgressBar(model.title, total: all.count - done)
    defer { bar.end() }
    for (place, (kind, index)) in all.enumerated().dropFirst(done) {
      let (value, scores) = try SentenceGenerator(seed: seed).text(kind, index).scores(of: explainers, by: network)
      rows += scores.map {
        TextScores.Row(
          kind: kind, index: index, method: $0.method, value: value, scores: $0.scores, negation: $0.negation)
      }
      // Whole or not at all: the log has all explainers of a text, or none.
      if place % 10 == 9 || model == .encoder { try AtomicFile.write(text: TextScores.text(rows), to: log) }
      bar.advance(Cost(forward: 1, backward: 0))
    }
    try makeFolder(folder)
    try AtomicFile.write(text: TextScores.text(rows), to: "\(folder)/scores.csv")
    try writeJSON(description, to: "\(folder)/run.json")
  }
}
