import Foundation

/// One axis of a plot as its author wishes it: what it shows, how it is divided and, if fixed, from where to where.
///
/// ```swift
/// Axis("temperature τ", scale: .logarithmic)
/// Axis("pixels removed", range: 0...1)
/// ```
public struct Axis: Equatable, Sendable {
  /// The map from values to positions.
  public enum Scale: Equatable, Sendable {
    case linear, logarithmic
  }

  /// The title beside the axis, unit included.
  public var label: String
  /// The map from values to positions.
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

  /// The position of `value` between the ends, 0...1 inside; nil for values that the axis cannot show.
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

/// A mark on an axis: its value and what is written there; minor ticks carry no label.
public struct Tick: Equatable, Sendable {
  public var value: Double
  public var label: String

  public init(_ value: Double, _ label: String) {
    self.value = value
    self.label = label
  }
}

enum Ticks {
  /// Round values inside `range`: multiples of 1, 2 or 5 times a power of ten, about `count` of them.
  static func linear(_ range: ClosedRange<Double>, count: Int) -> [Tick] {
    let span = range.upperBound - range.lowerBound
    guard span > 0, span.isFinite else { return [] }
    let raw = span / Double(max(1, count))
    var exponent = Int(floor(log10(raw)))
    // The nearest of 1, 2, 5, 10 on a logarithmic scale: the borders are the square roots of 2, 10 and 50.
    let mantissa = raw / pow(10, Double(exponent))
    let factor = mantissa < 1.414 ? 1 : mantissa < 3.162 ? 2 : mantissa < 7.071 ? 5 : 1
    if mantissa >= 7.071 { exponent += 1 }

    // A quotient by a power of ten is the double nearest to the decimal number; a product with 0.1 is not.
    let (up, down) = (pow(10, Double(max(0, exponent))), pow(10, Double(max(0, -exponent))))
    let step = Double(factor) * up / down
    guard step > 0, down.isFinite else { return [] }
    let (first, last) = (ceil(range.lowerBound / step - 1e-6), floor(range.upperBound / step + 1e-6))
    guard first <= last, abs(first) < 1e15, abs(last) < 1e15 else { return [] }
    let values = stride(from: first, through: last, by: 1).map { $0 * Double(factor) * up / down }
    return labelled(values, exponent: exponent)
  }

  /// Powers of ten inside `range`, at most about `count` of them; where fewer than three fall inside and `count` asks
  /// for more, also their 2- and 5-fold.
  ///
  /// - Parameter range: positive values.
  static func logarithmic(_ range: ClosedRange<Double>, count: Int) -> [Tick] {
    guard range.lowerBound > 0, range.upperBound < .infinity else { return [] }
    let decades = Int(floor(log10(range.lowerBound)))...Int(floor(log10(range.upperBound)))
    func inside(_ factors: [Double]) -> [Double] {
      let (low, high) = (range.lowerBound * (1 - 1e-9), range.upperBound * (1 + 1e-9))
      let values = decades.flatMap { decade in factors.map { power(of: decade, times: $0) } }
      return values.filter { $0 >= low && $0 <= high }
    }
    let powers = inside([1])
    if powers.count < min(3, count) {
      let fine = inside([1, 2, 5])
      return fine.count < 2 ? linear(range, count: count) : fine.map { Tick($0, label($0)) }
    }
    let step = (powers.count + max(1, count) - 1) / max(1, count)
    return stride(from: 0, to: powers.count, by: step).map { Tick(powers[$0], label(powers[$0])) }
  }

  /// The 2- to 9-fold of the powers of ten in `range`, if it spans at most six decades.
  static func minorLogarithmic(_ range: ClosedRange<Double>) -> [Double] {
    guard range.lowerBound > 0, range.upperBound < .infinity, range.upperBound / range.lowerBound < 1e6 else {
      return []
    }
    return (Int(floor(log10(range.lowerBound)))...Int(floor(log10(range.upperBound)))).flatMap { decade in
      (2...9).map { power(of: decade, times: Double($0)) }.filter(range.contains)
    }
  }

  private static func power(of decade: Int, times factor: Double) -> Double {
    decade < 0 ? factor / pow(10, Double(-decade)) : factor * pow(10, Double(decade))
  }

  /// Labels with the decimals that steps of 10^exponent need; from 10^5 on, and below 10^-4, as multiples of a power.
  private static func labelled(_ values: [Double], exponent: Int) -> [Tick] {
    let largest = values.map(abs).max() ?? 0
    guard largest >= 1e5 || (largest > 0 && largest < 1e-3) else {
      return values.map { Tick($0, decimal($0, places: -exponent)) }
    }
    let common = Int(floor(log10(largest) + 1e-9))
    return values.map { value in
      let mantissa = decimal(value / pow(10, Double(common)), places: common - exponent)
      return Tick(value, value == 0 ? "0" : "\(mantissa)×10\(superscript(common))")
    }
  }

  /// A value of a logarithmic axis: plain from 0.001 to 10,000, else a multiple of a power of ten.
  private static func label(_ value: Double) -> String {
    let exponent = Int(floor(log10(value) + 1e-9))
    if (-3...4).contains(exponent) { return decimal(value, places: max(0, -exponent)) }
    let mantissa = (value / pow(10, Double(exponent))).rounded()
    return (mantissa == 1 ? "" : "\(decimal(mantissa, places: 0))×") + "10\(superscript(exponent))"
  }

  private static func superscript(_ number: Int) -> String {
    let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    return (number < 0 ? "⁻" : "") + String(String(abs(number)).compactMap(\.wholeNumberValue).map { digits[$0] })
  }
}
