import Failures

/// Weaves a template, the experiments' programs and their results into one document of Pandoc's Markdown.
///
/// The template is Pandoc's Markdown with directives between double braces, see `paper/README.md`. Its metadata name
/// the tier of networks and images: `tier: imagenet`.
public struct Weaver {
  /// A woven document.
  public struct Document: Equatable {
    public let markdown: String
    /// The experiments of the template that have no results, `fig6` or `fig3 on imagenet`.
    public let absent: [String]
  }

  private let results: Results
  private let tier: String
  private let absent: [String]
  private let template: Template

  /// Takes the template at `path` apart; both paths as messages shall show them.
  ///
  /// - Parameter root: the repository's folder, which `path` and the names of results start from.
  /// - Throws: `PullbackError` with file and line if it is not a template.
  public init(template path: String, root: String) throws {
    let results = Results(root: root)
    let text = try results.text(at: path)
    guard let match = text.firstMatch(of: #/(?s)\A---\n(?:.*?\n)?tier: *(\w+)\n.*?---\n/#) else {
      throw PullbackError(
        .data, path, "names no tier", advice: "begin with a line ---, a line tier: imagenet and a line ---")
    }
    try HandwrittenNumbers.refuse(in: text, file: path)
    try UncheckedComparisons.refuse(in: text, file: path)
    let (tier, template) = (String(match.output.1), try Template(text, file: path))
    absent = Self.experiments(in: template.pieces)
      .filter { !ExperimentSection.exists($0.name, tier: $0.tier ?? tier, results) }
      .map { $0.name + ($0.tier.map { " on \($0)" } ?? "") }
    (self.results, self.tier, self.template) = (results, tier, template)
  }

  /// The document.
  ///
  /// - Throws: `PullbackError` with the template's file and line for a result or a value that is not there, a claim
  ///   that does not hold, a format that does not fit.
  public func callAsFunction() throws -> Document {
    Document(markdown: try woven(template.pieces, tier), absent: absent)
  }

  private static func experiments(in pieces: [Template.Piece]) -> [(name: String, tier: String?)] {
    pieces.flatMap { piece -> [(name: String, tier: String?)] in
      guard case .block(let directive, let inner, _) = piece else { return [] }
      if case .experiment(let name, let tier) = directive { return [(name, tier)] + experiments(in: inner) }
      return experiments(in: inner)
    }
  }

  private func woven(_ pieces: [Template.Piece], _ tier: String) throws -> String {
    try pieces.map { piece in
      switch piece {
      case .text(let text): text
      case .directive(let directive, let place): try place.reporting { try woven(directive, tier) }
      case .block(let directive, let inner, let place):
        try place.reporting { try woven(directive, around: inner, tier) }
      }
    }
    .joined()
  }

  private func woven(_ directive: Directive, _ tier: String) throws -> String {
    switch directive {
    case .quotation(let quotation): return try quoted(quotation, tier)
    case .table(let table): return try table.markdown(in: value(table.file, tier))
    case .include(let name): return try results.text(at: results.existingPath(name, tier: tier, extensions: ["md"]))
    case .figure(let name):
      return try ExperimentSection(String(name.prefix { $0 != "-" }), tier: tier, results).picture(name)
    case .film(let name):
      let sheet = try results.existingPath(name, tier: tier, extensions: ["png"])
      let description = try results.existingPath(name, tier: tier, extensions: ["json"])
      return "::: {.film sheet=\"\(sheet)\" description=\"\(description)\"}\n:::"
    case .claim(let claim):
      try claim.check { try $0.selection.number(in: value($0.file, tier)) }
      return ""
    case .absent: return absent.isEmpty ? "none" : absent.map { "`\($0)`" }.joined(separator: ", ")
    case .experiment, .when, .whenTier, .end: return ""
    }
  }

  private func woven(_ directive: Directive, around inner: [Template.Piece], _ tier: String) throws -> String {
    switch directive {
    case .when(let name):
      return results.path(name, tier: tier, extensions: ["json", "csv", "md"]) == nil ? "" : try woven(inner, tier)
    case .whenTier(let name): return name == tier ? try woven(inner, tier) : ""
    case .experiment(let name, let other):
      let innerTier = other ?? tier
      guard ExperimentSection.exists(name, tier: innerTier, results) else { return "" }
      let section = try ExperimentSection(name, tier: innerTier, results)
      let id = name + (other.map { "-\($0)" } ?? "")
      // The prose and the program are the same on every tier.
      let isRepeated = other != nil && ExperimentSection.exists(name, tier: tier, results)
      let parts = try [section.opening(id: id, isRepeated: isRepeated), woven(inner, innerTier)]
      return try (parts + (isRepeated ? [] : [section.listing(id: id)])).joined(separator: "\n\n") + "\n"
    case .figure, .film, .table, .include, .claim, .absent, .quotation, .end: return ""
    }
  }

  /// The value; a number with where it is from, so that the page can link to the data and to the line of the program
  /// that handed it over.
  private func quoted(_ quotation: Quotation, _ tier: String) throws -> String {
    let root = try value(quotation.file, tier)
    let text = try quotation.selection.markdown(in: root)
    guard case .number(let number) = try quotation.selection.value(in: root) else { return text }
    let path = try results.existingPath(quotation.file, tier: tier, extensions: ["json", "csv"])
    let quote: (String) -> String = { $0.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") }
    var attributes = "file=\"\(quote(path))\" path=\"\(quote(quotation.selection.path.text))\" exact=\"\(number)\""
    let experiment = String(quotation.file.prefix { $0 != "-" })
    if results.path("Experiments/\(experiment)/main.swift", tier: tier, extensions: ["swift"]) != nil,
      let section = try? ExperimentSection(experiment, tier: tier, results),
      let place = section.place(of: quotation.selection.path)
    {
      attributes += " program=\"Experiments/\(experiment)/main.swift\""
      attributes += " line=\"\(place.line)\" anchor=\"\(place.anchor)\""
    }
    return "[\(text)]{.quoted \(attributes)}"
  }

  private func value(_ name: String, _ tier: String) throws -> Value { try results.value(name, tier: tier) }
}
