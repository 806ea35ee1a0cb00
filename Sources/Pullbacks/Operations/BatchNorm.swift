import Kernels

/// Batch normalisation of `(N, C, ...)`, features, sequences, maps or volumes, over all axes but the channels.
///
/// `y = gamma (x - mean) / sqrt(var + eps) + beta`. In evaluation mean and variance are the running statistics,
/// constants, and the map is affine; in training they are those of the batch, and gradients flow through them.
/// Parameters: `weight` (gamma), `bias` (beta), `running_mean`, `running_var`, each `(C)`.
public struct BatchNorm: Operation {
  /// The number added to the variance.
  public var epsilon: Float
  /// The weight of a new batch in the running statistics.
  public var momentum: Float

  /// - Parameters:
  ///   - epsilon: the number added to the variance.
  ///   - momentum: the weight of a new batch in the running statistics.
  public init(epsilon: Float = 1e-5, momentum: Float = 0.1) {
    self.epsilon = epsilon
    self.momentum = momentum
  }

  public var kind: String { "batchnorm" }
  public var character: OperationCharacter { .linear }
  public var settings: String { "eps \(epsilon)" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    guard !inputs[0].isEmpty else { throw PullbackError(.usage, kind, "expected a channel axis, found a scalar") }
    return inputs[0]
  }

  public func parameters(_ inputs: [[Int]]) -> [ParameterDescription] {
    let shape = [inputs[0][0]]
    return [
      ParameterDescription("weight", shape), ParameterDescription("bias", shape),
      ParameterDescription("running_mean", shape, isLearnable: false),
      ParameterDescription("running_var", shape, isLearnable: false),
    ]
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let x = inputs[0]
    let constants = constants(parameters, mode == .training ? batchStatistics(x) : runningStatistics(parameters))
    let layout = ChannelLayout(x.shape)
    let output = x.withUnsafeBuffer { x in
      Tensor(shape: inputs[0].shape) { y in
        Tensor.withPointers(constants.scale, constants.shift) { scale, shift in
          layout.forEachPlane { _, channel, offset in
            Arrays.affine(
              x.baseAddress! + offset, scale[channel], shift[channel], y.baseAddress! + offset, layout.plane)
          }
        }
      }
    }
    return Evaluation(output, saved: constants.statistics)
  }

  /// A batch norm with constant statistics: `scale[c] x + shift[c]`.
  package struct AffineMap: Sendable {
    package let scale, shift: Tensor
    /// Mean and reciprocal deviation, as a backward pass reads them.
    package let statistics: [Tensor]
  }

  /// The affine map that the layer is in evaluation.
  package func affineMap(_ parameters: [Tensor]) -> AffineMap { constants(parameters, runningStatistics(parameters)) }

  private func constants(_ parameters: [Tensor], _ statistics: [Tensor]) -> AffineMap {
    let scale = parameters[0] * statistics[1]
    return AffineMap(scale: scale, shift: parameters[1] - statistics[0] * scale, statistics: statistics)
  }

  /// Evaluation: `dx = gamma rstd v`. Training: `dx = gamma rstd (v - mean(v) - h mean(v h))`, `h = (x - mean) rstd`.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    site.mode == .training ? [trainingGradient(v, at: site)] : [frozenGradient(v, at: site)]
  }

  private func frozenGradient(_ v: Tensor, at site: Site) -> Tensor {
    let layout = ChannelLayout(v.shape)
    return Tensor(shape: site.inputShapes[0]) { dx in
      Tensor.withPointers(v, site.parameters[0] * site.saved[1]) { v, scale in
        layout.forEachPlane { _, channel, offset in
          Arrays.scale(v + offset, scale[channel], dx.baseAddress! + offset, layout.plane)
        }
      }
    }
  }

  private func trainingGradient(_ v: Tensor, at site: Site) -> Tensor {
    let gamma = site.parameters[0].scalars
    let mean = site.saved[0].scalars
    let reciprocal = site.saved[1].scalars
    let (dGamma, dBeta) = affineGradients(v, at: site)
    let layout = ChannelLayout(v.shape)
    let count = Double(layout.images * layout.plane)
    return Tensor(shape: v.shape) { dx in
      Tensor.withPointers(v, site.input()) { v, x in
        layout.forEachPlane { _, channel, offset in
          let a = gamma[channel] * reciprocal[channel]
          let b = -a * reciprocal[channel] * Float(dGamma[channel] / count)
          let c = -a * Float(dBeta[channel] / count) - b * mean[channel]
          Arrays.affinePair(v + offset, a, x + offset, b, c, dx.baseAddress! + offset, layout.plane)
        }
      }
    }
  }

  public func parameterGradients(_ v: Tensor, at site: Site) -> [Tensor?] {
    let (dGamma, dBeta) = affineGradients(v, at: site)
    let shape = site.parameters[0].shape
    return [Tensor(shape: shape, dGamma.map(Float.init)), Tensor(shape: shape, dBeta.map(Float.init)), nil, nil]
  }

  /// `dgamma = sum v h` and `dbeta = sum v`, per channel.
  private func affineGradients(_ v: Tensor, at site: Site) -> ([Double], [Double]) {
    let layout = ChannelLayout(v.shape)
    let mean = site.saved[0].scalars
    let reciprocal = site.saved[1].scalars
    return Tensor.withPointers(v, site.input()) { v, x in
      let sums = layout.sums { Arrays.sum(v + $0, layout.plane) }
      let products = layout.sums { Arrays.dot(v + $0, x + $0, layout.plane) }
      let dGamma = (0..<layout.channels).map {
        (products[$0] - Double(mean[$0]) * sums[$0]) * Double(reciprocal[$0])
      }
      return (dGamma, sums)
    }
  }

  /// Mean and `1 / sqrt(var + eps)` from the running statistics.
  private func runningStatistics(_ parameters: [Tensor]) -> [Tensor] {
    let reciprocal = parameters[3].scalars.map { Float(1 / (Double($0) + Double(epsilon)).squareRoot()) }
    return [parameters[2], Tensor(shape: parameters[2].shape, reciprocal)]
  }

  /// Mean, `1 / sqrt(var + eps)` and biased variance of the batch.
  private func batchStatistics(_ x: Tensor) -> [Tensor] {
    let layout = ChannelLayout(x.shape)
    let count = Double(layout.images * layout.plane)
    return x.withUnsafeBuffer { x in
      let address = x.baseAddress!
      let mean = layout.sums { Arrays.sum(address + $0, layout.plane) }.map { $0 / count }
      let variance = layout.sums { offset in
        Arrays.squaredDeviations(address + offset, mean[offset / layout.plane % layout.channels], layout.plane)
      }.map { $0 / count }
      let reciprocal = variance.map { 1 / ($0 + Double(epsilon)).squareRoot() }
      return [mean, reciprocal, variance].map { Tensor(shape: [layout.channels], $0.map(Float.init)) }
    }
  }
}

extension BatchNorm: KeepingStatistics {
  /// `(1 - momentum) running + momentum batch`, with the unbiased variance.
  func updatedStatistics(_ parameters: [Tensor], saved: [Tensor], count: Int) -> [Tensor?] {
    let unbiased = count > 1 ? Float(count) / Float(count - 1) : 1
    return [
      nil, nil, (1 - momentum) * parameters[2] + momentum * saved[0],
      (1 - momentum) * parameters[3] + (momentum * unbiased) * saved[2],
    ]
  }
}
