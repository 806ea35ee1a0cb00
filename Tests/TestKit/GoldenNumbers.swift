import Foundation
import Testing

/// Any JSON value.
public indirect enum JSONTree: Equatable, Sendable, Codable {
  case null
  case flag(Bool)
  case number(Double)
  case string(String)
  case array([JSONTree])
  case object([String: JSONTree])

  public init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let flag = try? value.decode(Bool.self) {
      self = .flag(flag)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let string = try? value.decode(String.self) {
      self = .string(string)
    } else if let array = try? value.decode([JSONTree].self) {
      self = .array(array)
    } else {
      self = .object(try value.decode([String: JSONTree].self))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    switch self {
    case .null: try value.encodeNil()
    case .flag(let flag): try value.encode(flag)
    case .number(let number): try value.encode(number)
    case .string(let string): try value.encode(string)
    case .array(let array): try value.encode(array)
    case .object(let object): try value.encode(object)
    }
  }

  /// Where this tree differs from `expected`, one line per place: structure, strings and flags must be equal, numbers
  /// `a` and `b` within `absolute + relative * |b|`.
  public func differences(
    from expected: JSONTree, relative: Double, absolute: Double, at path: String = "$"
  ) -> [String] {
    switch (self, expected) {
    case (.number(let a), .number(let b)):
      let allowed = absolute + relative * abs(b)
      return abs(a - b) <= allowed ? [] : ["\(path): \(a) instead of \(b), off by \(abs(a - b)), allowed \(allowed)"]
    case (.array(let a), .array(let b)):
      let lengths = a.count == b.count ? [] : ["\(path): \(a.count) elements instead of \(b.count)"]
      return lengths
        + zip(a, b).enumerated().flatMap { index, pair in
          pair.0.differences(from: pair.1, relative: relative, absolute: absolute, at: "\(path)[\(index)]")
        }
    case (.object(let a), .object(let b)):
      return Set(a.keys).union(b.keys).sorted().flatMap { key -> [String] in
        switch (a[key], b[key]) {
        case (let a?, let b?):
          a.differences(from: b, relative: relative, absolute: absolute, at: "\(path).\(key)")
        case (nil, _): ["\(path).\(key): missing"]
        default: ["\(path).\(key): not expected"]
        }
      }
    default:
      return self == expected ? [] : ["\(path): \(self) instead of \(expected)"]
    }
  }

  /// The largest difference between numbers at the same place, relative to the larger magnitude but at least to
  /// `scale`; infinite where the structures or texts differ.
  public func largestDifference(from other: JSONTree, scale: Double = 1e-6) -> Double {
    switch (self, other) {
    case (.number(let a), .number(let b)): return abs(a - b) / max(abs(a), abs(b), scale)
    case (.array(let a), .array(let b)):
      guard a.count == b.count else { return .infinity }
      return zip(a, b).map { $0.largestDifference(from: $1, scale: scale) }.max() ?? 0
    case (.object(let a), .object(let b)):
      guard Set(a.keys) == Set(b.keys) else { return .infinity }
      return a.map { key, value in value.largestDifference(from: b[key]!, scale: scale) }.max() ?? 0
    default: return self == other ? 0 : .infinity
    }
  }
}

/// Checks that `json` states the same as the JSON file at `path`: equal structure and strings, numbers within
/// `absolute + relative * |expected|`.
///
/// On failure the issue names the first places that differ, and `actual.json` is left in `Tests/Failures/<name>`.
/// - Parameter path: relative to the package, such as `Figures/fig3.json`.
public func expectMatchesGoldenNumbers(
  _ json: [UInt8], _ path: String, relative: Double, absolute: Double, goldens: Goldens = .package,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  if goldens.isRecording { return goldens.record(json, path, sourceLocation) }
  let file = goldens.root.appendingPathComponent(path)
  let actual = try JSONDecoder().decode(JSONTree.self, from: Data(json))
  let differences =
    FileManager.default.fileExists(atPath: file.path)
    ? actual.differences(
      from: try JSONDecoder().decode(JSONTree.self, from: Data(contentsOf: file)), relative: relative,
      absolute: absolute)
    : ["there is no \(file.path)"]
  guard !differences.isEmpty else { return }
  let folder = goldens.failures(of: path)
  try Goldens.write(json, to: folder.appendingPathComponent("actual.json"))
  Issue.record(
    """
    \(path): \(differences.count) differences, the first of them
    \(differences.prefix(8).joined(separator: "\n"))
    see \(folder.path)
    """, sourceLocation: sourceLocation)
}
