import Kernels
import Pullbacks

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

  /// The interval of a statistic of images, given by their indices; nil without images. Resamples for which the
  /// statistic is not defined are left out.
  func interval(count: Int, _ statistic: ([Int]) -> Double?) -> Interval? {
    guard count > 0 else { return nil }
    var statistics = [Double](repeating: .nan, count: resamples)
    statistics.withUnsafeMutableBufferPointer { statistics in
      nonisolated(unsafe) let statistics = statistics
      Parallel.forEachBlock(of: resamples, size: 500) { range in
        for resample in range {
          let stream = RandomStream(seed: seed, "bootstrap", draw: resample)
          statistics[resample] = statistic(stream.integers(below: count, count: count)) ?? .nan
        }
      }
    }
    let sorted = statistics.filter { !$0.isNaN }.sorted()
    guard !sorted.isEmpty else { return nil }
    return Interval(low: percentile(sorted, 0.025), high: percentile(sorted, 0.975))
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
