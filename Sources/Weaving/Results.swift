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

  /// As ``path(_:tier:extensions:)``.
  ///
  /// - Throws: `PullbackError` that names all the files looked for.
  func existingPath(_ name: String, tier: String, extensions: [String]) throws -> String {
    guard let path = path(name, tier: tier, extensions: extensions) else {
      let names = candidates(name, tier, extensions).joined(separator: ", ")
      throw PullbackError(.noInput, name, "there is no such result; looked for \(names)")
    }
    return path
  }

  /// What the JSON or CSV file that `name` means holds. A CSV file is a list of records, its columns by name, with a
  /// number wherever a cell is one.
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
