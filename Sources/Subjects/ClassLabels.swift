import Failures
import Foundation

/// The names of a network's classes, as files have them.
public enum ClassLabels {
  /// The names in the file at `path`, in the order of the logits.
  ///
  /// - Parameter path: the path of a text with a name on each line; a JSON list of names, or an object from numbers to
  ///   names, also under the key `id2label`, where a list in the place of a name ends in it; or comma-separated values
  ///   with a column `name`, `class` or `label`, and perhaps the numbers in a column `index`, `id` or `number`.
  /// - Throws: `PullbackError` of kind `data` if the file is none of these, or a number is missing or there twice;
  ///   `noInput` if it cannot be opened.
  public static func read(_ path: String) throws -> [String] {
    var labels: [String]
    switch (path as NSString).pathExtension.lowercased() {
    case "json": labels = try json(path)
    case "csv": labels = try csv(path)
    default: labels = try lines(path)
    }
    guard !labels.isEmpty else { throw PullbackError(.data, path, "holds no names of classes") }
    // Some programs begin a text with a mark of its byte order.
    if labels[0].unicodeScalars.first == "\u{FEFF}" { labels[0].unicodeScalars.removeFirst() }
    // Names are printed, and a terminal would obey these.
    let isCommand = { (scalar: Unicode.Scalar) in scalar.properties.generalCategory == .control && scalar != "\t" }
    if let wrong = labels.firstIndex(where: { $0.unicodeScalars.contains(where: isCommand) }) {
      throw PullbackError(
        .data, path, "the name of class \(wrong) holds a control character", advice: "write it as plain text")
    }
    return labels
  }

  private static let limit = 1 << 26

  private static func lines(_ path: String) throws -> [String] {
    guard let text = String(validating: try InputFile.bytes(of: path, limit: limit), as: UTF8.self) else {
      throw PullbackError(.data, path, "is not UTF-8 text")
    }
    var lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
      .map { $0.trimmingCharacters(in: .whitespaces) }
    while lines.last?.isEmpty == true { lines.removeLast() }
    if let empty = lines.firstIndex(of: "") {
      throw PullbackError(.data, path, "line \(empty + 1) is empty, expected the name of a class on each")
    }
    return lines
  }

  private static func json(_ path: String) throws -> [String] {
    let data = Data(try InputFile.bytes(of: path, limit: limit))
    let expected = PullbackError(
      .data, path, "expected a JSON list of names, or an object from the numbers of classes to names")
    func name(_ value: Any) throws -> String {
      if let name = value as? String { return name }
      if let last = (value as? [String])?.last { return last }
      throw expected
    }
    guard var value = try? JSONSerialization.jsonObject(with: data) else { throw expected }
    if let configuration = value as? [String: Any], let labels = configuration["id2label"] { value = labels }
    if let list = value as? [Any] { return try list.map(name) }
    guard let object = value as? [String: Any] else { throw expected }
    return try ordered(
      object.map { key, value in
        guard let number = Int(key) else { throw expected }
        return (number, try name(value))
      }, path)
  }

  private static func csv(_ path: String) throws -> [String] {
    let rows = try CSV.rows(at: path)
    func column(_ names: [String]) -> String? { names.first { rows.first?[$0] != nil } }
    guard let named = column(["name", "class", "label", "class_name"]) else {
      throw PullbackError(.data, path, "expected a column name, class or label, and at least one row")
    }
    guard let numbered = column(["index", "id", "number", "class_id"]) else { return rows.map { $0[named] ?? "" } }
    return try ordered(
      rows.enumerated().map { place, row in
        guard let number = Int(row[numbered] ?? "") else {
          throw PullbackError(.data, path, "row \(place + 1): expected a number in the column \(numbered)")
        }
        return (number, row[named] ?? "")
      }, path)
  }

  private static func ordered(_ entries: [(number: Int, name: String)], _ path: String) throws -> [String] {
    let sorted = entries.sorted { $0.number < $1.number }
    if let wrong = sorted.enumerated().first(where: { $0.offset != $0.element.number }) {
      throw PullbackError(
        .data, path,
        "expected each of the classes 0 to \(entries.count - 1) once, found \(wrong.element.number) in the "
          + "place of \(wrong.offset)")
    }
    return sorted.map(\.name)
  }
}
