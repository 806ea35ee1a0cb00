/// A metric's value for one image and explainer.
public struct Score: Equatable, Sendable {
  /// NaN where the metric is undefined; ``undefined`` then says why.
  public let value: Double
  public let undefined: Undefined?
  /// What the value was computed from, if it is worth keeping: a curve, or a number per layer.
  public let series: [Double]

  public init(_ value: Double, series: [Double] = []) {
    self.value = value
    self.series = series
    undefined = value.isFinite ? nil : .notFinite
  }

  public init(_ undefined: Undefined, series: [Double] = []) {
    value = .nan
    self.undefined = undefined
    self.series = series
  }

  public static func == (a: Score, b: Score) -> Bool {
    a.value.bitPattern == b.value.bitPattern && a.undefined == b.undefined
      && a.series.map(\.bitPattern) == b.series.map(\.bitPattern)
  }
}

/// Why a metric has no value.
public enum Undefined: String, Sendable, CaseIterable {
  case zeroAttribution = "the attribution is zero"
  case constantAttribution = "the attribution is the same everywhere it is compared"
  case constantResponse = "the network's response is always the same"
  case notFinite = "the attribution or the response is not finite"
  case noMask = "the image has no mask of what is asked for"
  case tooFewParts = "the image has fewer than two parts"
  case noMosaic = "there are not two images of other classes for a mosaic"
}
