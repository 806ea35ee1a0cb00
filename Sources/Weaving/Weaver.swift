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
    case .quotation(let quotation): return try quotation.selection.markdown(in: value(quotation.file, tier))
    case .table(let table): return try table.markdown(in: value(table.file, tier))
    case .include(let name): return try results.text(at: results.existingPath(name, tier: tier, extensions: ["md"]))
    case .figure(let name):
      return try ExperimentSection(String(name.prefix { $0 != "-" }), tier: tier, results).picture(name)
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
    case .figure, .table, .include, .claim, .absent, .quotation, .end: return ""
    }
  }

  private func value(_ name: String, _ tier: String) throws -> Value { try results.value(name, tier: tier) }
}
