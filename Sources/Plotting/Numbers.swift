import Foundation

/// `value` with `places` decimals and a true minus sign; a value that rounds to zero has no sign, NaN is a dash.
public func decimal(_ value: Double, places: Int) -> String {
  guard value.isFinite else { return value.isNaN ? "–" : value < 0 ? "−∞" : "∞" }
  let digits = String(format: "%.\(max(0, min(20, places)))f", abs(value))
  let isZero = digits.allSatisfy { $0 == "0" || $0 == "." }
  return value < 0 && !isZero ? "−" + digits : digits
}
