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

/// The share of the squares of `map`, `(1, C, 2 H, 2 W)`, that lies in a tile of a mosaic; zero for a map of zeros.
public func energy(of map: Tensor, inTile tile: Int) -> Double {
  let (height, width) = (map.shape[2], map.shape[3])
  var (inside, everywhere) = (0.0, 0.0)
  for (index, value) in map.scalars.enumerated() {
    let (x, y) = (index % width, index / width % height)
    let square = Double(value) * Double(value)
    everywhere += square
    if y * 2 / height * 2 + x * 2 / width == tile { inside += square }
  }
  return everywhere > 0 ? inside / everywhere : 0
}
