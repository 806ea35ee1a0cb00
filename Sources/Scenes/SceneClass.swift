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

/// A named part of a class's drawing.
public struct Part: Hashable, Sendable, CustomStringConvertible {
  /// The role of a part in its object; parts of one role correspond across classes.
  public enum Role: String, Sendable {
    /// The bulk that carries the rest.
    case body
    /// A part that stands out from the body.
    case appendage
    /// A part that carries or moves the object.
    case support
    /// A part that lies on the body.
    case detail
  }

  public let owner: SceneClass
  public let name: String
  public let role: Role
  /// Whether the class is undecidable without the diagnostic parts, this among them.
  public let isDiagnostic: Bool
  /// The name of the part that carries this one: removing that one removes this one too.
  public let carrier: String?

  init(_ owner: SceneClass, _ name: String, _ role: Role, diagnostic: Bool = false, on carrier: String? = nil) {
    self.owner = owner
    self.name = name
    self.role = role
    self.isDiagnostic = diagnostic
    self.carrier = carrier
  }

  /// This part and all that it carries.
  public var withCarried: [Part] {
    [self] + owner.parts.filter { $0.carrier == name }.flatMap(\.withCarried)
  }

  /// The part of another class that corresponds: its body to a body, else the first diagnostic part of the same role,
  /// else the first diagnostic part.
  public func counterpart(in other: SceneClass) -> Part {
    if role == .body { return other.parts[0] }
    let candidates = other.diagnosticParts
    return candidates.first { $0.role == role } ?? candidates[0]
  }

  public static func == (a: Part, b: Part) -> Bool { a.owner == b.owner && a.name == b.name }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(owner)
    hasher.combine(name)
  }

  /// The class and the part: `church spire`.
  public var description: String { "\(owner.name) \(name)" }
}
