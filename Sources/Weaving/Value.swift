/// What a result file holds: JSON's kinds of values.
public enum Value: Equatable, Sendable {
  case null
  case boolean(Bool)
  case number(Double)
  case text(String)
  case list([Value])
  case record([String: Value])

  /// What it is, for a message: `a list of 8`.
  var kind: String {
    switch self {
    case .null: "null"
    case .boolean(let value): "\(value)"
    case .number(let value): "the number \(value)"
    case .text(let value): "the text \"\(value.prefix(60))\""
    case .list(let values): "a list of \(values.count)"
    case .record(let fields): "a record of \(listing(fields.keys.sorted()))"
    }
  }

  /// As a filter compares it and as a table without a format shows it; nil for lists and records.
  var plain: String? {
    switch self {
    case .null: "null"
    case .boolean(let value): "\(value)"
    case .number(let value): Int(exactly: value).map(String.init) ?? "\(value)"
    case .text(let value): value
    case .list, .record: nil
    }
  }
}

extension Value: Decodable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .boolean(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let values = try? container.decode([Value].self) {
      self = .list(values)
    } else {
      self = .record(try container.decode([String: Value].self))
    }
  }
}

/// The names, not too many of them.
func listing(_ names: [String]) -> String {
  let shown = names.prefix(16).joined(separator: ", ")
  return names.count > 16 ? shown + ", …" : names.isEmpty ? "nothing" : shown
}
