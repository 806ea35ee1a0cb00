import Glibc

/// Other extents for some axes, by interpolation: a sparse matrix along one axis after another. The conventions are
/// those of ONNX's Resize, which PyTorch's `interpolate` shares.
///
/// Place i of an axis of the output lies at the place x of the input that ``coordinates`` says. Its value is that of
/// the place nearest to x, or a weighted sum of the two or four around it; beyond an end the last value counts.
public struct Resize: Operation {
  /// The method by which values between places are found.
  public enum Interpolation: Hashable, Sendable {
    /// The nearest value, by the rounding.
    case nearest(Rounding)
    /// `(1 - t) a + t b` between the two values around.
    case linear
    /// Keys' cubic convolution with the coefficient a over the four values around: -0.75 in PyTorch, -0.5 in Pillow.
    case cubic(coefficient: Double)
  }

  /// The rounding that chooses the nearest of two places.
  public enum Rounding: String, Hashable, Sendable, CaseIterable {
    case preferFloor = "round_prefer_floor"
    case preferCeil = "round_prefer_ceil"
    case floor, ceil
  }

  /// The position of place i of the output, with f the scale, H the input's extent and h the output's.
  public enum Coordinates: String, Hashable, Sendable, CaseIterable {
    /// `(i + 1/2) / f - 1/2`: places have an extent of 1, of which they are the middle.
    case halfPixel = "half_pixel"
    /// Like `halfPixel`, but 0 if the output has one place.
    case pytorchHalfPixel = "pytorch_half_pixel"
    /// `i (H - 1) / (h - 1)`: first and last places lie on each other.
    case alignCorners = "align_corners"
    /// `i / f`
    case asymmetric
  }

  /// The axes that change, the batch axis not counted.
  public var axes: [Int]
  /// Their new extents.
  public var sizes: [Int]
  /// The factors f from places of the input to places of the output, an axis each; nil is `h / H`. Positions are computed
  /// in float32 as the factors are: with another precision, other places are nearest.
  public var scales: [Float]?
  /// The method by which values between places are found.
  public var interpolation: Interpolation
  /// The positions of the output's places.
  public var coordinates: Coordinates

  /// - Parameters:
  ///   - axes: the axes that change, the batch axis not counted.
  ///   - sizes: their new extents.
  ///   - scales: the factors from the input to the output where they are not the quotients of the extents.
  ///   - interpolation: the method by which values between places are found.
  ///   - coordinates: the positions of the output's places.
  public init(
    axes: [Int], to sizes: [Int], scales: [Float]? = nil, by interpolation: Interpolation,
    coordinates: Coordinates = .halfPixel
  ) {
    self.axes = axes
    self.sizes = sizes
    self.scales = scales
    self.interpolation = interpolation
    self.coordinates = coordinates
  }

  public var kind: String { "resize" }
  public var character: OperationCharacter { .linear }
  public var settings: String {
    let name =
      switch interpolation {
      case .nearest(let rounding): "nearest (\(rounding.rawValue))"
      case .linear: "linear"
      case .cubic(let coefficient): "cubic (\(coefficient))"
      }
    return "axes \(axes) to \(sizes)" + (scales.map { ", scales \($0)" } ?? "") + ", \(name), \(coordinates.rawValue)"
  }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    var shape = inputs[0]
    guard Set(axes).count == axes.count, axes.allSatisfy(shape.indices.contains), sizes.count == axes.count,
      sizes.allSatisfy({ $0 > 0 }), scales.map({ $0.count == axes.count && $0.allSatisfy { $0 > 0 } }) ?? true
    else { throw PullbackError(.usage, kind, "axes \(axes) of shape \(shape) cannot become \(sizes)") }
    for (axis, size) in zip(axes, sizes) { shape[axis] = size }
    return shape
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    Evaluation(maps(inputs[0].shape).reduce(inputs[0]) { x, map in map.matrix(x, axis: map.axis + 1) })
  }

  /// The transposes, in reverse order.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    [maps(site.inputShapes[0]).reversed().reduce(v) { v, map in map.matrix.adjoint(v, axis: map.axis + 1) }]
  }

  /// The matrix of each axis for an input whose shape includes the batch axis.
  private func maps(_ shape: [Int]) -> [(axis: Int, matrix: AxisMap)] {
    axes.indices.map { index in
      let (axis, size) = (axes[index], sizes[index])
      let extent = shape[axis + 1]
      let rows = (0..<size).map { place in
        let position =
          if let scale = scales?[index] { Double(position(place, scale, extent, size)) } else {
            position(place, Double(size) / Double(extent), extent, size)
          }
        return weights(at: position).map { source, weight in
          (source: min(max(source, 0), extent - 1), weight: Float(weight))
        }
      }
      return (axis, AxisMap(extent: extent, rows: rows))
    }
  }

  /// The position of the output's place i in the input.
  private func position<Number: BinaryFloatingPoint>(_ i: Int, _ scale: Number, _ extent: Int, _ size: Int) -> Number {
    switch coordinates {
    case .halfPixel: (Number(i) + 0.5) / scale - 0.5
    case .pytorchHalfPixel: size > 1 ? (Number(i) + 0.5) / scale - 0.5 : 0
    case .alignCorners: size > 1 ? Number(i) * Number(extent - 1) / Number(size - 1) : 0
    case .asymmetric: Number(i) / scale
    }
  }

  /// The places around x and their weights.
  private func weights(at x: Double) -> [(Int, Double)] {
    switch interpolation {
    case .nearest(let rounding):
      let nearest =
        switch rounding {
        case .preferFloor: Glibc.ceil(x - 0.5)
        case .preferCeil: Glibc.floor(x + 0.5)
        case .floor: Glibc.floor(x)
        case .ceil: Glibc.ceil(x)
        }
      return [(Int(nearest), 1)]
    case .linear:
      let t = x - Glibc.floor(x)
      return [(Int(Glibc.floor(x)), 1 - t), (Int(Glibc.floor(x)) + 1, t)].filter { $0.1 != 0 }
    case .cubic(let a):
      let (first, t) = (Int(Glibc.floor(x)), x - Glibc.floor(x))
      // The kernel within 1 of its middle, and between 1 and 2. Source: Keys 1981 (doi 10.1109/TASSP.1981.1163711).
      func near(_ d: Double) -> Double { ((a + 2) * d - (a + 3)) * d * d + 1 }
      func far(_ d: Double) -> Double { ((a * d - 5 * a) * d + 8 * a) * d - 4 * a }
      return [(first - 1, far(t + 1)), (first, near(t)), (first + 1, near(1 - t)), (first + 2, far(2 - t))]
    }
  }
}
