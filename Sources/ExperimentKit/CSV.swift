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
    do {
      return try NamedCSV(string: text, delimiter: .comma).rows
    } catch {
      throw PullbackError(.data, path, "is not comma-separated text with a header line: \(error)")
    }
  }
}
