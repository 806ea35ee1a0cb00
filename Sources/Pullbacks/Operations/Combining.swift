import CKernels
import Kernels

/// The sum of any number of tensors of one shape.
public struct Add: Operation {
  public init() {}
  public var kind: String { "add" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    for other in inputs where other != inputs[0] {
      throw PullbackError(.usage, kind, "shapes \(inputs[0]) and \(other) differ")
    }
    return inputs[0]
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    Evaluation(inputs.dropFirst().reduce(inputs[0]) { $0 + $1 })
  }

  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { site.inputShapes.map { _ in v } }
}

/// The product of two tensors. The second has the shape of the first, or that shape with trailing axes of extent 1:
/// `(C, 1, 1)` scales the channels of `(C, H, W)`.
public struct Multiply: Operation {
  public init() {}
  public var kind: String { "multiply" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    guard inputs.count == 2, inputs[0].count == inputs[1].count else {
      throw PullbackError(.usage, kind, "expected two inputs of one rank, found \(inputs)")
    }
    let same = zip(inputs[0], inputs[1]).prefix { $0 == $1 }.count
    guard inputs[1].dropFirst(same).allSatisfy({ $0 == 1 }) else {
      throw PullbackError(.usage, kind, "shape \(inputs[1]) does not scale shape \(inputs[0])")
    }
    return inputs[0]
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    Evaluation(product(inputs[0], inputs[1]))
  }

  public var gradientNeeds: Needs { .inputs }

  /// Each factor's cotangent is v times the other factor, summed over the axes along which that one was repeated.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    [
      site.wants[0] ? product(v, site.input(1)) : nil,
      site.wants[1] ? productSums(v, site.input(0), shape: site.inputShapes[1]) : nil,
    ]
  }

  private func product(_ x: Tensor, _ factor: Tensor) -> Tensor {
    if x.shape == factor.shape { return x * factor }
    let inner = x.count / factor.count
    return Tensor(shape: x.shape) { y in
      Tensor.withPointers(x, factor) { x, scales in
        let y = y.baseAddress!
        Parallel.forEachBlock(of: factor.count, size: max(1, (1 << 15) / inner)) { block in
          for place in block { pb_scale(x + place * inner, scales[place], y + place * inner, inner) }
        }
      }
    }
  }

  private func productSums(_ v: Tensor, _ x: Tensor, shape: [Int]) -> Tensor {
    if v.shape == shape { return v * x }
    let inner = v.count / shape.product
    return Tensor(shape: shape) { sums in
      Tensor.withPointers(v, x) { v, x in
        let sums = sums.baseAddress!
        Parallel.forEachBlock(of: shape.product, size: max(1, (1 << 15) / inner)) { block in
          for place in block { sums[place] = Float(pb_dot(v + place * inner, x + place * inner, inner)) }
        }
      }
    }
  }
}

/// A fixed affine map of each channel of `(N, C, H, W)`: `y = scale[c] x + shift[c]`. It has no parameters: input
/// normalisation belongs to the network, but is not learnt.
public struct ChannelAffine: Operation {
  /// One factor per channel.
  public var scale: [Float]
  /// What is then added to each channel.
  public var shift: [Float]

  /// - Parameters:
  ///   - scale: one factor per channel.
  ///   - shift: what is then added, per channel.
  public init(scale: [Float], shift: [Float]) {
    self.scale = scale
    self.shift = shift
  }

  /// Input normalisation: images in `[-1, 1]` to `((x + 1) / 2 - mean) / std`, one mean and deviation per channel.
  public static func normalisation(mean: [Double], std: [Double]) -> ChannelAffine {
    ChannelAffine(
      scale: std.map { Float(0.5 / $0) },
      shift: zip(mean, std).map { mean, std in Float((0.5 - mean) / std) })
  }

  public var kind: String { "affine" }
  public var settings: String { "scale \(scale), shift \(shift)" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    guard let channels = inputs[0].first, channels == scale.count, channels == shift.count else {
      throw PullbackError(
        .usage, kind, "\(scale.count) scales and \(shift.count) shifts do not fit an input of shape \(inputs[0])")
    }
    return inputs[0]
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    Evaluation(apply(inputs[0], shift: shift))
  }

  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    [apply(v, shift: Array(repeating: 0, count: shift.count))]
  }

  private func apply(_ x: Tensor, shift: [Float]) -> Tensor {
    let layout = ChannelLayout(x.shape)
    return Tensor(shape: x.shape) { y in
      x.withUnsafeBuffer { x in
        layout.forEachPlane { _, channel, offset in
          pb_affine(x.baseAddress! + offset, scale[channel], shift[channel], y.baseAddress! + offset, layout.plane)
        }
      }
    }
  }
}
