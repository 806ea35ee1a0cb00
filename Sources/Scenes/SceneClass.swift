/// The ten classes of the scenes, named after Imagenette's and in their order; the raw value is the label.
public enum SceneClass: Int, CaseIterable, Sendable {
  case tench, englishSpringer, cassettePlayer, chainSaw, church
  case frenchHorn, garbageTruck, gasPump, golfBall, parachute

  /// The name as ImageNet spells it.
  public var name: String {
    switch self {
    case .tench: "tench"
    case .englishSpringer: "English springer"
    case .cassettePlayer: "cassette player"
    case .chainSaw: "chain saw"
    case .church: "church"
    case .frenchHorn: "French horn"
    case .garbageTruck: "garbage truck"
    case .gasPump: "gas pump"
    case .golfBall: "golf ball"
    case .parachute: "parachute"
    }
  }

  /// The class's parts; the first is its body, which distractors share.
  public var parts: [Part] { drawing.parts }

  /// The parts without which the class cannot be told from a distractor; all other classes' scenes may show the rest.
  public var diagnosticParts: [Part] { parts.filter(\.isDiagnostic) }

  var drawing: any ObjectDrawing.Type {
    switch self {
    case .tench: Tench.self
    case .englishSpringer: EnglishSpringer.self
    case .cassettePlayer: CassettePlayer.self
    case .chainSaw: ChainSaw.self
    case .church: Church.self
    case .frenchHorn: FrenchHorn.self
    case .garbageTruck: GarbageTruck.self
    case .gasPump: GasPump.self
    case .golfBall: GolfBall.self
    case .parachute: Parachute.self
    }
  }
}

/// A parametric drawing of a class, about the origin, in a box of roughly -1...1 with y downwards.
///
/// `draw` takes the same numbers from the dice whatever is shown of it, so that an edit changes nothing else.
protocol ObjectDrawing {
  static var parts: [Part] { get }
  /// Greatest turn of the object, in radians.
  static var tilt: Double { get }
  /// Whether the object stands on something, and so throws a shadow below.
  static var stands: Bool { get }
  static func draw(_ p: Painter, _ dice: inout Dice)
}
