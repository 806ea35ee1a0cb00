/// Pearson's correlation of `a` and `b`; nil where either is constant, NaN where a value is not finite.
func pearson(_ a: [Double], _ b: [Double]) -> Double? {
  guard a.count > 1, !isConstant(a), !isConstant(b) else { return nil }
  let (meanA, meanB) = (mean(a), mean(b))
  // Scaled by the largest deviation, so that squares neither overflow nor vanish.
  let scaleA = a.reduce(0) { max($0, abs($1 - meanA)) }
  let scaleB = b.reduce(0) { max($0, abs($1 - meanB)) }
  var (product, squareA, squareB) = (0.0, 0.0, 0.0)
  for (x, y) in zip(a, b) {
    let (x, y) = ((x - meanA) / scaleA, (y - meanB) / scaleB)
    product += x * y
    squareA += x * x
    squareB += y * y
  }
  let correlation = product / (squareA.squareRoot() * squareB.squareRoot())
  // Minimum and maximum would lose a NaN.
  return correlation.isFinite ? max(-1, min(1, correlation)) : .nan
}

/// Spearman's rank correlation, ties ranked by their mean; nil where either is constant.
package func spearman(_ a: [Double], _ b: [Double]) -> Double? {
  guard a.allSatisfy(\.isFinite), b.allSatisfy(\.isFinite) else { return .nan }
  return pearson(ranks(a), ranks(b))
}

/// Ranks from 1, equal values sharing the mean of theirs.
func ranks(_ values: [Double]) -> [Double] {
  let order = ranking(of: values, ascending: true)
  var ranks = [Double](repeating: 0, count: values.count)
  var first = 0
  while first < order.count {
    var last = first
    while last + 1 < order.count, values[Int(order[last + 1])] == values[Int(order[first])] { last += 1 }
    for place in first...last { ranks[Int(order[place])] = Double(first + last) / 2 + 1 }
    first = last + 1
  }
  return ranks
}

func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

func isConstant(_ values: [Double]) -> Bool { values.allSatisfy { $0 == values[0] } }

extension Score {
  /// A correlation between what an attribution says and what the network does; undefined where one of them is constant.
  init(
    _ correlation: ([Double], [Double]) -> Double?, ofAttributions a: [Double], responses b: [Double]
  ) {
    guard a.allSatisfy(\.isFinite), b.allSatisfy(\.isFinite) else {
      self.init(.notFinite)
      return
    }
    if let value = correlation(a, b) {
      self.init(value)
    } else {
      self.init(isConstant(a) ? .constantAttribution : .constantResponse)
    }
  }
}
