import Foundation
import Pullbacks
import SwiftCSV

/// Comma-separated values with a header line.
enum CSV {
  /// The rows of the file at `path`, each by the names of its columns.
  ///
  /// - Throws: `PullbackError` if there is no such file or it is not UTF-8 text in that form.
  static func rows(at path: String) throws -> [[String: String]] {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw PullbackError(.noInput, path, "cannot be read")
    }
    guard var text = String(data: data, encoding: .utf8) else {
      throw PullbackError(.data, path, "is not UTF-8 text")
    }
    text = text.replacingOccurrences(of: "\r\n", with: "\n")
    if text.hasPrefix("\u{FEFF}") { text.removeFirst() }
    let table: NamedCSV
    do {
      table = try NamedCSV(string: text, delimiter: .comma)
    } catch {
      throw PullbackError(.data, path, "is not comma-separated text with a header line: \(error)")
    }
    guard Set(table.header).count == table.header.count else {
      throw PullbackError(.data, path, "two columns have the same name: \(table.header.joined(separator: ", "))")
    }
    // Empty lines at the end are rows to the parser.
    return table.rows.filter { row in row.values.contains { !$0.isEmpty } }
  }
}
