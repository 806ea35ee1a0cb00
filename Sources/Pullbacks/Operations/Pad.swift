/// Adds values around an input or cuts off its sides, axis by axis; the batch axis is not counted.
///
/// Place i of an axis of the output is place `i - begin` of the input. If that lies outside, the mode determines the
/// value, as in `numpy.pad`. A negative begin or end cuts places off.
public struct Pad: Operation {
  /// The kind of values outside the input.
  public enum Mode: String, Hashable, Sendable, CaseIterable {
    /// One number.
    case constant
    /// The input mirrored at its first and last values, which are not repeated: `c b | a b c | b a`.
    case reflect
    /// The nearest value: `a a | a b c | c c`.
    case edge
    /// The input repeated: `b c | a b c | a b`.
    case wrap
  }

  /// The kind of values outside the input.
  public var mode: Mode
  /// For each axis, how many places come before the input.
  public var begins: [Int]
  /// For each axis, how many places come behind the input.
  public var ends: [Int]
  /// The value outside the input in the mode `constant`.
  public var value: Float

  /// - Parameters:
  ///   - begins: for each axis, how many places come before the input.
  ///   - ends: for each axis, how many places come behind the input.
  ///   - mode: the kind of values there.
  ///   - value: the number that stands there in the mode `constant`.
  public init(_ begins: [Int], _ ends: [Int], mode: Mode = .constant, value: Float = 0) {
    self.begins = begins
    self.ends = ends
    self.mode = mode
    self.value = value
  }

  public var kind: String { "pad" }
  public var character: OperationCharacter { .linear }
  public var settings: String {
    "\(mode.rawValue), \(begins) before, \(ends) behind" + (mode == .constant && value != 0 ? ", value \(value)" : "")
  }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    let shape = inputs[0]
    guard begins.count == shape.count, ends.count == shape.count else {
      throw PullbackError(
        .usage, kind, "\(begins.count) begins and \(ends.count) ends do not fit an input of shape \(shape)")
    }
    let padded = shape.indices.map { shape[$0] + begins[$0] + ends[$0] }
    guard padded.allSatisfy({ $0 > 0 }) else {
      throw PullbackError(.usage, kind, "padding \(begins) and \(ends) leaves nothing of shape \(shape)")
    }
    return padded
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Pullbacks.Mode) -> Evaluation {
    Evaluation(
      selections(Array(inputs[0].shape.dropFirst())).reduce(inputs[0]) { x, selection in
        selection.places(x, axis: selection.axis + 1, fill: value)
      })
  }

  /// Each v goes back to the place that was copied.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    let input = site.inputShapes[0]
    return [
      selections(Array(input.dropFirst())).reversed().reduce(v) { v, selection in
        selection.places.adjoint(v, axis: selection.axis + 1, extent: input[selection.axis + 1])
      }
    ]
  }

  /// The axes that change, and where their places come from.
  private func selections(_ shape: [Int]) -> [(axis: Int, places: AxisSelection)] {
    shape.indices.filter { begins[$0] != 0 || ends[$0] != 0 }.map { axis in
      let places = -begins[axis]..<shape[axis] + ends[axis]
      return (axis, AxisSelection(sources: places.map { source($0, shape[axis]) }))
    }
  }

  /// The place of an axis of `extent` places that stands at `place`, which may lie outside.
  private func source(_ place: Int, _ extent: Int) -> Int? {
    switch mode {
    case .constant: return (0..<extent).contains(place) ? place : nil
    case .edge: return min(max(place, 0), extent - 1)
    case .wrap: return remainder(place, extent)
    case .reflect:
      guard extent > 1 else { return 0 }
      let turned = remainder(place, 2 * (extent - 1))
      return turned < extent ? turned : 2 * (extent - 1) - turned
    }
  }

  private func remainder(_ place: Int, _ period: Int) -> Int { (place % period + period) % period }
}
