import Pullbacks

/// The points at which a network is evaluated to explain it at `x`, each with its weight in the mean, in one or several
/// rounds that may each change the network. Explainers at equal points share the passes there.
public protocol Points: Hashable, Sendable {
  /// The number of points in a round.
  var count: Int { get }
  /// The number of rounds.
  var rounds: Int { get }
  /// The settings to record, by name.
  var settings: [String: String] { get }
  /// The random numbers that the points are drawn with; by default none.
  var randomNumbers: RandomNumbers { get }

  /// The weight of the pullback at a point.
  ///
  /// - Parameter point: the point's index in its round.
  func weight(_ point: Int) -> Double

  /// The network of a round.
  ///
  /// - Parameters:
  ///   - network: the network that is explained.
  ///   - round: the round's index.
  ///   - noise: the source of random numbers.
  func network(_ network: Network, round: Int, noise: NoiseSource) -> Network

  /// A point around or before an input.
  ///
  /// - Parameters:
  ///   - index: the point's index in its round.
  ///   - round: the round's index.
  ///   - x: one input, a batch of one; an image is `(1, C, H, W)`.
  ///   - key: the key that seeds the input's random numbers, see ``Context/keys``.
  ///   - noise: the source of random numbers.
  func point(_ index: Int, round: Int, of x: Tensor, key: Int, noise: NoiseSource) -> Tensor
}

extension Points {
  public var rounds: Int { 1 }
  public var randomNumbers: RandomNumbers { .none }
  public func weight(_ point: Int) -> Double { 1 / Double(count * rounds) }
  public func network(_ network: Network, round: Int, noise: NoiseSource) -> Network { network }
}

/// The image itself.
public struct TheImage: Points {
  public init() {}
  public var count: Int { 1 }
  public var settings: [String: String] { [:] }
  public func point(_ index: Int, round: Int, of x: Tensor, key: Int, noise: NoiseSource) -> Tensor { x }
}

/// The image under Gaussian noise, not clipped. Source: Smilkov et al. 2017 (SmoothGrad, arXiv 1706.03825).
public struct NoisyImages: Points {
  public var count: Int
  /// The noise's standard deviation, in units of the image.
  public var deviation: Float
  private let purpose: String

  /// - Parameters:
  ///   - count: the number of noisy images.
  ///   - deviation: the noise's standard deviation.
  ///   - purpose: the name of the noise's stream.
  public init(count: Int, deviation: Float, purpose: String = "smoothgrad") {
    self.count = count
    self.deviation = deviation
    self.purpose = purpose
  }

  public var settings: [String: String] { ["draws": "\(count)", "deviation": "\(deviation)"] }
  public var randomNumbers: RandomNumbers { .perImage }

  public func point(_ index: Int, round: Int, of x: Tensor, key: Int, noise: NoiseSource) -> Tensor {
    x + deviation * noise.normals(purpose, image: key, draw: round * count + index, x.shape)
  }
}

/// Noisy images seen by noisy networks: in each round every learnable parameter is multiplied by its own
/// `N(1, deviation^2)`, the same for all images; running statistics stay. A perturbed network lives for its round.
/// Source: Bykov et al. 2022 (NoiseGrad and FusionGrad, arXiv 2106.10185).
public struct NoisyNetworks: Points {
  /// The number of networks.
  public var rounds: Int
  /// The standard deviation of the factors.
  public var deviation: Float
  /// The images each network sees.
  public var images: NoisyImages

  /// - Parameters:
  ///   - networks: the number of networks.
  ///   - deviation: the standard deviation of the factors on parameters.
  ///   - images: the number of noisy images for each network.
  ///   - imageDeviation: the standard deviation of the images' noise.
  public init(networks: Int, deviation: Float, images: Int, imageDeviation: Float) {
    rounds = networks
    self.deviation = deviation
    self.images = NoisyImages(count: images, deviation: imageDeviation, purpose: "fusiongrad")
  }

  public var count: Int { images.count }
  public var randomNumbers: RandomNumbers { .shared }

  public var settings: [String: String] {
    [
      "networks": "\(rounds)", "parameter deviation": "\(deviation)", "draws per network": "\(images.count)",
      "deviation": "\(images.deviation)",
    ]
  }

  public func network(_ network: Network, round: Int, noise: NoiseSource) -> Network {
    network.mapParameters { name, value in
      value + deviation * (value * noise.normals("fusiongrad/\(name)", image: nil, draw: round, value.shape))
    }
  }

  public func point(_ index: Int, round: Int, of x: Tensor, key: Int, noise: NoiseSource) -> Tensor {
    images.point(index, round: round, of: x, key: key, noise: noise)
  }
}

/// The input that stands for the absence of signal.
public enum Baseline: Hashable, Sendable {
  /// One value everywhere; 0 is mid grey.
  case value(Float)
  /// An input, a batch of one; an image is `(1, C, H, W)`.
  case image(Tensor)

  public func hash(into hasher: inout Hasher) {
    switch self {
    case .value(let value): hasher.combine(value)
    // Equal inputs have equal shapes; to hash every value would cost more than the rare comparison.
    case .image(let image): hasher.combine(image.shape)
    }
  }

  func tensor(_ shape: [Int]) throws(PullbackError) -> Tensor {
    switch self {
    case .value(let value): return Tensor(shape: [1] + shape, repeating: value)
    case .image(let image):
      guard image.shape == [1] + shape else {
        throw PullbackError(.usage, "baseline", "expected an image of shape \(shape), found \(image.shape)")
      }
      return image
    }
  }

  var setting: String {
    switch self {
    case .value(let value): "\(value)"
    case .image: "an image"
    }
  }

  /// `baseline + r (x - baseline)` for one image.
  func towards(_ x: Tensor, _ r: Float) -> Tensor {
    switch self {
    case .value(0): r * x
    case .value(let value): Tensor(shape: x.shape, repeating: (1 - r) * value) + r * x
    case .image(let baseline): baseline + r * (x - baseline)
    }
  }

  /// `x - baseline` for a batch of images.
  func distance(to x: Tensor) -> Tensor {
    switch self {
    case .value(0): x
    case .value(let value): x - Tensor(shape: x.shape, repeating: value)
    case .image(let baseline): x - baseline.repeated(x.shape[0])
    }
  }
}

/// Equal steps on the straight line from a baseline to the image, `linspace(0, 1, count)`, weighted by the trapezoid
/// rule.
/// Source: Sundararajan et al. 2017 (Integrated Gradients, arXiv 1703.01365).
public struct StraightPath: Points {
  /// The quadrature weights of the points of a straight path.
  public enum Weighting: String, Sendable, CaseIterable {
    /// captum's: `1/count` inside and half of it at the ends, `1 - 1/count` in all.
    case released
    /// `1/(count - 1)` inside and half of it at the ends, 1 in all: only this is complete.
    case normalised
  }

  public var count: Int
  /// The quadrature weights of the points.
  public var weighting: Weighting
  /// The start of the line.
  public var baseline: Baseline

  /// - Parameters:
  ///   - count: the number of points.
  ///   - weighting: the weights of the points.
  ///   - baseline: the start of the line.
  /// - Precondition: at least two points.
  public init(count: Int, weighting: Weighting, baseline: Baseline = .value(0)) {
    precondition(count >= 2, "a path has two ends")
    self.count = count
    self.weighting = weighting
    self.baseline = baseline
  }

  public var settings: [String: String] {
    ["points": "\(count)", "weighting": weighting.rawValue, "baseline": baseline.setting]
  }

  public func weight(_ point: Int) -> Double {
    let step = 1 / Double(weighting == .released ? count : count - 1)
    return point == 0 || point == count - 1 ? step / 2 : step
  }

  public func point(_ index: Int, round: Int, of x: Tensor, key: Int, noise: NoiseSource) -> Tensor {
    baseline.towards(x, Float(Double(index) / Double(count - 1)))
  }
}

/// Random places on the straight line from a baseline to the image, one number `U(0, 1)` each.
/// Source: Lundberg & Lee 2017 (arXiv 1705.07874); captum's GradientShap without its noise.
public struct RandomPath: Points {
  public var count: Int
  /// The start of the line.
  public var baseline: Baseline

  /// - Parameters:
  ///   - count: the number of places.
  ///   - baseline: the start of the line.
  public init(count: Int, baseline: Baseline = .value(0)) {
    self.count = count
    self.baseline = baseline
  }

  public var settings: [String: String] { ["samples": "\(count)", "baseline": baseline.setting] }
  public var randomNumbers: RandomNumbers { .perImage }

  public func point(_ index: Int, round: Int, of x: Tensor, key: Int, noise: NoiseSource) -> Tensor {
    baseline.towards(x, noise.uniforms("gradient-shap", image: key, draw: index, [1]).scalars[0])
  }
}
