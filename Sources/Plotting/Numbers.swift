import Foundation

/// `value` with `places` decimals and a true minus sign; a value that rounds to zero has no sign, NaN is a dash.
public func decimal(_ value: Double, places: Int) -> String {
  guard value.isFinite else { return value.isNaN ? "–" : value < 0 ? "−∞" : "∞" }
  let digits = String(format: "%.\(max(0, min(20, places)))f", abs(value))
  let isZero = digits.allSatisfy { $0 == "0" || $0 == "." }
  return value < 0 && !isZero ? "−" + digits : digits
}

/// `value` with one digit before the point, `places` behind it, and its power of ten: `3.1e−7`.
public func scientific(_ value: Double, places: Int = 1) -> String {
  guard value.isFinite, value != 0 else { return decimal(value, places: 0) }
  let parts = String(format: "%.\(max(0, min(20, places)))e", abs(value)).split(separator: "e")
  let exponent = Int(parts[1]) ?? 0
  return "\(value < 0 ? "−" : "")\(parts[0])e\(exponent < 0 ? "−" : "")\(abs(exponent))"
}
