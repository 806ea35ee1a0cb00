import Glibc
import Kernels

/// The values of maps at places that another input names: spatial transformers, warping, deformable sampling.
///
/// Inputs are maps `(N, C, H, W)` and a grid `(N, h, w, 2)` whose last axis is (x, y), x along W; the output is
/// `(N, C, h, w)`. For volumes `(N, C, D, H, W)` the grid is `(N, d, h, w, 3)` of (x, y, z). Coordinates run from -1 to
/// 1 over each axis. The value is linear in the maps; the derivative with respect to the grid is that of the
/// interpolation. As PyTorch's `grid_sample` and ONNX's GridSample. Source: Jaderberg et al. 2015 (arXiv 1506.02025).
public struct GridSample: Operation {
  /// How values between places are found.
  public enum Interpolation: String, Hashable, Sendable, CaseIterable {
    /// The nearest value; halves are rounded to even.
    case nearest
    /// Between the two values around, along each axis.
    case linear
    /// Keys' cubic convolution with the coefficient -0.75 over the four values around, along each axis.
    case cubic
  }

  /// What lies outside.
  public enum Border: String, Hashable, Sendable, CaseIterable {
    /// Zeros.
    case zeros
    /// The last value.
    case border
    /// The maps mirrored at their ends.
    case reflection
  }

  /// How values between places are found.
  public var interpolation: Interpolation
  /// What lies outside.
  public var border: Border
  /// Whether -1 and 1 are the middles of the first and last places, or their outer ends.
  public var alignsCorners: Bool

  /// - Parameters:
  ///   - interpolation: how values between places are found.
  ///   - border: what lies outside.
  ///   - aligningCorners: whether -1 and 1 are the middles of the first and last places, or their outer ends.
  public init(_ interpolation: Interpolation = .linear, border: Border = .zeros, aligningCorners: Bool = false) {
    self.interpolation = interpolation
    self.border = border
    alignsCorners = aligningCorners
  }

  public var kind: String { "gridsample" }
  public var character: OperationCharacter { .product }
  public var settings: String {
    "\(interpolation.rawValue), \(border.rawValue)" + (alignsCorners ? ", corners aligned" : "")
  }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 2, of: kind)
    let axes = inputs[0].count - 1
    guard (1...3).contains(axes), inputs[1].count == axes + 1, inputs[1].last == axes,
      inputs[0].dropFirst().allSatisfy({ $0 > 0 })
    else {
      throw PullbackError(.usage, kind, "a grid of shape \(inputs[1]) does not fit maps of shape \(inputs[0])")
    }
    return [inputs[0][0]] + inputs[1].dropLast()
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let (x, grid) = (inputs[0], inputs[1])
    let shape = x.shape
    let (channels, plane) = (shape[1], shape.dropFirst(2).reduce(1, *))
    let points = grid.count / (grid.shape[0] * grid.shape.last!)
    return Evaluation(
      Tensor(shape: [shape[0], channels] + grid.shape.dropFirst().dropLast()) { y in
        let y = y.baseAddress!
        x.withUnsafeBuffer { x in
          for image in 0..<shape[0] {
            let samples = self.samples(grid, image, shape)
            Parallel.forEach(channels) { channel in
              let source = x.baseAddress! + (image * channels + channel) * plane
              let target = y + (image * channels + channel) * points
              for point in 0..<points {
                var sum = 0.0
                for place in samples.places(of: point) {
                  sum += samples.weights[place] * Double(source[samples.offsets[place]])
                }
                target[point] = Float(sum)
              }
            }
          }
        }
      })
  }

  public var gradientNeeds: Needs { .inputs }

  /// v spread by the weights; and, for the grid, v times the slope of the interpolation.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    let (x, grid) = (site.input(0), site.input(1))
    let shape = site.inputShapes[0]
    let (images, channels, plane) = (shape[0], shape[1], shape.dropFirst(2).reduce(1, *))
    let axes = shape.count - 2
    let points = grid.count / (images * axes)
    var dx = Tensor(shape: shape)
    var dGrid = Tensor(shape: site.inputShapes[1])
    let wants = site.wants
    dx.withUnsafeMutableBuffer { dx in
      dGrid.withUnsafeMutableBuffer { dGrid in
        Tensor.withPointers(x, v) { x, v in
          for image in 0..<images {
            let samples = self.samples(grid, image, shape)
            if wants[0] {
              Parallel.forEach(channels) { channel in
                let base = (image * channels + channel) * plane
                for point in 0..<points {
                  let cotangent = Double(v[(image * channels + channel) * points + point])
                  for place in samples.places(of: point) {
                    dx[base + samples.offsets[place]] += Float(samples.weights[place] * cotangent)
                  }
                }
              }
            }
            guard wants[1] else { continue }
            for point in 0..<points {
              var slopes = [Double](repeating: 0, count: axes)
              for channel in 0..<channels {
                let cotangent = Double(v[(image * channels + channel) * points + point])
                let source = x + (image * channels + channel) * plane
                for place in samples.places(of: point) {
                  let value = cotangent * Double(source[samples.offsets[place]])
                  for axis in 0..<axes { slopes[axis] += value * samples.slopes[place * axes + axis] }
                }
              }
              // The grid has the last axis of the maps first.
              for axis in 0..<axes {
                dGrid[(image * points + point) * axes + axis] = Float(slopes[axes - 1 - axis])
              }
            }
          }
        }
      }
    }
    return [wants[0] ? dx : nil, wants[1] ? dGrid : nil]
  }

  // MARK: Places and weights

  /// For each point, which places of a map count how much, and how their weights change along each axis of the grid.
  private struct Samples {
    var offsets: [Int] = []
    var weights: [Double] = []
    /// An axis of the maps each, for every place.
    var slopes: [Double] = []
    var ends: [Int] = [0]
    func places(of point: Int) -> Range<Int> { ends[point]..<ends[point + 1] }
  }

  /// A place along one axis, its weight, and the weight's derivative with respect to the grid's coordinate.
  private struct Tap {
    let place: Int
    let weight, slope: Double
  }

  private func samples(_ grid: Tensor, _ image: Int, _ shape: [Int]) -> Samples {
    let extents = Array(shape.dropFirst(2))
    let axes = extents.count
    let points = grid.count / (grid.shape[0] * axes)
    var samples = Samples()
    grid.withUnsafeBuffer { grid in
      for point in 0..<points {
        let coordinates = (image * points + point) * axes
        var corners: [(offset: Int, weight: Double, slopes: [Double])] = [(0, 1, [])]
        for axis in 0..<axes {
          let taps = self.taps(Double(grid[coordinates + axes - 1 - axis]), extents[axis])
          corners = corners.flatMap { corner in
            taps.map { tap in
              (
                corner.offset * extents[axis] + tap.place, corner.weight * tap.weight,
                corner.slopes.map { $0 * tap.weight } + [corner.weight * tap.slope]
              )
            }
          }
        }
        for corner in corners {
          samples.offsets.append(corner.offset)
          samples.weights.append(corner.weight)
          samples.slopes += corner.slopes
        }
        samples.ends.append(samples.offsets.count)
      }
    }
    return samples
  }

  private func taps(_ coordinate: Double, _ extent: Int) -> [Tap] {
    guard coordinate.isFinite, abs(coordinate) < 1e6 else { return [] }
    let scale = Double(alignsCorners ? extent - 1 : extent) / 2
    let x = (coordinate + 1) * scale - (alignsCorners ? 0 : 0.5)
    if interpolation == .cubic {
      let (first, t) = (Int(floor(x)), x - floor(x))
      let a = -0.75
      func near(_ d: Double) -> (Double, Double) {
        (((a + 2) * d - (a + 3)) * d * d + 1, (3 * (a + 2) * d - 2 * (a + 3)) * d)
      }
      func far(_ d: Double) -> (Double, Double) {
        (((a * d - 5 * a) * d + 8 * a) * d - 4 * a, (3 * a * d - 10 * a) * d + 8 * a)
      }
      let kernels = [(far(t + 1), 1.0), (near(t), 1), (near(1 - t), -1), (far(2 - t), -1)]
      return kernels.enumerated().compactMap { index, kernel in
        place(Double(first - 1 + index), extent).map {
          Tap(place: $0, weight: kernel.0.0, slope: kernel.0.1 * kernel.1 * scale)
        }
      }
    }
    let (inside, slope) = moved(x, extent)
    if interpolation == .nearest {
      return place(inside.rounded(.toNearestOrEven), extent).map { [Tap(place: $0, weight: 1, slope: 0)] } ?? []
    }
    let t = inside - floor(inside)
    return [(0.0, 1 - t, -1.0), (1, t, 1)].compactMap { step, weight, sign in
      place(floor(inside) + step, extent).map { Tap(place: $0, weight: weight, slope: sign * slope * scale) }
    }
  }

  /// A whole place, moved into the axis by the border; nil outside.
  private func place(_ x: Double, _ extent: Int) -> Int? {
    let inside = moved(x, extent).0
    return inside >= 0 && inside <= Double(extent - 1) ? Int(inside) : nil
  }

  /// A coordinate moved into the axis by the border, and its derivative.
  private func moved(_ x: Double, _ extent: Int) -> (Double, Double) {
    let last = Double(extent - 1)
    func clipped(_ x: Double, _ slope: Double) -> (Double, Double) {
      (min(max(x, 0), last), x <= 0 || x >= last ? 0 : slope)
    }
    switch border {
    case .zeros: return (x, 1)
    case .border: return clipped(x, 1)
    case .reflection:
      let (low, span) = alignsCorners ? (0, last) : (-0.5, Double(extent))
      guard span > 0 else { return (0, 0) }
      let distance = abs(x - low)
      let flips = floor(distance / span)
      let rest = distance - flips * span
      let sign = x < low ? -1.0 : 1
      return flips.truncatingRemainder(dividingBy: 2) == 0
        ? clipped(rest + low, sign) : clipped(span - rest + low, -sign)
    }
  }
}
