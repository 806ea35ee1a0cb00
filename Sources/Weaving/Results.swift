import Failures
import Foundation
import SwiftCSV

/// The result files of a repository, by name.
///
/// A name with a slash is a path from the repository's folder. Any other is a file of `Figures/`, with the tier of
/// networks and images at its end or without: on the tier `imagenet`, `fig2` is `Figures/fig2-imagenet.json`.
final class Results {
  private static let limit = 64 << 20
  let root: String
  private var read: [String: Value] = [:]

  init(root: String) { self.root = root }

  /// The path, from the repository's folder, of the file that `name` means and that ends in one of `extensions`; nil if
  /// there is none.
  func path(_ name: String, tier: String, extensions: [String]) -> String? {
    candidates(name, tier, extensions).first { FileManager.default.fileExists(atPath: "\(root)/\($0)") }
  }

  /// Like ``path(_:tier:extensions:)``, but throws if there is no such file.
  ///
  /// - Throws: `PullbackError` that names all the files looked for.
  func existingPath(_ name: String, tier: String, extensions: [String]) throws -> String {
    guard let path = path(name, tier: tier, extensions: extensions) else {
      let names = candidates(name, tier, extensions).joined(separator: ", ")
      throw PullbackError(.noInput, name, "there is no such result; looked for \(names)")
    }
    return path
  }

  /// The content of the JSON or CSV file that `name` means. A CSV file is a list of records, its columns by name, with
  /// a number for every cell that is one.
  func value(_ name: String, tier: String) throws -> Value {
    let path = try existingPath(name, tier: tier, extensions: ["json", "csv"])
    if let value = read[path] { return value }
    let text = try text(at: path)
    let value = try path.hasSuffix(".csv") ? Self.csv(text, path) : Self.json(text, path)
    read[path] = value
    return value
  }

  /// The text of the file at `path` from the repository's folder.
  func text(at path: String) throws -> String {
    let bytes = try InputFile.bytes(of: "\(root)/\(path)", limit: Self.limit)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw PullbackError(.data, path, "is not UTF-8 text")
    }
    return text.replacingOccurrences(of: "\r\n", with: "\n")
  }

  private func candidates(_ name: String, _ tier: String, _ extensions: [String]) -> [String] {
    if name.contains("/") { return extensions.contains { name.hasSuffix(".\($0)") } ? [name] : [] }
    return ["\(name)-\(tier)", name].flatMap { stem in extensions.map { "Figures/\(stem).\($0)" } }
  }

  private static func json(_ text: String, _ path: String) throws -> Value {
    do {
      return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    } catch {
      throw PullbackError(.data, path, "is not JSON")
    }
  }

  private static func csv(_ text: String, _ path: String) throws -> Value {
    do {
      let rows = try NamedCSV(string: text, delimiter: .comma).rows
      return .list(
        rows.map { row in
          .record(row.mapValues { cell in Double(cell).flatMap { $0.isFinite ? .number($0) : nil } ?? .text(cell) })
        })
    } catch {
      throw PullbackError(.data, path, "is not comma-separated text with a header line")
    }
  }
}

/// A table of values from a result file, in Markdown.
///
/// Either its columns are selected of each row,
///
///     fig3:numbers; Image = name; SfP = attributions.soft-pullback.energyOnObject | percent
///
/// or a list in long form is laid out with one row and one column for each value of two fields, in order of appearance:
///
///     table1; rows = explainer; columns = metric; cell = mean | fixed 3
struct ResultTable {
  private struct Column {
    let title: String
    let selection: Selection
  }

  let file: String
  private let path: ValuePath
  private let columns: [Column]

  init(_ text: String) throws {
    let parts = text.split(separator: ";").map(\.trimmed)
    let source = parts.first ?? ""
    let colon = source.firstIndex(of: ":") ?? source.endIndex
    file = String(source[..<colon])
    path = try ValuePath(String(source[colon...].dropFirst()))
    columns = try parts.dropFirst().map { part in
      guard let equals = part.firstIndex(of: "=") else {
        throw PullbackError(.usage, part, "expected a column of the form title = path | format")
      }
      return Column(
        title: part[..<equals].trimmed, selection: try Selection(part[part.index(after: equals)...].trimmed))
    }
    guard !columns.isEmpty else {
      throw PullbackError(.usage, source, "a table needs columns", advice: "write ; title = path | format for each")
    }
  }

  func markdown(in root: Value) throws -> String {
    let rows = try path.values(in: root).flatMap { value in
      if case .list(let elements) = value { elements } else { [value] }
    }
    if columns.map(\.title) == ["rows", "columns", "cell"] { return try crossed(rows) }
    return Self.layOut(
      titles: columns.map(\.title), isRight: columns.map(\.selection.isNumeric),
      try rows.map { row in try columns.map { try $0.selection.markdown(in: row) } })
  }

  private func crossed(_ entries: [Value]) throws -> String {
    var (rows, titles) = ([String](), [String]())
    var cells: [String: [String: String]] = [:]
    for entry in entries {
      let (row, title) = try (columns[0].selection.markdown(in: entry), columns[1].selection.markdown(in: entry))
      if cells[row] == nil { rows.append(row) }
      if !titles.contains(title) { titles.append(title) }
      guard cells[row, default: [:]].updateValue(try columns[2].selection.markdown(in: entry), forKey: title) == nil
      else {
        throw PullbackError(.usage, file, "there are two entries for \(row), \(title)", advice: "choose with a filter")
      }
    }
    let first = columns[0].selection.path.text
    return Self.layOut(
      titles: [first.prefix(1).uppercased() + first.dropFirst()] + titles,
      isRight: [false] + titles.map { _ in columns[2].selection.isNumeric },
      rows.map { row in [row] + titles.map { cells[row]?[$0] ?? "–" } })
  }

  private static func layOut(titles: [String], isRight: [Bool], _ rows: [[String]]) -> String {
    let rules = isRight.map { $0 ? "--:" : ":--" }
    return ([titles, rules] + rows).map { "| " + $0.joined(separator: " | ") + " |" }.joined(separator: "\n")
  }
}

/// The provenance of a result, from the file beside it.
struct Provenance {
  let command: String
  let commit: String?
  let seconds: Double

  /// - Parameter record: the content of the provenance file.
  init(_ record: Value) throws {
    command = try ValuePath("command[*]").values(in: record).compactMap(\.plain).joined(separator: " ")
    seconds = try Selection("seconds").number(in: record)
    if case .record(let fields) = record, case .text(let text)? = fields["commit"] {
      commit = text
    } else {
      commit = nil
    }
  }

  /// The sentence under a figure.
  var markdown: String {
    var parts = ["`\(command)`"]
    if let commit {
      // The experiment marks with a plus that files were changed since.
      parts.append("commit `\(commit.prefix { $0 != "+" })`" + (commit.hasSuffix("+") ? " with changes" : ""))
    }
    parts.append("\(Int(seconds.rounded(.up)))\u{A0}s")
    return parts.joined(separator: ", ")
  }
}
