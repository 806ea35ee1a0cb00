import Foundation
import Pullbacks
import TestKit

// Operations that move values along axes, or make one number of many.
extension DoubleTwin {
  /// Python's way through `extent` places: from the start, by the step, as long as the end is ahead.
  private func places(_ places: Slice.Places, _ extent: Int) -> [Int] {
    switch places {
    case .range(let range): return Array(range)
    case .python(let start, let end, let step):
      var found: [Int] = []
      let last = end < 0 ? end + extent : end
      var place = start < 0 ? start + extent : start
      while step > 0 ? place < min(last, extent) : place > max(last, -1) {
        if (0..<extent).contains(place) { found.append(place) }
        place += step
      }
      return found
    }
  }

  func slice(_ operation: Slice, _ x: Grid) -> Grid {
    Grid(extents([x])) { o in
      var source = o
      for part in operation.parts { source[part.axis] = places(part.places, x.shape[part.axis])[o[part.axis]] }
      return x[source]
    }
  }

  func pad(_ operation: Pad, _ x: Grid) -> Grid {
    Grid(extents([x])) { o in
      var source = o
      for axis in o.indices {
        let extent = x.shape[axis]
        var place = o[axis] - operation.begins[axis]
        switch operation.mode {
        case .constant: if !(0..<extent).contains(place) { return Double(operation.value) }
        case .edge: place = max(0, min(place, extent - 1))
        case .wrap:
          while place < 0 { place += extent }
          while place >= extent { place -= extent }
        case .reflect:
          while !(0..<extent).contains(place) { place = place < 0 ? -place : 2 * (extent - 1) - place }
        }
        source[axis] = place
      }
      return x[source]
    }
  }

  /// The weight of the value at `place` in that at `position`: the interpolation's kernel at their distance.
  private func kernel(_ interpolation: Resize.Interpolation, _ place: Int, _ position: Double) -> Double {
    let d = Swift.abs(position - Double(place))
    switch interpolation {
    case .nearest(let rounding):
      let isChosen =
        switch rounding {
        case .preferFloor: d < 0.5 || (d == 0.5 && Double(place) < position)
        case .preferCeil: d < 0.5 || (d == 0.5 && Double(place) > position)
        case .floor: Double(place) <= position && d < 1
        case .ceil: Double(place) >= position && d < 1
        }
      return isChosen ? 1 : 0
    case .linear: return max(0, 1 - d)
    case .cubic(let a):
      if d <= 1 { return (a + 2) * pow(d, 3) - (a + 3) * d * d + 1 }
      return d < 2 ? a * pow(d, 3) - 5 * a * d * d + 8 * a * d - 4 * a : 0
    }
  }

  func resize(_ operation: Resize, _ x: Grid) -> Grid {
    operation.axes.indices.reduce(x) { x, index in
      let axis = operation.axes[index]
      let (extent, size) = (x.shape[axis], operation.sizes[index])
      let scale = operation.scales.map { Double($0[index]) } ?? Double(size) / Double(extent)
      var shape = x.shape
      shape[axis] = size
      return Grid(shape) { o in
        let i = Double(o[axis])
        let position =
          switch operation.coordinates {
          case .pytorchHalfPixel where size == 1, .alignCorners where size == 1: 0.0
          case .halfPixel, .pytorchHalfPixel: (i + 0.5) / scale - 0.5
          case .alignCorners: i * Double(extent - 1) / Double(size - 1)
          case .asymmetric: i / scale
          }
        return (-4..<extent + 4).map { place in
          var source = o
          source[axis] = max(0, min(place, extent - 1))
          return kernel(operation.interpolation, place, position) * x[source]
        }.sum
      }
    }
  }

  func gather(_ operation: Gather, _ x: Grid, _ indices: Grid) -> Grid {
    let axis = operation.axis
    return Grid(extents([x, indices])) { o in
      let index = Int(indices[Array(o[axis..<axis + indices.shape.count])])
      return x[o.prefix(axis) + [index < 0 ? index + x.shape[axis] : index] + o.dropFirst(axis + indices.shape.count)]
    }
  }

  func cumulativeSum(_ operation: CumulativeSum, _ x: Grid) -> Grid {
    Grid(x.shape) { o in
      let line = x.line(operation.axis, through: o)
      let place = o[operation.axis]
      return line.indices.filter { other in
        (operation.isReverse ? other > place : other < place) || (other == place && !operation.isExclusive)
      }.map { line[$0] }.sum
    }
  }

  // MARK: Reductions

  /// The values that place `o` of the result is made of, in one order for all tensors of a shape.
  private func members(_ operation: Reduce, _ o: [Int], _ x: Grid) -> [Double] {
    var values: [Double] = []
    _ = Grid(x.shape) { place in
      let kept = place.indices.compactMap { axis in
        operation.axes.contains(axis) ? (operation.keepsAxes ? 0 : nil) : place[axis]
      }
      if kept == o { values.append(x[place]) }
      return 0
    }
    return values
  }

  func reduce(_ operation: Reduce, _ x: Grid) -> Grid {
    Grid(extents([x])) { o in
      let values = members(operation, o, x)
      return switch operation.reduction {
      case .mean: values.mean
      case .sum: values.sum
      case .max: values.max()!
      case .min: values.min()!
      case .l2: values.map { $0 * $0 }.sum.squareRoot()
      case .l1: values.map { Swift.abs($0) }.sum
      case .prod: values.reduce(1, *)
      case .logsumexp: log(values.map { Foundation.exp($0) }.sum)
      }
    }
  }

  func pushReduce(_ operation: Reduce, _ dx: Grid, at x: Grid) -> Grid {
    Grid(extents([x])) { o in
      let (values, tangents) = (members(operation, o, x), members(operation, o, dx))
      let slopes: [Double] =
        switch operation.reduction {
        case .mean: values.map { _ in 1 / Double(values.count) }
        case .sum: values.map { _ in 1 }
        case .max: values.map { $0 == values.max()! ? 1 : 0 }
        case .min: values.map { $0 == values.min()! ? 1 : 0 }
        case .l2: values.map { $0 / dot(values, values).squareRoot() }
        case .l1: values.map { $0 > 0 ? 1 : -1 }
        case .prod: values.indices.map { i in values.indices.filter { $0 != i }.map { values[$0] }.reduce(1, *) }
        case .logsumexp: values.softmax
        }
      return dot(slopes, tangents)
    }
  }

  // MARK: Normalisations

  /// The places of `o`'s group, and which of them is `o`.
  private func group(_ norm: GroupNorm, _ x: Grid, _ o: [Int]) -> [[Int]] {
    let size = x.shape[0] / (norm.groups ?? x.shape[0])
    var places: [[Int]] = []
    _ = Grid(x.shape) { place in
      if place[0] / size == o[0] / size { places.append(place) }
      return 0
    }
    return places
  }

  func groupNorm(_ norm: GroupNorm, _ x: Grid) -> Grid {
    Grid(x.shape) { o in
      let values = group(norm, x, o).map { x[$0] }
      let deviation = (values.variance + Double(norm.epsilon)).squareRoot()
      return parameters[0][o[0]] * (x[o] - values.mean) / deviation + parameters[1][o[0]]
    }
  }

  func pushGroupNorm(_ norm: GroupNorm, _ dx: Grid, at x: Grid, isFrozen: Bool) -> Grid {
    Grid(x.shape) { o in
      let places = group(norm, x, o)
      let (values, tangents) = (places.map { x[$0] }, places.map { dx[$0] })
      let (mean, variance) = (values.mean, values.variance)
      let deviation = (variance + Double(norm.epsilon)).squareRoot()
      if isFrozen { return parameters[0][o[0]] * dx[o] / deviation }
      let slope = dot(values.map { $0 - mean }, tangents) / Double(values.count) / deviation
      return parameters[0][o[0]]
        * ((dx[o] - tangents.mean) / deviation - (x[o] - mean) * slope / (deviation * deviation))
    }
  }

  private func root(_ line: [Double]) -> Double {
    (dot(line, line) / Double(line.count) + Double((operation as! RMSNorm).epsilon)).squareRoot()
  }

  func rmsNorm(_ norm: RMSNorm, _ x: Grid) -> Grid {
    let last = x.shape.count - 1
    return Grid(x.shape) { o in parameters[0][o[last]] * x[o] / root(x.line(last, through: o)) }
  }

  func pushRMSNorm(_ dx: Grid, at x: Grid, isFrozen: Bool) -> Grid {
    let last = x.shape.count - 1
    return Grid(x.shape) { o in
      let line = x.line(last, through: o)
      let root = root(line)
      if isFrozen { return parameters[0][o[last]] * dx[o] / root }
      let slope = dot(line, dx.line(last, through: o)) / Double(line.count) / root
      return parameters[0][o[last]] * (dx[o] / root - x[o] * slope / (root * root))
    }
  }

  /// Each pair as a complex number, times a number of modulus 1.
  func rotate(_ operation: RotaryEmbedding, _ x: Grid) -> Grid {
    let (head, count) = (x.shape[1] / operation.heads, operation.frequencies.count)
    return Grid(x.shape) { o in
      let feature = o[1] % head
      guard feature < 2 * count else { return x[o] }
      let angle = Double(o[0]) * operation.frequencies[feature % count]
      let partner = x[o[0], feature < count ? o[1] + count : o[1] - count]
      return x[o] * cos(angle) + (feature < count ? -partner : partner) * sin(angle)
    }
  }
}
