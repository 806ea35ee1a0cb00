import Foundation

/// One axis of a plot as its author wishes it: what it shows, how it is divided and, if fixed, from where to where.
///
/// ```swift
/// Axis("temperature τ", scale: .logarithmic)
/// Axis("pixels removed", range: 0...1)
/// ```
public struct Axis: Equatable, Sendable {
  /// How values become places.
  public enum Scale: Equatable, Sendable {
    case linear, logarithmic
  }

  /// Beside the axis, unit included.
  public var label: String
  /// How values become places.
  public var scale: Scale
  /// The values at both ends; nil takes them from the data. A logarithmic axis needs positive ones.
  public var range: ClosedRange<Double>?
  /// Marks to use instead of round numbers, for instance the values that were measured.
  public var ticks: [Tick]?

  public init(
    _ label: String = "", scale: Scale = .linear, range: ClosedRange<Double>? = nil, ticks: [Tick]? = nil
  ) {
    self.label = label
    self.scale = scale
    self.range = range
    self.ticks = ticks
  }

  /// The axis over given data, `padding` being the share of its length left free beyond them on each side.
  func fitted(to data: some Sequence<Double>, padding: Double, including zero: Bool = false) -> FittedAxis {
    let usable = data.filter { $0.isFinite && (scale == .linear || $0 > 0) } + (zero && scale == .linear ? [0] : [])
    if let range, range.upperBound > range.lowerBound, range.upperBound.isFinite, range.lowerBound.isFinite,
      scale == .linear || range.lowerBound > 0
    {
      return FittedAxis(axis: self, lower: range.lowerBound, upper: range.upperBound)
    }
    guard let lowest = usable.min(), let highest = usable.max() else {
      return FittedAxis(axis: self, lower: scale == .linear ? 0 : 1, upper: scale == .linear ? 1 : 10)
    }
    switch scale {
    case .linear:
      let span = highest - lowest
      let room = span > 0 ? span * padding : max(abs(highest) * 0.1, 1e-6)
      // Bars stand on zero: no room is left beyond it.
      return FittedAxis(
        axis: self, lower: zero && lowest == 0 ? 0 : lowest - room, upper: zero && highest == 0 ? 0 : highest + room)
    case .logarithmic:
      let room = highest > lowest ? pow(highest / lowest, padding) : 2
      return FittedAxis(axis: self, lower: lowest / room, upper: highest * room)
    }
  }
}

/// An axis whose ends are known.
struct FittedAxis: Sendable {
  let axis: Axis
  let lower: Double
  let upper: Double

  /// Where `value` lies between the ends, 0...1 inside; nil for what the axis cannot show.
  func position(of value: Double) -> Double? {
    let position =
      switch axis.scale {
      case .linear: (value - lower) / (upper - lower)
      case .logarithmic: log(value / lower) / log(upper / lower)
      }
    return position.isFinite ? position : nil
  }

  /// Labelled ticks, about one per `spacing` of `length`, fewer where labels of a `width` would touch.
  func ticks(along length: Double, spacing: Double, width: (String) -> Double = { _ in 0 }) -> [Tick] {
    if let ticks = axis.ticks {
      return ticks.filter { position(of: $0.value).map((-1e-9...1 + 1e-9).contains) ?? false }
    }
    var count = max(2, Int(min(20, max(0, length / spacing))))
    // A single tick would not say how far the axis goes.
    if axis.scale == .linear { while count < 6, Ticks.linear(lower...upper, count: count).count < 2 { count += 1 } }
    while true {
      let ticks =
        axis.scale == .linear
        ? Ticks.linear(lower...upper, count: count) : Ticks.logarithmic(lower...upper, count: count)
      let room = length / Double(max(1, ticks.count - 1))
      if count <= 2 || ticks.count <= 2 || ticks.allSatisfy({ width($0.label) + 6 < room }) { return ticks }
      count -= 1
    }
  }

  var minorTicks: [Double] {
    axis.scale == .logarithmic && axis.ticks == nil ? Ticks.minorLogarithmic(lower...upper) : []
  }
}
