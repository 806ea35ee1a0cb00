import Pullbacks
import Testing

/// How far `actual` is from `expected`: the Euclidean norm of the difference over that of `expected`, and the largest
/// difference over the largest magnitude.
public func relativeErrors(_ actual: Tensor, _ expected: Tensor) -> (euclidean: Double, largest: Double) {
  let a = actual.scalars.map(Double.init)
  let b = expected.scalars.map(Double.init)
  return relativeErrors(a, b)
}

public func relativeErrors(_ a: [Double], _ b: [Double]) -> (euclidean: Double, largest: Double) {
  var difference = 0.0, norm = 0.0, worst = 0.0, largest = 0.0
  for (x, y) in zip(a, b) {
    difference += (x - y) * (x - y)
    norm += y * y
    worst = max(worst, abs(x - y))
    largest = max(largest, abs(y))
    // A NaN never wins a maximum; it must not pass for agreement.
    if x.isNaN != y.isNaN { return (.infinity, .infinity) }
  }
  if norm == 0 { return (difference.squareRoot(), worst) }
  return ((difference / norm).squareRoot(), worst / largest)
}

/// Expects equal shapes, and both relative errors within `tolerance`.
public func expectClose(
  _ actual: Tensor, _ expected: Tensor, within tolerance: Double, _ what: @autoclosure () -> String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.shape == expected.shape else {
    Issue.record("\(what()): shape \(actual.shape), expected \(expected.shape)", sourceLocation: sourceLocation)
    return
  }
  expectClose(
    actual.scalars.map(Double.init), expected.scalars.map(Double.init), within: tolerance, what(),
    sourceLocation: sourceLocation)
}

/// Expects as many values, and both relative errors within `tolerance`.
public func expectClose(
  _ actual: [Double], _ expected: [Double], within tolerance: Double, _ what: @autoclosure () -> String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.count == expected.count else {
    Issue.record("\(what()): \(actual.count) values, expected \(expected.count)", sourceLocation: sourceLocation)
    return
  }
  let errors = relativeErrors(actual, expected)
  #expect(
    errors.euclidean <= tolerance && errors.largest <= tolerance,
    "\(what()): relative errors \(errors.euclidean) and \(errors.largest)", sourceLocation: sourceLocation)
}

/// Bit-for-bit equality, NaNs included.
public func identicalBits(_ a: Tensor, _ b: Tensor) -> Bool {
  a.shape == b.shape && zip(a.scalars, b.scalars).allSatisfy { $0.bitPattern == $1.bitPattern }
}
