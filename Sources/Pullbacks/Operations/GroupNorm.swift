import Kernels

/// Group normalisation of `(N, C, ...)`: each image's channels fall into groups, and the values of a group are brought
/// to mean 0 and variance 1, then each channel is mapped affinely. With a group for each channel it is instance
/// normalisation, ``instance(epsilon:)``.
///
/// `y = gamma (x - mean) / sqrt(var + eps) + beta`, with the biased variance. Parameters: `weight` (gamma) and `bias`
/// (beta), each `(C)`. Sources: Wu & He 2018 (arXiv 1803.08494); Ulyanov et al. 2016 (arXiv 1607.08022).
public struct GroupNorm: Normalisation {
  /// The number of groups of channels; nil is one group per channel.
  public var groups: Int?
  /// The number added to the variance.
  public var epsilon: Float

  /// - Parameters:
  ///   - groups: the number of groups of channels.
  ///   - epsilon: the number added to the variance.
  public init(groups: Int, epsilon: Float = 1e-5) {
    self.groups = groups
    self.epsilon = epsilon
  }

  private init(epsilon: Float) { (groups, self.epsilon) = (nil, epsilon) }

  /// Instance normalisation: each channel of an image by itself.
  public static func instance(epsilon: Float = 1e-5) -> GroupNorm { GroupNorm(epsilon: epsilon) }

  public var kind: String { groups == nil ? "instancenorm" : "groupnorm" }
  public var settings: String { (groups.map { "\($0) groups, " } ?? "") + "eps \(epsilon)" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    guard let channels = inputs[0].first else {
      throw PullbackError(.usage, kind, "expected a channel axis, found a scalar")
    }
    if let groups {
      guard groups > 0, channels % groups == 0 else {
        throw PullbackError(.usage, kind, "\(groups) groups do not share \(channels) channels evenly")
      }
    }
    return inputs[0]
  }

  public func parameters(_ inputs: [[Int]]) -> [ParameterDescription] {
    [ParameterDescription("weight", [inputs[0][0]]), ParameterDescription("bias", [inputs[0][0]])]
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let x = inputs[0]
    let layout = Layout(x.shape, groups)
    var mean = [Float](repeating: 0, count: layout.rows)
    var reciprocal = mean
    let y = Tensor(shape: x.shape) { y in
      Tensor.withPointers(x, parameters[0], parameters[1]) { x, gamma, beta in
        mean.withUnsafeMutableBufferPointer { mean in
          reciprocal.withUnsafeMutableBufferPointer { reciprocal in
            let (mean, reciprocal, y) = (mean.baseAddress!, reciprocal.baseAddress!, y.baseAddress!)
            layout.forEachRow { row, offset in
              let exact = Arrays.sum(x + offset, layout.size) / Double(layout.size)
              let variance = Arrays.squaredDeviations(x + offset, exact, layout.size) / Double(layout.size)
              mean[row] = Float(exact)
              reciprocal[row] = Float(1 / (variance + Double(epsilon)).squareRoot())
              layout.forEachChannel(of: row) { channel, places in
                for i in places { y[i] = gamma[channel] * ((x[i] - mean[row]) * reciprocal[row]) + beta[channel] }
              }
            }
          }
        }
      }
    }
    return Evaluation(y, saved: [Tensor(shape: [layout.rows], mean), Tensor(shape: [layout.rows], reciprocal)])
  }

  public var gradientNeeds: Needs { .inputs }

  /// `dx = rstd (g - mean(g) - h mean(g h))` over each group, `g = v gamma`, `h = (x - mean) rstd`.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    let layout = Layout(v.shape, groups)
    let (mean, reciprocal) = (site.saved[0].scalars, site.saved[1].scalars)
    return [
      Tensor(shape: v.shape) { dx in
        Tensor.withPointers(v, site.input(), site.parameters[0]) { v, x, gamma in
          layout.forEachRow { row, _ in
            let (m, r) = (mean[row], reciprocal[row])
            var (sum, products) = (0.0, 0.0)
            layout.forEachChannel(of: row) { channel, places in
              for i in places {
                let g = Double(v[i] * gamma[channel])
                sum += g
                products += g * Double((x[i] - m) * r)
              }
            }
            let (meanG, meanProduct) = (Float(sum / Double(layout.size)), Float(products / Double(layout.size)))
            layout.forEachChannel(of: row) { channel, places in
              for i in places { dx[i] = r * (v[i] * gamma[channel] - meanG - (x[i] - m) * r * meanProduct) }
            }
          }
        }
      }
    ]
  }

  /// The adjoint with mean and variance held constant: `dx = v gamma / sqrt(var + eps)`.
  public func frozenAdjoint(_ v: Tensor, at site: Site) -> Tensor {
    let layout = Layout(v.shape, groups)
    let reciprocal = site.saved[1].scalars
    return Tensor(shape: v.shape) { dx in
      Tensor.withPointers(v, site.parameters[0]) { v, gamma in
        layout.forEachRow { row, _ in
          layout.forEachChannel(of: row) { channel, places in
            Arrays.scale(
              v + places.lowerBound, gamma[channel] * reciprocal[row], dx.baseAddress! + places.lowerBound, places.count
            )
          }
        }
      }
    }
  }

  /// `dgamma = sum v h` and `dbeta = sum v`, per channel.
  public func parameterGradients(_ v: Tensor, at site: Site) -> [Tensor?] {
    let layout = Layout(v.shape, groups)
    let (mean, reciprocal) = (site.saved[0].scalars, site.saved[1].scalars)
    var dGamma = [Double](repeating: 0, count: layout.channels)
    Tensor.withPointers(v, site.input()) { v, x in
      for row in 0..<layout.rows {
        layout.forEachChannel(of: row) { channel, places in
          for i in places { dGamma[channel] += Double(v[i]) * Double((x[i] - mean[row]) * reciprocal[row]) }
        }
      }
    }
    return [Tensor(shape: [layout.channels], dGamma.map(Float.init)), channelSums(v)]
  }
}

/// The values of `(N, C, ...)` as rows, one for each group of each image.
private struct Layout {
  let channels: Int
  let rows: Int
  /// Values of a row.
  let size: Int
  private let plane, channelsPerGroup: Int

  init(_ shape: [Int], _ groups: Int?) {
    let layout = ChannelLayout(shape)
    channels = layout.channels
    plane = layout.plane
    channelsPerGroup = channels / (groups ?? channels)
    rows = layout.images * channels / channelsPerGroup
    size = channelsPerGroup * plane
  }

  /// Calls `body` with every row and where it starts, on several threads.
  func forEachRow(_ body: (_ row: Int, _ offset: Int) -> Void) {
    Parallel.forEachBlock(of: rows, size: max(1, (1 << 15) / size)) { block in
      for row in block { body(row, row * size) }
    }
  }

  /// Calls `body` with the channels of a row, and the places of each.
  func forEachChannel(of row: Int, _ body: (_ channel: Int, _ places: Range<Int>) -> Void) {
    for index in row * channelsPerGroup..<(row + 1) * channelsPerGroup {
      body(index % channels, index * plane..<(index + 1) * plane)
    }
  }
}
