import Failures

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
