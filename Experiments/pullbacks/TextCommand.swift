import ArgumentParser
import ExperimentKit
import Failures
import Foundation
import Text

struct TextCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "text",
    abstract: "Show which words of a text drive a language model's output.",
    discussion: """
      For a sentence encoder the command explains the similarity to another text (--against), for a classifier a class \
      (--label, by default the most likely), for a language model the next token (--next, by default the most likely) \
      or the difference of two tokens (--versus). A token's share is the inner product of its embedding and its \
      pulled-back vector; a word's share is the sum over its tokens.

      The model is a Hugging Face folder (config.json, tokenizer.json and model.safetensors or pytorch_model.bin) of \
      BERT, DistilBERT, RoBERTa, GPT-2 or Llama; or minilm, a sentence encoder that \
      \(FetchedFiles.command(for: "text")) fetches; or sentence-decoder, a small language model in the package that \
      continues sentences.

      The default method is hard-pullback, whose shares add up. In this package's measurements (table 6) the soft \
      pullback scores worse than it on the sentence encoder, and better on the language model.

      Examples:
        pullbacks text --text "The cat sat on the windowsill." \\
          --against "A kitten rests by the window." --figure cat.png
        pullbacks text --text "Where are my keys?" --against "I lost my keys." \\
          --method integrated-gradients --output keys.json
        pullbacks text --pairs pairs.tsv --score --report pairs.html
        pullbacks text --model sentence-decoder --text "the keys to the cabinet" \\
          --next are --versus is
      """)

  @Option(help: ArgumentHelp("The model: minilm, sentence-decoder, or a folder.", valueName: "name or folder"))
  var model = "minilm"

  @Option(help: "The text.")
  var text: String?

  @Option(help: "The text to compare with, for a sentence encoder.")
  var against: String?

  @Option(help: "Second segment of the model's input (for example the hypothesis in NLI).")
  var with: String?

  @Option(
    help: ArgumentHelp(
      "A file of texts, one per line; for a sentence encoder pairs of texts, separated by a tab.", valueName: "file"),
    completion: .file())
  var pairs: String?

  @Option(help: ArgumentHelp("The class to explain, by number or name, for a classifier.", valueName: "class"))
  var label: String?

  @Option(
    help: ArgumentHelp(
      "The next token to explain, as text or as in the vocabulary, for a language model.", valueName: "token"))
  var next: String?

  @Option(help: ArgumentHelp("The token that --next is compared with.", valueName: "token"))
  var versus: String?

  @Option(help: "The explainer: \(TextMethod.names).")
  var method = TextMethod.hardPullback

  @Option(
    help: ArgumentHelp(
      """
      Temperatures of the soft rules, by kind of operation or by node: gelu=1,attention=1. An extension that is not in \
      the paper: relative=1 for all gates, in units of each channel's own spread, in the text or in --calibration.
      """, valueName: "name=tau,..."))
  var temperature: String?

  @Option(
    help: ArgumentHelp(
      "Relative temperatures: the file of spreads that the command calibrate --texts measured for this model.",
      valueName: "file.json"),
    completion: .file(extensions: ["json"]))
  var calibration: String?

  @Flag(
    help: ArgumentHelp(
      """
      Also print comprehensiveness, the drop of the value when the words with the largest shares are removed (higher \
      is better), and sufficiency, the drop when only these words are kept (lower is better): DeYoung et al. 2020.
      """))
  var score = false

  @Option(
    help: ArgumentHelp(
      "How a sentence encoder forms its vector, if the model allows several ways: mean, first or pooler.",
      valueName: "kind"))
  var pooling: Pooling?

  @Option(help: "The seed of random methods.")
  var seed: UInt64 = 314

  @Option(
    help: ArgumentHelp("Write tokens, shares and settings.", valueName: "file.json"),
    completion: .file(extensions: ["json"]))
  var output: String?

  @Option(
    help: ArgumentHelp("Draw the text with its words shaded: red for, blue against.", valueName: "file.png|pdf|svg"),
    completion: .file(extensions: ["png", "pdf", "svg"]))
  var figure: String?

  @Option(
    help: ArgumentHelp("Write a web page of the texts with their words shaded.", valueName: "file.html"),
    completion: .file(extensions: ["html"]))
  var report: String?

  @OptionGroup var outputs: OutputOptions

  enum Pooling: String, CaseIterable, ExpressibleByArgument {
    case mean, first, pooler

    var head: TextHead {
      switch self {
      case .mean: .mean
      case .first: .first
      case .pooler: .pooler
      }
    }
  }

  /// A text that is to be explained.
  private struct Task {
    var text: String
    var against: String?
    /// The line of the file of texts; nil where the text is on the command line.
    var place: String?

    /// Runs `body`; its errors name the line.
    func named<Value>(_ body: () throws -> Value) throws -> Value {
      do {
        return try body()
      } catch let error as PullbackError where place != nil {
        throw PullbackError(error.kind, place!, "\(error.subject): \(error.problem)", advice: error.advice)
      }
    }
  }

  /// An explanation with its text and target.
  struct Record: Encodable {
    var explanation: TextExplanation
    var target: String
    var against: String?
    var sha256: [String]
    var faithfulness: TextFaithfulness?
    /// SHA-256 of the calibration that the spreads are from, if from one.
    var calibration: String?

    private enum Keys: String, CodingKey { case tool, target, against, checkpointSHA256, faithfulness, calibration }

    func encode(to encoder: any Encoder) throws {
      try explanation.encode(to: encoder)
      var values = encoder.container(keyedBy: Keys.self)
      try values.encode("pullbacks \(packageVersion)", forKey: .tool)
      try values.encode(target, forKey: .target)
      try values.encodeIfPresent(against, forKey: .against)
      try values.encode(sha256, forKey: .checkpointSHA256)
      try values.encodeIfPresent(faithfulness, forKey: .faithfulness)
      try values.encodeIfPresent(calibration, forKey: .calibration)
    }

    /// The method, the target and its value, in a line.
    var caption: String {
      var text = explanation.caption(target, to: against)
      if let faithfulness {
        text +=
          "; comprehensiveness \(decimal(faithfulness.comprehensiveness, places: 3)), sufficiency "
          + decimal(faithfulness.sufficiency, places: 3)
      }
      return text
    }
  }

  private struct Records: Encodable {
    var tool = "pullbacks \(packageVersion)"
    var explanations: [Record]
  }

  func run() throws {
    if let figure { try Figure.checkName(figure) }
    try outputs.check([output, figure, report].compactMap { $0 }, inputs: [pairs, calibration])
    let tasks = try tasks()
    if report != nil { try TextReport.check(texts: tasks.count) }
    let model = try textModel(model, head: pooling?.head)
    var settings = Preset.general.settings
    try settings.setTemperatures(temperature, for: model.network(types: [0]).graph)
    let calibrated = try calibration.map { try Calibration.read($0, for: model) }
    if let calibrated {
      guard !settings.relativeTemperatures.isEmpty, method.usesSoftRules else {
        throw PullbackError(
          .usage, "--calibration", "serves relative temperatures of soft rules, and none are asked for",
          advice: "add --method soft-pullback --temperature relative=1")
      }
      settings.spreads = calibrated.spreads
    }
    let explainer = TextExplainer(method, settings, seed: seed)
    // Before anything is computed: a line that is wrong costs no others.
    for task in tasks {
      try task.named {
        try checkTarget(of: task, model)
        for text in [task.text, task.against].compactMap({ $0 }) {
          try model.check(text, with: text == task.text ? secondText : nil)
        }
      }
    }
    var records: [Record] = []
    let sha256 = try output == nil ? [] : model.sha256
    for task in tasks {
      let (target, words) = try task.named { try self.target(of: task, model) }
      let explanation = try task.named { try explainer.explain(task.text, target, with: secondText, by: model) }
      warn(explanation)
      records.append(
        Record(
          explanation: explanation, target: words, against: task.against, sha256: sha256,
          faithfulness: try score ? TextFaithfulness(of: explanation, target, by: model) : nil,
          calibration: calibrated?.sha256))
      show(records.last!)
    }
    if score {
      print("comprehensiveness: higher is better; sufficiency: lower is better")
    }
    if score, records.count > 1 {
      func mean(_ path: KeyPath<TextFaithfulness, Double>) -> String {
        decimal(records.reduce(0) { $0 + $1.faithfulness![keyPath: path] } / Double(records.count), places: 3)
      }
      print(
        "mean of \(records.count) texts: comprehensiveness \(mean(\.comprehensiveness)), sufficiency "
          + mean(\.sufficiency))
    }
    if let output {
      if pairs == nil {
        try writeJSON(records[0], to: output)
      } else {
        try writeJSON(Records(explanations: records), to: output)
      }
    }
    if let figure {
      let texts = records.map { ShadedText($0.explanation.pieces(), caption: $0.caption) }
      try Figure.texts(texts).writeSigned(to: figure)
    }
    if let report { try TextReport(records: records, model: model, seed: seed).write(to: report) }
    let written = [output, figure, report].compactMap { $0 }
    if !written.isEmpty { print("wrote \(written.map { PathText.shown($0) }.joined(separator: ", "))") }
  }

  private func tasks() throws -> [Task] {
    guard let pairs else {
      guard let text else { throw PullbackError(.usage, "--text", "is missing", advice: "or say --pairs with a file") }
      return [Task(text: PathText.repaired(text), against: against.map(PathText.repaired))]
    }
    guard text == nil, against == nil else {
      throw PullbackError(.usage, "--pairs \(pairs)", "holds the texts already; leave out --text and --against")
    }
    return try linesOfTexts(pairs).map { number, line in
      let parts = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      return Task(text: parts[0], against: parts.count > 1 ? parts[1] : nil, place: "\(pairs):\(number)")
    }
  }

  private var secondText: String? { with.map(PathText.repaired) }

  /// Averages from embeddings of zero may add up to nothing like the value: RMS norm divides by almost nothing there.
  private func warn(_ explanation: TextExplanation) {
    guard [.integratedGradients, .integratedPullbacks].contains(method), let bias = explanation.bias,
      abs(bias) > 10 * max(1, abs(explanation.value))
    else { return }
    remark(
      "\(method.rawValue): the shares add up to \(decimal(explanation.value - bias, places: 1)), the value is "
        + "\(decimal(explanation.value, places: 3)): they say nothing, because this network is not smooth at the "
        + "baseline, embeddings of zero; --method hard-pullback or leave-one-out has no baseline")
  }

  /// Throws unless what is asked for is something that the model has.
  private func checkTarget(of task: Task, _ model: TextModel) throws {
    let against = task.place == nil ? "--against" : "the text behind the tab"
    switch model.head {
    case .mean, .first, .pooler:
      let name = PathText.shown((self.model as NSString).lastPathComponent)
      if let label {
        throw PullbackError(
          .usage, "--label \(label)", "\(name) is a sentence encoder, not a classifier",
          advice: "give --against TEXT, or --model FOLDER of a classifier")
      }
      if let option = [("--next", next), ("--versus", versus)].first(where: { $0.1 != nil }) {
        throw PullbackError(
          .usage, option.0, "\(name) is a sentence encoder, not a language model",
          advice: "give --against TEXT, or --model sentence-decoder or the FOLDER of a language model")
      }
      guard task.against == nil else { return }
      throw PullbackError(
        .usage, against, "is missing: \(name) is a sentence encoder, which compares two texts",
        advice: task.place == nil ? "give --against TEXT" : "write the other text behind a tab")
    case .classes:
      try refuse([(against, task.against), ("--next", next), ("--versus", versus)], "is a classifier: give --label")
    case .nextToken:
      try refuse([(against, task.against), ("--label", label)], "is a language model: give --next")
    }
  }

  /// The target, and its name for people.
  private func target(of task: Task, _ model: TextModel) throws -> (TextTarget, String) {
    switch model.head {
    case .mean, .first, .pooler:
      return (.similarity(to: try model.output(of: task.against ?? "")), TextTarget.similarityInWords)
    case .classes(let count):
      let number = try label.map { try classNumber($0, count, model) } ?? likeliest(task, model)
      return (.label(number), "logit of \(model.label(number))")
    case .nextToken:
      let token = try next.map { try number(of: $0, model) } ?? likeliest(task, model)
      guard let versus else { return (.next(token), "logit of \(quoted(model.tokenizer.token(token) ?? ""))") }
      let other = try number(of: versus, model)
      let names = [token, other].map { quoted(model.tokenizer.token($0) ?? "") }
      return (.nextVersus(token, other), "logit of \(names[0]) less that of \(names[1])")
    }
  }

  private func refuse(_ options: [(String, String?)], _ what: String) throws {
    for (name, value) in options where value != nil { throw PullbackError(.usage, name, "the model \(what)") }
  }

  private func likeliest(_ task: Task, _ model: TextModel) throws -> Int {
    let logits = try model.output(of: task.text, with: secondText)
    return logits.indices.max { logits[$0] < logits[$1] } ?? 0
  }

  private func classNumber(_ label: String, _ count: Int, _ model: TextModel) throws -> Int {
    let names = (0..<count).map(model.label)
    if let number = names.firstIndex(of: label) ?? Int(label), (0..<count).contains(number) { return number }
    throw PullbackError(
      .usage, "--label \(label)", "the model has no such class",
      advice: "it has \(names.prefix(20).joined(separator: ", "))\(count > 20 ? " and \(count - 20) more" : "")")
  }

  /// The token that a text is with a space in front, as words have it, or without, or as the vocabulary writes it.
  private func number(of text: String, _ model: TextModel) throws -> Int {
    let text = PathText.repaired(text)
    for candidate in [" " + text, text] {
      let ids = try model.tokenizer.encode(candidate, addsSpecialTokens: false).ids
      if ids.count == 1 { return ids[0] }
    }
    if let id = model.tokenizer.id(of: text) { return id }
    let pieces = try model.tokenizer.encode(" " + text, addsSpecialTokens: false).tokens.map { quoted($0.text) }
    throw PullbackError(
      .usage, "token \(quoted(text))", "is \(pieces.joined(separator: ", ")) to the model", advice: "name one of them")
  }

  // MARK: Shown

  /// In a terminal the text, its words shaded; elsewhere a word and its share a line.
  private func show(_ record: Record) {
    print(PathText.shown(record.caption))
    let pieces = record.explanation.pieces()
    guard isatty(STDOUT_FILENO) == 1, ProcessInfo.processInfo.environment["NO_COLOR"] == nil else {
      for piece in pieces {
        let share = String(format: "%+.4f", piece.value ?? 0)
        print("\(String(repeating: " ", count: max(0, 10 - share.count)))\(share)  \(PathText.shown(piece.text))")
      }
      return
    }
    let colors = ShadedText(pieces).colors
    print(
      zip(pieces, colors).map { piece, color in
        let space = piece.follows ? " " : ""
        guard let color else { return space + PathText.shown(piece.text) }
        func parts(_ color: Color) -> String {
          [color.red, color.green, color.blue].map { "\(Int(($0 * 255).rounded()))" }.joined(separator: ";")
        }
        return space + "\u{1B}[48;2;\(parts(color))m\u{1B}[38;2;\(parts(color.readableInk))m"
          + PathText.shown(piece.text) + "\u{1B}[0m"
      }.joined())
  }
}

extension TextMethod: ExpressibleByArgument {}

/// The texts of a file, one a line, with the numbers of their lines; lines without text are left out.
func linesOfTexts(_ path: String) throws -> [(number: Int, text: String)] {
  let bytes = try InputFile.bytes(of: path, limit: 1 << 26, pipes: true)
  let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
    .map { ($0 + 1, String(decoding: $1.last == UInt8(ascii: "\r") ? $1.dropLast() : $1, as: UTF8.self)) }
    .filter { !$1.isEmpty }
  guard !lines.isEmpty else { throw PullbackError(.data, path, "has no lines") }
  return lines
}

/// The language model of a name or in a folder.
func textModel(_ name: String, head: TextHead? = nil) throws -> TextModel {
  guard let named = NamedTextModel(rawValue: name) else { return try TextModel(contentsOf: name, head: head) }
  return try named.model(head: head)
}
