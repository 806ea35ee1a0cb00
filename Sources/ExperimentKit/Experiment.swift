import Failures
import Foundation
import Galleries
import Networks
import Plotting
import Pullbacks
import Subjects
import Text

/// One experiment: its options, and where its results go.
public struct Experiment {
  /// The executable's name, which names the files too: `fig3`.
  public let name: String
  public let options: ExperimentOptions
  private let start = Date()
  private let transcript = Transcript()

  init(name: String, options: ExperimentOptions) {
    self.name = name
    self.options = options
  }

  /// Runs `body` with the options of the command line. A failure is one line on standard error and an exit code of
  /// `sysexits`.
  public static func run(_ name: String, _ body: (Experiment) throws -> Void) {
    let options = Program<ExperimentOptions>.parsedOptions()
    do {
      try body(Experiment(name: name, options: options))
    } catch {
      exitReporting(error, from: name)
    }
  }

  /// The source of random numbers for explainers, and the number of images that go through the network at once.
  public var context: Context { Context(noise: .streams(seed: options.seed)) }

  /// The tier's networks, or the one that `--model` names, all with the same images.
  ///
  /// - Throws: `PullbackError` if they have not been fetched, or cannot be read.
  public func subjects(_ gallery: Gallery) throws -> [Subject] {
    try models(options.networks.pictured).map { try subject($0, gallery) }
  }

  /// The tier's first network, or the one that `--model` names.
  ///
  /// - Throws: as ``subjects(_:)``.
  public func subject(_ gallery: Gallery) throws -> Subject {
    try subject(models(options.networks.pictured)[0], gallery)
  }

  private func subject(_ model: String, _ gallery: Gallery) throws -> Subject {
    try options.networks.subject(model, showing: .shown(gallery), of: options.imageFolder)
  }

  /// - Parameter models: the tier's networks that there are to choose from.
  func models(_ models: [String]) throws -> [String] {
    guard let model = options.model else { return models }
    guard models.contains(model) else {
      throw PullbackError(
        .usage, "--model \(model)", "is not one of the networks of --networks \(options.networks.rawValue)",
        advice: "there are \(models.joined(separator: ", "))")
    }
    return [model]
  }

  /// Writes the figure in every format asked for, the numbers behind it and, where one of these is not the file that
  /// was there before, how it came to be; and says where.
  ///
  /// - Parameters:
  ///   - part: tells several figures of one experiment apart: `sequence`.
  ///   - subjects: the subjects of the numbers.
  /// - Throws: `PullbackError` if a file cannot be written.
  public func write(
    _ figure: Figure, part: String? = nil, numbers: some Encodable, about subjects: [Subject]
  ) throws {
    try write(figure, part: part, numbers: numbers, about: subjects.map { try NetworkOfRecord($0) })
  }

  /// The same about a language model.
  public func write(
    _ figure: Figure, part: String? = nil, numbers: some Encodable, about named: NamedTextModel, _ model: TextModel
  ) throws {
    try write(figure, part: part, numbers: numbers, about: [NetworkOfRecord(named, model.sha256)])
  }

  /// The same about scores of explanations of texts, and the tables in the figure as Markdown and LaTeX too.
  public func write(
    _ figure: Figure, part: String? = nil, texts tables: [Table], numbers: some Encodable, about scores: [TextScores]
  ) throws {
    try write(
      figure, part: part, texts: tables.texts, numbers: numbers,
      about: scores.map { NetworkOfRecord($0.model, $0.description.checkpointSHA256) })
  }

  /// - Parameter texts: further forms of the figure's content, by their extension.
  func write(
    _ figure: Figure, part: String? = nil, texts: [(ending: String, text: String)] = [], numbers: some Encodable,
    about networks: [NetworkOfRecord]
  ) throws {
    let written = texts.map { ($0.ending, Array($0.text.utf8)) }
    let drawn = try options.format.map { ($0.rawValue, try figure.bytes(of: $0)) }
    try write(written + drawn, part: part, numbers: numbers, about: networks)
  }

  /// - Parameter contents: the bytes of files by their extension.
  func write(
    _ contents: [(ending: String, bytes: [UInt8])], part: String?, numbers: some Encodable,
    about networks: [NetworkOfRecord]
  ) throws {
    try makeFolder(options.output)
    let stem = ([name, part, options.networks.rawValue, options.model] as [String?]).compactMap { $0 }
      .joined(separator: "-")
    let record = NumbersOfFigure(
      experiment: name, seed: options.seed, tier: options.networks.rawValue, networks: networks, numbers: numbers,
      printed: transcript.lines.isEmpty ? nil : transcript.lines)
    let files = [("\(stem).json", try json(record, for: stem))] + contents.map { ("\(stem).\($0.ending)", $0.bytes) }
    let new = try files.filter { try writeIfNew($0.1, to: "\(options.output)/\($0.0)") }.map(\.0)
    // PDF and SVG are drawn with the PNG, and are often not there.
    if new.contains(where: { $0.hasSuffix(".json") || $0.hasSuffix(".png") }) {
      let provenance = try Provenance(options.networks, since: start, files: files.map { (name: $0.0, bytes: $0.1) })
      try writeJSON(provenance, to: "\(options.output)/\(stem).provenance.json")
    }
    print("\(name): \(files.map { "\(options.output)/\($0.0)" }.joined(separator: ", "))")
  }

  /// Prints a line of a cell's output, which the files of the figures written after it keep, with the line of the
  /// program that printed it.
  public func show(_ text: String, line: Int = #line) {
    print(text)
    transcript.lines.append(PrintedLine(line: line, text: text))
  }
}

/// The lines that the cells of an experiment have printed so far.
private final class Transcript {
  var lines: [PrintedLine] = []
}

/// A printed line.
private struct PrintedLine: Encodable {
  /// The line of the program.
  let line: Int
  let text: String
}

/// The numbers behind a figure and what they are about: the same bytes from every run.
private struct NumbersOfFigure<Numbers: Encodable>: Encodable {
  let experiment: String
  let seed: UInt64
  let tier: String
  let networks: [NetworkOfRecord]
  let numbers: Numbers
  let printed: [PrintedLine]?
}

/// A network that numbers are about.
struct NetworkOfRecord: Encodable {
  let title: String
  let architecture: String
  let checkpointSHA256: String

  init(_ scores: StoredScores) {
    title = scores.title
    architecture = scores.model
    checkpointSHA256 = scores.description.checkpoint
  }

  init(_ model: NamedTextModel, _ sha256: [String]) {
    title = model.title
    architecture = model.rawValue
    checkpointSHA256 = sha256.joined(separator: " ")
  }

  init(_ subject: Subject) throws {
    title = subject.title
    architecture = subject.name
    checkpointSHA256 = try subject.sha256
  }
}

extension [Table] {
  /// In Markdown and LaTeX, by their extensions.
  var texts: [(ending: String, text: String)] {
    isEmpty
      ? [] : [("md", map(\.markdown).joined(separator: "\n")), ("tex", map(\.latex).joined(separator: "\n"))]
  }
}

extension Figure {
  func bytes(of format: FigureFormat) throws -> [UInt8] {
    switch format {
    case .png: try png()
    case .pdf: try pdf()
    case .svg: try svg()
    }
  }
}
