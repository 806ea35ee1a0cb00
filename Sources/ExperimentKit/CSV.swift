import Foundation
import Pullbacks
import SwiftCSV

/// Comma-separated values with a header line.
enum CSV {
  /// The rows of the file at `path`, each by the names of its columns.
  ///
  /// - Throws: `PullbackError` if there is no such file or it is not UTF-8 text in that form, or two columns have the
  ///   same name.
  static func rows(at path: String) throws -> [[String: String]] {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw PullbackError(.noInput, path, "cannot be read")
    }
    guard var text = String(data: data, encoding: .utf8) else {
      throw PullbackError(.data, path, "is not UTF-8 text")
    }
    text = text.replacingOccurrences(of: "\r\n", with: "\n")
    if text.hasPrefix("\u{FEFF}") { text.removeFirst() }
    while text.hasSuffix("\n") { text.removeLast() }
    do {
      let table = try NamedCSV(string: text, delimiter: .comma)
      guard Set(table.header).count == table.header.count else {
        throw PullbackError(.data, path, "two columns have the same name: \(table.header.joined(separator: ", "))")
      }
      return table.rows
    } catch let error as PullbackError {
      throw error
    } catch {
      throw PullbackError(.data, path, "is not comma-separated text with a header line: \(error)")
    }
  }
}
