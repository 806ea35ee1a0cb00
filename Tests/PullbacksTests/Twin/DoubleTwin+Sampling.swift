import Foundation
import Pullbacks
import TestKit

// Values that are chosen, and values between places, by their definitions.
extension DoubleTwin {
  /// The elements of `x` where those of `ranked` are the largest or smallest, in their order.
  func topValues(_ operation: TopK, _ x: Grid, of ranked: Grid) -> Grid {
    let axis = operation.axis
    return Grid(extents([x])) { o in
      let line = ranked.line(axis, through: o.enumerated().map { $0.offset == axis ? 0 : $0.element })
      let sign = operation.takesLargest ? -1.0 : 1
      let order = line.indices.sorted { (sign * line[$0], $0) < (sign * line[$1], $1) }
      var index = o
      index[axis] = order[o[axis]]
      return x[index]
    }
  }

  /// How much a value counts at a distance from its place, and how that changes with the distance.
  private func kernel(_ interpolation: GridSample.Interpolation, _ d: Double) -> (value: Double, slope: Double) {
    let r = abs(d)
    let sign: Double = d < 0 ? -1 : 1
    switch interpolation {
    case .nearest: return (r < 0.5 ? 1 : 0, 0)
    case .linear: return r < 1 ? (1 - r, -sign) : (0, 0)
    case .cubic:
      let a = -0.75
      if r <= 1 {
        return ((a + 2) * pow(r, 3) - (a + 3) * r * r + 1, sign * (3 * (a + 2) * r * r - 2 * (a + 3) * r))
      }
      return r < 2
        ? (a * pow(r, 3) - 5 * a * r * r + 8 * a * r - 4 * a, sign * (3 * a * r * r - 10 * a * r + 8 * a)) : (0, 0)
    }
  }

  /// Where a coordinate lies once it is mirrored or held at the ends, and its derivative.
  private func brought(_ operation: GridSample, _ x: Double, _ extent: Int) -> (Double, Double) {
    let last = Double(extent - 1)
    var (place, slope) = (x, 1.0)
    if operation.border == .reflection {
      let (low, high) = operation.alignsCorners ? (0, last) : (-0.5, last + 0.5)
      while place < low || place > high {
        place = place < low ? 2 * low - place : 2 * high - place
        slope = -slope
      }
    }
    if operation.border != .zeros {
      if place < 0 || place > last { slope = 0 }
      place = min(max(place, 0), last)
    }
    return (place, slope)
  }

  /// For every place along an axis how much it counts at a coordinate, and how that changes with the coordinate.
  private func weights(_ operation: GridSample, _ coordinate: Double, _ extent: Int) -> [(Double, Double)] {
    let scale = Double(operation.alignsCorners ? extent - 1 : extent) / 2
    let x = operation.alignsCorners ? (coordinate + 1) * scale : (coordinate + 1) * scale - 0.5
    if operation.interpolation == .cubic {
      // Every whole place within reach counts where the border brings it to.
      var all = [(Double, Double)](repeating: (0, 0), count: extent)
      for place in Int(x.rounded(.down)) - 2...Int(x.rounded(.down)) + 3 {
        let (inside, _) = brought(operation, Double(place), extent)
        guard inside >= 0, inside <= Double(extent - 1) else { continue }
        let (value, slope) = kernel(.cubic, x - Double(place))
        all[Int(inside)].0 += value
        all[Int(inside)].1 += slope * scale
      }
      return all
    }
    let (inside, moved) = brought(operation, x, extent)
    return (0..<extent).map { place in
      let (value, slope) = kernel(operation.interpolation, inside - Double(place))
      return (value, slope * moved * scale)
    }
  }

  /// The maps' values at the grid's places, or how they change where the grid moves.
  func sample(_ operation: GridSample, _ maps: Grid, _ grid: Grid, moving: Grid? = nil) -> Grid {
    let axes = maps.shape.count - 1
    return Grid(extents([maps, grid])) { o in
      let point = Array(o.dropFirst())
      let along = (0..<axes).map { axis in
        weights(operation, grid[point + [axes - 1 - axis]], maps.shape[1 + axis])
      }
      let moves = (0..<axes).map { axis in moving?[point + [axes - 1 - axis]] ?? 0 }
      var sum = 0.0
      _ = Grid(Array(maps.shape.dropFirst())) { place in
        let factors = (0..<axes).map { along[$0][place[$0]] }
        let weight: Double
        if moving == nil {
          weight = factors.reduce(1) { $0 * $1.0 }
        } else {
          weight = (0..<axes).map { axis in
            factors.indices.reduce(moves[axis]) { $0 * ($1 == axis ? factors[$1].1 : factors[$1].0) }
          }.sum
        }
        sum += weight * maps[[o[0]] + place]
        return 0
      }
      return sum
    }
  }
}
