import Faithfulness
import Pullbacks

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

/// The share of the energy of `map`, `(1, C, 2 H, 2 W)`, the sum of its squares, that lies in a tile of a mosaic; zero
/// for a map of zeros.
public func energy(of map: Tensor, inTile tile: Int) -> Double {
  let (height, width) = (map.shape[2], map.shape[3])
  let mask = (0..<height * width).map { place in
    place / width * 2 / height * 2 + place % width * 2 / width == tile ? 1.0 : 0
  }
  return energyShare(of: map, within: mask) ?? 0
}
