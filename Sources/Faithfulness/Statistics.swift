import Kernels
import Pullbacks

/// Pearson's correlation of `a` and `b`; nil where either is constant, NaN where a value is not finite.
package func pearson(_ a: [Double], _ b: [Double]) -> Double? {
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

/// The structural similarity of two maps, the mean over all 7 x 7 windows that lie inside, of
/// `(2 mu_a mu_b + C1) (2 cov + C2) / ((mu_a^2 + mu_b^2 + C1) (var_a + var_b + C2))`, with sample (co)variances,
/// `C1 = (0.01 R)^2`, `C2 = (0.03 R)^2` and R the range of both maps together.
///
/// Source: Wang et al. 2004; as scikit-image computes it and Quantus calls it. Nil for maps under 7 pixels a side, and
/// for two maps that are one constant.
func structuralSimilarity(_ a: [Double], _ b: [Double], height: Int, width: Int) -> Double? {
  let side = 7
  guard height >= side, width >= side else { return nil }
  let range = max(a.max() ?? 0, b.max() ?? 0) - min(a.min() ?? 0, b.min() ?? 0)
  guard range > 0, range.isFinite else { return nil }
  let (c1, c2) = (0.01 * range * (0.01 * range), 0.03 * range * (0.03 * range))
  let count = Double(side * side)
  var total = 0.0
  for top in 0...height - side {
    for left in 0...width - side {
      var (sumA, sumB) = (0.0, 0.0)
      for row in top..<top + side {
        for place in row * width + left..<row * width + left + side {
          sumA += a[place]
          sumB += b[place]
        }
      }
      let (meanA, meanB) = (sumA / count, sumB / count)
      var (squareA, squareB, product) = (0.0, 0.0, 0.0)
      for row in top..<top + side {
        for place in row * width + left..<row * width + left + side {
          let (x, y) = (a[place] - meanA, b[place] - meanB)
          squareA += x * x
          squareB += y * y
          product += x * y
        }
      }
      let (varianceA, varianceB, covariance) = (squareA / (count - 1), squareB / (count - 1), product / (count - 1))
      total +=
        (2 * meanA * meanB + c1) * (2 * covariance + c2)
        / ((meanA * meanA + meanB * meanB + c1) * (varianceA + varianceB + c2))
    }
  }
  return total / Double((height - side + 1) * (width - side + 1))
}

/// Percentile intervals of statistics of images, by resampling the images with replacement.
///
/// Resample r takes the images `integers(below: n)` of the stream `bootstrap`, draw r; the interval goes from the 2.5th
/// to the 97.5th percentile of the statistic over all resamples, percentiles interpolated linearly. Source: Efron &
/// Tibshirani 1993, chapter 13.
public struct Bootstrap: Sendable {
  public struct Interval: Equatable, Sendable {
    public let low: Double
    public let high: Double
  }

  public let resamples: Int
  public let seed: UInt64

  public init(resamples: Int = 10_000, seed: UInt64) {
    self.resamples = resamples
    self.seed = seed
  }

  /// The interval of the mean; nil without values.
  public func interval(ofMean values: [Double]) -> Interval? {
    interval(count: values.count) { images in
      images.reduce(0.0) { $0 + values[$1] } / Double(values.count)
    }
  }

  /// The interval of each of several means, as ``interval(ofMean:)`` has it. Means of the same number of
  /// values share their resamples, which take longer to draw than to sum.
  public func intervals(ofMeans values: [[Double]]) -> [Interval?] {
    var intervals = [Interval?](repeating: nil, count: values.count)
    for count in Set(values.map(\.count)) where count > 0 {
      let members = values.indices.filter { values[$0].count == count }
      let found = self.intervals(count: count, members.count) { images, statistics in
        for (place, member) in members.enumerated() {
          statistics[place] = images.reduce(0.0) { $0 + values[member][$1] } / Double(count)
        }
      }
      for (member, interval) in zip(members, found) { intervals[member] = interval }
    }
    return intervals
  }

  /// The interval of a statistic of images, given by their indices; nil without images. Resamples for which the
  /// statistic is not defined are left out.
  func interval(count: Int, _ statistic: ([Int]) -> Double?) -> Interval? {
    guard count > 0 else { return nil }
    return intervals(count: count, 1) { images, statistics in statistics[0] = statistic(images) ?? .nan }[0]
  }

  /// The intervals of several statistics of the same images; NaN is a statistic that is not defined.
  ///
  /// - Parameter statistics: computes the statistics of a resample's images, in a buffer of as many values as there are
  ///   statistics.
  private func intervals(
    count: Int, _ statisticCount: Int, _ statistics: ([Int], UnsafeMutableBufferPointer<Double>) -> Void
  ) -> [Interval?] {
    var values = [Double](repeating: .nan, count: resamples * statisticCount)
    values.withUnsafeMutableBufferPointer { values in
      nonisolated(unsafe) let values = values
      Parallel.forEachBlock(of: resamples, size: 500) { range in
        for resample in range {
          let stream = RandomStream(seed: seed, "bootstrap", draw: resample)
          let row = resample * statisticCount..<(resample + 1) * statisticCount
          statistics(stream.integers(below: count, count: count), UnsafeMutableBufferPointer(rebasing: values[row]))
        }
      }
    }
    return (0..<statisticCount).map { statistic in
      let sorted = stride(from: statistic, to: values.count, by: statisticCount).map { values[$0] }
        .filter { !$0.isNaN }.sorted()
      guard !sorted.isEmpty else { return nil }
      return Interval(low: percentile(sorted, 0.025), high: percentile(sorted, 0.975))
    }
  }
}

/// The percentile of sorted values at a share of their range, interpolated linearly.
func percentile(_ sorted: [Double], _ share: Double) -> Double {
  let place = share * Double(sorted.count - 1)
  let below = Int(place)
  let above = min(below + 1, sorted.count - 1)
  return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
}

/// Spearman's correlation over the parts of many images: each series holds shares of attribution and then falls of the
/// response, as ``CounterfactualConsistency`` leaves them. Nil where it is not defined.
public func pooledRankCorrelation(_ series: [[Double]]) -> Double? {
  var (shares, falls): ([Double], [Double]) = ([], [])
  for one in series {
    shares += one.prefix(one.count / 2)
    falls += one.suffix(one.count / 2)
  }
  return spearman(shares, falls)
}

/// The p-value of the hypothesis that paired differences are symmetric about zero, two-sided: how often their mean is
/// at least as far from zero when each difference gets a random sign, the differences themselves counted as one of the
/// `flips + 1` draws. Nil without differences. Random numbers: `sign flips`. Source: Fisher 1935, section 21.
public func signFlipPValue(_ differences: [Double], flips: Int = 50_000, seed: UInt64) -> Double? {
  signFlipPValues([differences], flips: flips, seed: seed)[0]
}

/// The p-value of each of several lists of paired differences, as ``signFlipPValue(_:flips:seed:)`` has it. They share
/// their random signs, which take longer to draw than to use.
public func signFlipPValues(_ differences: [[Double]], flips: Int = 50_000, seed: UInt64) -> [Double?] {
  // Sums of equal magnitude, added up in another order, differ in the last bits.
  let observed = differences.map { abs($0.reduce(0, +)) * (1 - 1e-12) }
  let words = ((differences.map(\.count).max() ?? 0) + 31) / 32
  let counts = Locked([Int](repeating: 0, count: differences.count))
  Parallel.forEachBlock(of: flips, size: 1000) { range in
    var found = [Int](repeating: 0, count: differences.count)
    for flip in range {
      let stream = RandomStream(seed: seed, "sign flips", draw: flip)
      let signs = (0..<words).map { stream[$0] }
      for (list, differences) in differences.enumerated() {
        var sum = 0.0
        for (place, difference) in differences.enumerated() {
          sum += signs[place / 32] >> UInt32(place % 32) & 1 == 1 ? difference : -difference
        }
        if abs(sum) >= observed[list] { found[list] += 1 }
      }
    }
    let all = found
    counts.withLock { counts in for list in all.indices { counts[list] += all[list] } }
  }
  return zip(differences, counts.withLock { $0 }).map { differences, count in
    differences.isEmpty ? nil : Double(count + 1) / Double(flips + 1)
  }
}

/// p-values corrected for their number, in their order: a corrected one below 0.05 keeps the probability of even one
/// false claim among all of them below 5 %. Source: Holm 1979.
public func holmAdjusted(_ pValues: [Double]) -> [Double] {
  var adjusted = pValues
  var largest = 0.0
  for (rank, place) in pValues.indices.sorted(by: { pValues[$0] < pValues[$1] }).enumerated() {
    largest = max(largest, min(1, pValues[place] * Double(pValues.count - rank)))
    adjusted[place] = largest
  }
  return adjusted
}
