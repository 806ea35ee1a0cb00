import Imaging

/// How two pictures of one size differ, over all pixels and the three channels, in steps of 0...255.
public struct PictureDifference: Equatable, Sendable, CustomStringConvertible {
  /// The greatest difference of any channel of any pixel.
  public let maxChannelDifference: Int
  /// The share of pixels in which any channel differs at all.
  public let shareOfPixelsChanged: Double
  /// The mean absolute difference over all channels.
  public let meanDifference: Double

  public init(maxChannelDifference: Int, shareOfPixelsChanged: Double, meanDifference: Double) {
    self.maxChannelDifference = maxChannelDifference
    self.shareOfPixelsChanged = shareOfPixelsChanged
    self.meanDifference = meanDifference
  }

  /// Measures two pictures; nil where their sizes differ.
  public init?(_ a: Picture, _ b: Picture) {
    guard a.width == b.width, a.height == b.height, !a.pixels.isEmpty else { return nil }
    var (largest, changed, sum) = (0, 0, 0)
    for pixel in stride(from: 0, to: a.pixels.count, by: 3) {
      let differences = (pixel..<pixel + 3).map { abs(Int(a.pixels[$0]) - Int(b.pixels[$0])) }
      let worst = differences.reduce(0, max)
      largest = max(largest, worst)
      changed += worst > 0 ? 1 : 0
      sum += differences.reduce(0, +)
    }
    self.init(
      maxChannelDifference: largest, shareOfPixelsChanged: Double(changed) / Double(a.width * a.height),
      meanDifference: Double(sum) / Double(a.pixels.count))
  }

  /// Room for a trace of difference at the edges of letters and slanted lines, as another release of FreeType or Cairo
  /// may leave. A changed letter or colour exceeds the first number by far.
  public static let edgesOnly = PictureDifference(
    maxChannelDifference: 24, shareOfPixelsChanged: 0.05, meanDifference: 0.1)

  /// No difference at all.
  public static let none = PictureDifference(maxChannelDifference: 0, shareOfPixelsChanged: 0, meanDifference: 0)

  /// Whether none of the three numbers exceeds `limit`'s.
  public func isWithin(_ limit: PictureDifference) -> Bool {
    maxChannelDifference <= limit.maxChannelDifference && shareOfPixelsChanged <= limit.shareOfPixelsChanged
      && meanDifference <= limit.meanDifference
  }

  public var description: String {
    "greatest channel difference \(maxChannelDifference), share of pixels changed \(shareOfPixelsChanged), "
      + "mean difference \(meanDifference)"
  }

  /// The absolute differences, eight times as large, on black.
  static func amplified(_ a: Picture, _ b: Picture) -> Picture {
    Picture(
      width: a.width, height: a.height,
      pixels: zip(a.pixels, b.pixels).map { UInt8(min(255, 8 * abs(Int($0) - Int($1)))) })
  }
}
