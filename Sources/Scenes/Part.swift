/// A named part of a class's drawing.
public struct Part: Hashable, Sendable, CustomStringConvertible {
  /// What a part is to its object; parts of one role correspond across classes.
  public enum Role: String, Sendable {
    /// The bulk that carries the rest.
    case body
    /// What stands out from the body.
    case appendage
    /// What carries or moves the object.
    case support
    /// What lies on the body.
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
