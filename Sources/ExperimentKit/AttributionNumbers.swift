import Faithfulness
import Pullbacks

/// An attribution in few numbers, for the file beside a figure: enough to notice any change, small enough to read.
public struct AttributionNumbers: Codable, Sendable {
  /// The Euclidean norm over all values.
  public let norm: Double
  public let minimum: Float
  public let maximum: Float
  /// The share of its energy, the sum of squares, that lies on the object, in `[0, 1]`; nil without a mask.
  public let energyOnObject: Double?
  /// The means of an 8 x 8 grid over the channels' mean, row by row.
  public let grid: [Double]

  /// - Parameters:
  ///   - attribution: of one image, `(1, C, H, W)`.
  ///   - mask: of the object, `(1, 1, H, W)`.
  public init(_ attribution: Tensor, mask: Tensor? = nil) {
    let (channels, height, width) = (attribution.shape[1], attribution.shape[2], attribution.shape[3])
    let values = attribution.scalars
    norm = attribution.imageNorms[0]
    minimum = values.min() ?? 0
    maximum = values.max() ?? 0
    var grid = [Double](repeating: 0, count: 64)
    for channel in 0..<channels {
      for row in 0..<height {
        for column in 0..<width {
          grid[row * 8 / height * 8 + column * 8 / width] += Double(values[(channel * height + row) * width + column])
        }
      }
    }
    let placesPerBlock = Double(channels * height * width) / 64
    self.grid = grid.map { $0 / placesPerBlock }
    energyOnObject = mask.flatMap { energyShare(of: attribution, within: $0.scalars.map(Double.init)) }
  }
}
