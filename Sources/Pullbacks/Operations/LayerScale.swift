import CKernels
import Kernels

/// A learned scale for each channel of `(N, C, ...)`: `y = gamma[c] x`. Source: Touvron et al., 2021, arXiv 2103.17239.
///
/// Parameter: gamma, `(C, 1, 1)` for maps, which bears the node's own name.
public struct LayerScale: Operation {
  public init() {}
  public var kind: String { "layerscale" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    guard !inputs[0].isEmpty else { throw PullbackError(.usage, kind, "expected a channel axis, found a scalar") }
    return inputs[0]
  }

  public func parameters(_ inputs: [[Int]]) -> [ParameterDescription] {
    [ParameterDescription("", [inputs[0][0]] + inputs[0].dropFirst().map { _ in 1 })]
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    Evaluation(scaled(inputs[0], by: parameters[0]))
  }

  /// `gamma[c] v`
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { [scaled(v, by: site.parameters[0])] }

  /// `dgamma[c]` is the sum of `v x` over the channel's places and the images.
  public func parameterGradients(_ v: Tensor, at site: Site) -> [Tensor?] {
    let layout = ChannelLayout(v.shape)
    let sums = Tensor.withPointers(v, site.input()) { v, x in
      layout.sums { pb_dot(v + $0, x + $0, layout.plane) }
    }
    return [Tensor(shape: site.parameters[0].shape, sums.map(Float.init))]
  }

  private func scaled(_ x: Tensor, by gamma: Tensor) -> Tensor {
    let layout = ChannelLayout(x.shape)
    return Tensor(shape: x.shape) { y in
      Tensor.withPointers(x, gamma) { x, gamma in
        layout.forEachPlane { _, channel, offset in
          pb_scale(x + offset, gamma[channel], y.baseAddress! + offset, layout.plane)
        }
      }
    }
  }
}
