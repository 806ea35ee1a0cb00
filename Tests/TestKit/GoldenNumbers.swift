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
  /// `a` and `b` within `absolute + relative * |b|`; in a list of numbers, of its largest magnitude in place of `|b|`.
  public func differences(
    from expected: JSONTree, relative: Double, absolute: Double, at path: String = "$"
  ) -> [String] {
    differences(from: expected, relative: relative, absolute: absolute, at: path, scale: 0)
  }

  private func differences(
    from expected: JSONTree, relative: Double, absolute: Double, at path: String, scale: Double
  ) -> [String] {
    switch (self, expected) {
    case (.number(let a), .number(let b)):
      let allowed = absolute + relative * max(abs(b), scale)
      return abs(a - b) <= allowed ? [] : ["\(path): \(a) instead of \(b), off by \(abs(a - b)), allowed \(allowed)"]
    case (.array(let a), .array(let b)):
      let lengths = a.count == b.count ? [] : ["\(path): \(a.count) elements instead of \(b.count)"]
      let scale = b.reduce(0.0) { if case .number(let number) = $1 { max($0, abs(number)) } else { $0 } }
      return lengths
        + zip(a, b).enumerated().flatMap { index, pair in
          pair.0.differences(
            from: pair.1, relative: relative, absolute: absolute, at: "\(path)[\(index)]", scale: scale)
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

  /// The smallest `relative` that ``differences(from:relative:absolute:at:)`` would let pass without an `absolute`, up
  /// to a factor of two; infinite where structures or texts differ.
  public func largestDifference(from expected: JSONTree) -> Double {
    func passes(_ relative: Double) -> Bool {
      differences(from: expected, relative: relative, absolute: 1e-12).isEmpty
    }
    if passes(0) { return 0 }
    return (-40...40).lazy.map { pow(2, Double($0)) }.first(where: passes) ?? .infinity
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
