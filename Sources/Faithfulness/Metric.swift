import Attribution
import Pullbacks

/// A metric of explanations: a number per image and explainer.
///
/// A metric is a value: hyper-parameters go into its initialiser. It conforms to one of four refining protocols, which
/// says what its scores are computed from; the ``Benchmark`` computes once what several metrics or explainers share.
///
/// | protocol | the score comes from |
/// |---|---|
/// | ``MapMetric`` | the attribution and masks |
/// | ``SharedPerturbationMetric`` | responses to perturbed images that are the same for every explainer |
/// | ``RankedPerturbationMetric`` | responses to images perturbed in the order of the attribution |
/// | ``ExplanationMetric`` | other explanations by the same explainer |
public protocol Metric: Sendable {
  /// The name on the command line and in files: `faithfulness-correlation`.
  var name: String { get }
  /// The name over a column: `Faith. Corr.`.
  var title: String { get }
  /// The direction of good scores.
  var direction: Direction { get }
  /// The property of an explanation that it measures.
  var category: Category { get }
  /// The source of the metric.
  var citation: String { get }
  /// The formula, on one line: `a` is the attribution, `e` the explainer, `f` the target's logit, `p` its softmax
  /// probability, `x` the image and `x'` a perturbed one. Sums and largest values run over values or pixels.
  var formula: String { get }
  /// A warning for readers who compare scores; nil if there is none.
  var caveat: String? { get }
  /// Every hyper-parameter by name, as records write them.
  var settings: [String: String] { get }
  /// Whether it is undefined without a mask of the object or its parts.
  var needsMask: Bool { get }
  /// The inputs that it is defined for; by default any.
  var requirement: InputRequirement { get }
}

extension Metric {
  public var needsMask: Bool { false }
  public var requirement: InputRequirement { .any }
  public var caveat: String? { nil }
  public var settings: [String: String] { [:] }
  /// Whether the explainer must be run again, at other inputs, classes or networks: such a metric cannot score maps
  /// that were computed elsewhere.
  public var recomputesExplanations: Bool { self is any ExplanationMetric }
}

/// The direction of good scores.
public enum Direction: String, Sendable {
  case higher, lower
  case nearerZero = "nearer-zero"

  /// The arrow for the heads of tables.
  public var arrow: String {
    switch self {
    case .higher: "↑"
    case .lower: "↓"
    case .nearerZero: "→0"
    }
  }

  /// Whether `a` is a better score than `b`.
  public func prefers(_ a: Double, to b: Double) -> Bool {
    switch self {
    case .higher: a > b
    case .lower: a < b
    case .nearerZero: abs(a) < abs(b)
    }
  }
}

/// The property of an explanation that a metric measures, in Quantus's terms.
public enum Category: String, Sendable {
  case faithfulness, robustness, randomisation, complexity, localisation
}

/// A metric of the attribution itself. All maps are signed and have the shape of the input, a batch of one.
public protocol MapMetric: Metric {
  /// The score of the attribution `map` of `sample`.
  func score(_ map: Tensor, of sample: Sample) -> Score
}

/// The network's response to an image, at the sample's target.
public struct Response: Equatable, Sendable {
  public let logit: Double
  /// Softmax of the logits, in `[0, 1]`.
  public let probability: Double

  public init(logit: Double, probability: Double) {
    self.logit = logit
    self.probability = probability
  }
}

/// Perturbed versions of one image, and what an attribution is worth given the network's responses to them.
public struct Trial: Sendable {
  /// The number of perturbed images.
  public let count: Int
  /// Turns a copy of the image's values into perturbed image `index`.
  let perturb: @Sendable (_ index: Int, _ image: UnsafeMutableBufferPointer<Float>) -> Void
  /// The score of a map, given the responses to the image and to each perturbed image.
  let score: @Sendable (_ map: Tensor, _ clean: Response, _ responses: [Response]) -> Score
}

/// A metric whose perturbed images, and so the forward passes at them, serve every explainer.
public protocol SharedPerturbationMetric: Metric {
  func trial(of sample: Sample, seed: UInt64) -> Trial
}

/// A metric whose perturbed images follow the attribution's order of importance.
public protocol RankedPerturbationMetric: Metric {
  func trial(of sample: Sample, ranking map: Tensor, seed: UInt64) -> Trial
  /// The number of perturbed images for inputs of this shape, without the batch axis.
  func count(for shape: [Int]) -> Int
}

/// Other explanations that a metric compares an explanation with.
public enum ExplanationRequest: Hashable, Sendable {
  /// Explanations of the same image with noise `U(-amplitude, amplitude)` in every value, several draws.
  case noisy(draws: Int, amplitude: Float)
  /// The explanation of the same image for one random other class.
  case otherClass
  /// The explanation of the sample's mosaic, for the sample's class.
  case mosaic
  /// Explanations of the same image by networks with randomised parameters.
  case randomised(RandomisationOrder, stops: Int)
}

/// A metric that needs the explainer again.
public protocol ExplanationMetric: Metric {
  var request: ExplanationRequest { get }
  /// - Parameter others: the explanations that were asked for, in its order.
  func score(_ map: Tensor, against others: [Tensor], of sample: Sample) -> Score
}

/// A metric's value for one image and explainer.
public struct Score: Equatable, Sendable {
  /// NaN where the metric is undefined; ``undefined`` then says why.
  public let value: Double
  public let undefined: Undefined?
  /// The numbers that the value was computed from, if they are worth keeping: a curve, or a number per layer.
  public let series: [Double]

  public init(_ value: Double, series: [Double] = []) {
    self.value = value
    self.series = series
    undefined = value.isFinite ? nil : .notFinite
  }

  public init(_ undefined: Undefined, series: [Double] = []) {
    value = .nan
    self.undefined = undefined
    self.series = series
  }

  public static func == (a: Score, b: Score) -> Bool {
    a.value.bitPattern == b.value.bitPattern && a.undefined == b.undefined
      && a.series.map(\.bitPattern) == b.series.map(\.bitPattern)
  }
}

/// The reason why a metric has no value.
public enum Undefined: String, Sendable, CaseIterable {
  case zeroAttribution = "the attribution is zero"
  case constantAttribution = "the attribution is the same everywhere it is compared"
  case constantResponse = "the network's response is always the same"
  case notFinite = "the attribution or the response is not finite"
  case noMask = "the image has no mask of what is asked for"
  case wholeImage = "the mask is the whole image, and every attribution lies on it"
  case tooFewParts = "the image has fewer than two parts"
  case noMosaic = "there are not two images of other classes for a mosaic"
}
