import Pullbacks
import Scenes

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
    shareOfSquaresOnObject = mask.flatMap { mask in
      let inside = mask.scalars
      return attribution.shareOfSquares { inside[$0] }
    }
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
}

extension Tensor {
  /// The share of the sum of squares of a map `(1, C, H, W)` that lies where `coverage` is 1; nil for a map of zeros.
  ///
  /// - Parameter coverage: in `[0, 1]`, of a place by its number `y W + x`.
  func shareOfSquares(where coverage: (_ place: Int) -> Float) -> Double? {
    let plane = shape[2] * shape[3]
    var (inside, everywhere) = (0.0, 0.0)
    for (index, value) in scalars.enumerated() {
      let square = Double(value) * Double(value)
      everywhere += square
      inside += square * Double(coverage(index % plane))
    }
    return everywhere > 0 ? inside / everywhere : nil
  }

  /// The share of the sum of squares of a map `(1, C, 2 H, 2 W)` that lies in a tile of a mosaic; zero for a map of
  /// zeros.
  public func shareOfSquares(inTile tile: Int) -> Double {
    let (height, width) = (shape[2], shape[3])
    return shareOfSquares { ($0 / width) * 2 / height * 2 + $0 % width * 2 / width == tile ? 1 : 0 } ?? 0
  }
}

/// How much of what an attribution says for the class lies on a scene's object.
///
/// The map is the positive part of `sum_c a[c]`, the attribution summed over the colour channels; a share is that of
/// its sum that a mask of coverages in `[0, 1]` takes in. An attribution that knew nothing of the scene would have the
/// mask's share of the frame.
public struct PositiveShares: Codable, Sendable {
  /// Inside the object.
  public let object: Double
  /// Inside its diagnostic parts together.
  public let diagnostic: Double

  /// - Parameters:
  ///   - attribution: of one scene, `(1, 3, H, W)`.
  ///   - object, diagnostic: coverages, `(1, 1, H, W)` in 0...1.
  /// - Returns: nil where nothing is positive.
  public init?(_ attribution: Tensor, object: Tensor, diagnostic: Tensor) {
    let (values, plane) = (attribution.scalars, object.count)
    let map = (0..<plane).map { p in
      max(0, stride(from: p, to: values.count, by: plane).reduce(0.0) { $0 + Double(values[$1]) })
    }
    let total = map.reduce(0, +)
    guard total > 0 else { return nil }
    func share(_ mask: Tensor) -> Double { zip(map, mask.scalars).reduce(0) { $0 + $1.0 * Double($1.1) } / total }
    self.object = share(object)
    self.diagnostic = share(diagnostic)
  }

  public init(object: Double, diagnostic: Double) { (self.object, self.diagnostic) = (object, diagnostic) }

  /// The mean of several.
  public static func mean(_ shares: [PositiveShares]) -> PositiveShares {
    let count = Double(max(1, shares.count))
    return PositiveShares(
      object: shares.reduce(0) { $0 + $1.object } / count,
      diagnostic: shares.reduce(0) { $0 + $1.diagnostic } / count)
  }
}
