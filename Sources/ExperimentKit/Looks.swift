import Attribution
import Plotting

/// The looks of figures: sizes, gaps and dashes, kept apart from what figures show. Lengths are in points.
///
/// The write-up prints figures at their own size where they are no wider than its text of 482 points, so that with the
/// theme's smallest type of 6.5 points a figure of 520 points still has 6; 43 points are 15 mm, the least for a map.
public enum Looks {
  /// Widths of grids of pictures, by what their columns are.
  public enum Width {
    /// Four classes and the image.
    public static let classes = 420.0
    /// Six photographs in a row, each large enough to see the fur.
    public static let photographs = 500.0
    /// A photograph and four maps of it, one of two blocks in a row.
    public static let photographBlock = 258.0
    /// A photograph, what became of it three times, and three differences.
    public static let counterfactuals = 520.0
    /// Four maps of one image.
    public static let rescaled = 280.0
    /// The knob's ten pictures.
    public static let knob = 514.0
    /// An image and nine maps of it.
    public static let networks = 500.0
    /// An image and five pictures, in blocks one below the other.
    public static let stackedBlock = 330.0
    /// Stages of a randomised network.
    public static let stages = 310.0
    /// The image, and four conditions of each network's training.
    public static func conditions(networks: Int) -> Double { 122 + 200 * Double(networks) }
    /// A text of two sentences, one of two in a row.
    public static let shadedText = 270.0
  }

  /// Photographs fill a screen's column with fewer pixels than plots need for their lines, and a file of them stays
  /// under 4 MiB; vector files keep every pixel of a photograph.
  public static let photographs = {
    var theme = Theme.paper
    theme.pixelsPerPoint = 2
    return theme
  }()

  /// The gap between small pictures.
  public static let tightGap = 1.5

  /// Sizes of plots, by how many stand in a row.
  public enum Plot {
    public static let wide = Size(500, 130)
    public static let half = Size(255, 150)
    /// With a legend below.
    public static let halfWithLegend = Size(250, 190)
    public static let many = Size(76, 72)
    /// One of three.
    public static let third = Size(166, 125)
    /// Beside two rows of maps.
    public static let besideMaps = Size(225, 145)
    /// Four in a row under a grid.
    public static let conditions = Size(112, 66)
    /// The width of one of two plots beside a grid.
    public static let besideGrid = 92.0
  }

  /// Computed values under measured ones, by their place: theories, a diagonal.
  public static let expected: [[Double]] = [[3, 2], [1, 1.5], [6, 2]]
}

extension [Method] {
  /// The semantic pullbacks of the paper's tables, each at the place of its twin in ``gradientTwins``.
  public static let semanticPullbacks: [Method] = [.softPullback, .pullbackAscent, .smoothPullback, .fusionPullback]
  /// The same recipes over the gradient.
  public static let gradientTwins: [Method] = [.gradient, .gradientAscent, .smoothGrad, .fusionGrad]
  /// The recipes of other explainers over soft pullbacks.
  public static let pullbackVariants: [Method] = [
    .pullbackShap, .integratedPullbacks, .pullbackDeepLift, .guidedPullbackCAM,
  ]
  /// Explainers that rectify cotangents.
  public static let rectifying: [Method] = [.guidedGradCAM, .guidedBackprop, .deconvolution]
}

extension Method {
  /// The colour of the explainer's curve: a pullback and its gradient twin share one, those that rectify have warm
  /// ones, others are grey.
  public var curveColor: Color {
    switch self {
    case .guidedBackprop: Color(0xD55E00)
    case .deconvolution: Color(0xE69F00)
    case .guidedGradCAM: Color(0x8C2D04)
    default:
      switch [Method].semanticPullbacks.firstIndex(of: self) ?? [Method].gradientTwins.firstIndex(of: self) {
      case let place?: [Color(0x0072B2), Color(0x56B4E9), Color(0x009E73), Color(0xCC79A7)][place]
      case nil: Color(0x9A9A9A)
      }
    }
  }
}

extension LinePlot.Series {
  /// The look of an explainer's curve: its colour; dashes for gradient twins, and others that tell the grey ones apart;
  /// marks for those that rectify.
  ///
  /// - Parameter others: the explainers that are drawn in grey.
  public mutating func look(like method: Method, among others: [Method]) {
    let greys: [[Double]] = [[], [5, 2], [3, 2], [1, 1.5], [5, 2, 1, 2]]
    color = method.curveColor
    dashes =
      [Method].gradientTwins.contains(method) ? [3, 1.5] : others.firstIndex(of: method).map { greys[$0] } ?? []
    style = [Method].rectifying.contains(method) ? .curve : .line
  }

  /// The look of a pullback's scores on the network at `place` of the tier: the network has the colour, the soft
  /// pullback discs and dashes, the ascent squares.
  public mutating func look(like method: Method, network place: Int) {
    color = .okabeIto[place]
    (marker, dashes) = method == .softPullback ? (.disc, [2.5, 1.5]) : (.square, [])
  }

  /// Intervals as bars, of the series at `place` of `count` beside those of the others.
  public mutating func lookBarred(_ place: Int, of count: Int, apart: Double) {
    interval = .bars
    shift = apart * (Double(place) - Double(count - 1) / 2)
  }

  /// The look of a network's scores, by its place in the tier: its colour and a marker of its own.
  public mutating func look(network place: Int) {
    color = .okabeIto[place]
    marker = [.disc, .square, .triangle][place % 3]
  }

  /// The look of a soft pullback with the released temperatures, or with a relative one.
  public mutating func look(released: Bool) {
    color = .okabeIto[released ? 1 : 0]
    (marker, dashes) = released ? (.square, [2.5, 1.5]) : (.disc, [])
  }

  /// The look of the explainer at `place` of a run: whole lines for pullbacks, dashes for others, dots in grey for
  /// chance.
  public mutating func look(like explainer: String, at place: Int) {
    style = .line
    color = .okabeIto[place % 7]
    let isPullback = Method(rawValue: explainer)?.usesSoftRules ?? false
    dashes = isPullback ? [] : [[4, 1.5], [2, 1.2], [5, 1.5, 1, 1.5]][place % 3]
    if explainer == Entrant.chance.name { (color, dashes) = (Theme.paper.mutedInk, [1, 1.5]) }
  }

  /// The look of a computed curve under measured ones, the one of several at `place`.
  public mutating func lookExpected(_ color: Color, at place: Int = 0) {
    (style, self.color, dashes) = (.line, color, Looks.expected[place % Looks.expected.count])
  }
}
