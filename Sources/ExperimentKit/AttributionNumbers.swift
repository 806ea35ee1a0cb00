import Faithfulness
import Pullbacks

/// An attribution in few numbers, for the file beside a figure: enough to notice any change, small enough to read.
public struct AttributionNumbers: Codable, Sendable {
  /// The Euclidean norm over all values.
  public let norm: Double
  public let minimum: Float
  public let maximum: Float
  /// The share of its squares that lies on the object, in `[0, 1]`; nil without a mask.
  public let shareOfSquaresOnObject: Double?
  /// The means of an 8 x 8 grid over the channels' mean, row by row.
  public let grid: [Double]

  /// - Parameters:
  ///   - attribution: the attribution of one image, `(1, C, H, W)`.
  ///   - mask: the mask of the object, `(1, 1, H, W)`.
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
    shareOfSquaresOnObject = mask.flatMap { energyShare(of: attribution, within: $0.scalars.map(Double.init)) }
  }

  private enum CodingKeys: String, CodingKey {
    case norm, minimum, maximum, grid
    case shareOfSquaresOnObject = "energyOnObject"
  }
}

extension Tensor {
  /// Four images `(1, C, H, W)` as one `(1, C, 2 H, 2 W)`: the first two above, the others below.
  ///
  /// - Precondition: there are four of one shape.
  public init(mosaic tiles: [Tensor]) {
    precondition(tiles.count == 4 && tiles.allSatisfy { $0.shape == tiles[0].shape }, "a mosaic has four equal tiles")
    let (channels, height, width) = (tiles[0].shape[1], tiles[0].shape[2], tiles[0].shape[3])
    self.init(shape: [1, channels, 2 * height, 2 * width]) { mosaic in
      for (index, tile) in tiles.enumerated() {
        tile.withUnsafeBuffer { tile in
          for row in 0..<channels * height {
            let (channel, y) = (row / height, row % height + index / 2 * height)
            let start = (channel * 2 * height + y) * 2 * width + index % 2 * width
            for x in 0..<width { mosaic[start + x] = tile[row * width + x] }
          }
        }
      }
    }
  }

  /// The share of the energy of a map `(1, C, 2 H, 2 W)`, the sum of its squares, that lies in a tile of a mosaic; zero
  /// for a map of zeros.
  public func shareOfSquares(inTile tile: Int) -> Double {
    let (height, width) = (shape[2], shape[3])
    let mask = (0..<height * width).map { place in
      place / width * 2 / height * 2 + place % width * 2 / width == tile ? 1.0 : 0
    }
    return energyShare(of: self, within: mask) ?? 0
  }
}

/// The cosine of the angle between two maps.
public func cosine(_ a: Tensor, _ b: Tensor) -> Double {
  let (a, b) = (a.scalars.map(Double.init), b.scalars.map(Double.init))
  func product(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
  return product(a, b) / (product(a, a) * product(b, b)).squareRoot()
}
