import Foundation
import Pullbacks

/// Places of an array, written as numpy's basic indexing: `2`, `1,:`, `2,8:16,4:20`, `...,0`, `-1`.
///
/// Source: numpy's user guide, Indexing on ndarrays, basic indexing.
public struct ArrayIndex: Sendable {
  private enum Part: Hashable {
    case one(Int)
    case slice(start: Int?, end: Int?, step: Int)
    /// All places of as many axes as the other parts leave.
    case ellipsis
  }

  private let parts: [Part]
  private let text: String

  /// Nil if the text is no such index.
  public init?(_ text: String) {
    func split(_ text: String, _ separator: Character) -> [String] {
      text.split(separator: separator, omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
    }
    var parts: [Part] = []
    for part in split(text, ",") {
      if part == "..." {
        guard !parts.contains(.ellipsis) else { return nil }
        parts.append(.ellipsis)
      } else if let number = Self.number(part) {
        parts.append(.one(number))
      } else {
        let bounds = split(part, ":")
        guard (2...3).contains(bounds.count), bounds.allSatisfy({ $0.isEmpty || Self.number($0) != nil }) else {
          return nil
        }
        let numbers = bounds.map(Self.number)
        let step = bounds.count == 3 ? numbers[2] ?? 1 : 1
        parts.append(.slice(start: numbers[0], end: numbers[1], step: step))
      }
    }
    self.parts = parts
    self.text = text
  }

  /// An integer; one beyond every axis is kept as a large one.
  private static func number(_ text: String) -> Int? {
    let digits = text.first == "-" || text.first == "+" ? text.dropFirst() : text[...]
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
    return max(-1 << 40, min(1 << 40, Int(text) ?? (text.first == "-" ? .min : .max)))
  }

  /// Whether it has more than a number: a list of numbers may as well be a list of classes.
  public var isSlice: Bool { parts.contains { if case .one = $0 { false } else { true } } }

  /// The sum of the values at these places of an output.
  ///
  /// - Parameter shape: the shape of the output, without the batch axis.
  /// - Throws: `PullbackError` of kind `usage` if the index has more parts than the shape has axes, leaves an axis, or
  ///   selects nothing.
  public func target(in shape: [Int]) throws(PullbackError) -> Target {
    let given = parts.count { $0 != .ellipsis }
    guard given <= shape.count else {
      throw PullbackError(.usage, "index \(text)", "has \(given) parts, and the output has the shape \(shape)")
    }
    var axes: [Part] = []
    for part in parts {
      axes += part == .ellipsis ? Self.whole(shape.count - given) : [part]
    }
    axes += Self.whole(shape.count - axes.count)
    var offsets = [0]
    for (axis, part) in axes.enumerated() {
      let places = try places(part, axis, shape)
      offsets = offsets.flatMap { offset in places.map { offset * shape[axis] + $0 } }
    }
    guard offsets.count > 1 else { return .logit(offsets[0]) }
    return .weights(
      Tensor(shape: shape) { weights in
        weights.update(repeating: 0)
        for offset in offsets { weights[offset] = 1 }
      })
  }

  private static func whole(_ count: Int) -> [Part] {
    [Part](repeating: .slice(start: nil, end: nil, step: 1), count: count)
  }

  private func places(_ part: Part, _ axis: Int, _ shape: [Int]) throws(PullbackError) -> [Int] {
    let extent = shape[axis]
    switch part {
    case .one(let number):
      guard (-extent..<extent).contains(number) else {
        throw PullbackError(.usage, "index \(text)", "\(number) is not in axis \(axis) of the shape \(shape)")
      }
      return [number < 0 ? number + extent : number]
    case .slice(_, _, step: 0): throw PullbackError(.usage, "index \(text)", "has a step of 0")
    case .slice(let start, let end, let step):
      // The first and the last bound that a slice can have, as Python's slice.indices says.
      let range = step > 0 ? 0...extent : -1...extent - 1
      func bound(_ number: Int?, _ otherwise: Int) -> Int {
        guard let number else { return otherwise }
        return min(max(number < 0 ? number + extent : number, range.lowerBound), range.upperBound)
      }
      let first = bound(start, step > 0 ? 0 : extent - 1)
      let places = Array(stride(from: first, to: bound(end, step > 0 ? extent : -1), by: step))
      guard !places.isEmpty else {
        throw PullbackError(.usage, "index \(text)", "selects nothing of axis \(axis) of the shape \(shape)")
      }
      return places
    case .ellipsis: return Array(0..<extent)
    }
  }
}
