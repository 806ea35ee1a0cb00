import Failures
import Pullbacks

/// A picture of one object before a ground, described apart from any size in pixels: a pure function of seed and index.
///
/// ```swift
/// let scene = SceneGenerator(seed: 314).scene(7)
/// let picture = try scene.render().picture
/// let without = try scene.removing(scene.label.diagnosticParts[0]).render().picture
/// ```
/// An edited scene is the same in everything else: pixels that neither show the part, nor its outline, nor what it hid
/// are the same to the bit.
public struct Scene: Equatable, Sendable {
  /// A counterfactual change.
  public enum Edit: Hashable, Sendable {
    /// Takes away a part and what it carries.
    case remove(Part)
    /// Draws another class's part where it sits in that class's own drawing.
    case add(Part)
    /// Takes away a part and what it carries, and draws another class's part in its place.
    case swap(Part, Part)
  }

  public let seed: UInt64
  public let index: Int
  /// The class of the object drawn, before any edits.
  public let label: SceneClass
  public let difficulty: Difficulty
  public private(set) var edits: [Edit] = []

  /// - Parameters:
  ///   - seed: the seed of all scenes of a set.
  ///   - index: the index among the seed's scenes; not negative.
  ///   - label: the class of the object. Everything but the object is the same for all classes.
  public init(seed: UInt64, index: Int, label: SceneClass) {
    (self.seed, self.index, self.label) = (seed, index, label)
    var dice = Dice(seed: seed, "scenes: difficulty", index: index)
    difficulty = Difficulty(&dice)
  }

  /// The scene without `part` and what it carries.
  ///
  /// - Throws: `PullbackError` if the class has no such part.
  public func removing(_ part: Part) throws -> Scene {
    try check(part)
    return edited(.remove(part))
  }

  /// The scene with another class's part drawn over the object, where it sits in that class's drawing.
  public func adding(_ part: Part) -> Scene { edited(.add(part)) }

  /// The scene with `part` and what it carries replaced by the corresponding part of another class, in the same place.
  ///
  /// - Throws: `PullbackError` if the class has no such part.
  public func swapping(_ part: Part, from other: SceneClass) throws -> Scene {
    try check(part)
    return edited(.swap(part, part.counterpart(in: other)))
  }

  private func check(_ part: Part) throws {
    guard label.parts.contains(part) else {
      throw PullbackError(
        .usage, "\(part)", "the scene shows a \(label.name), whose parts are "
          + label.parts.map(\.name).joined(separator: ", "))
    }
  }

  private func edited(_ edit: Edit) -> Scene {
    var scene = self
    scene.edits.append(edit)
    return scene
  }

  /// Whether edits took `part` away.
  func hides(_ part: Part) -> Bool {
    edits.contains { edit in
      switch edit {
      case .remove(let gone), .swap(let gone, _): gone.withCarried.contains(part)
      case .add: false
      }
    }
  }

  /// The parts the scene shows, unless something hides them: the class's, less those taken away, and those brought in.
  public var parts: [Part] {
    label.parts.filter { !hides($0) }
      + edits.compactMap { edit in
        switch edit {
        case .remove: nil
        case .add(let part), .swap(_, let part): part
        }
      }
  }
}

/// All scenes of one seed, the classes in equal number: ten scenes from a multiple of ten on have each class once.
public struct SceneGenerator: Equatable, Sendable {
  public let seed: UInt64

  public init(seed: UInt64) { self.seed = seed }

  /// - Precondition: `index` is not negative. Scenes repeat after 2^32.
  public func scene(_ index: Int) -> Scene { Scene(seed: seed, index: index, label: label(index)) }

  /// The class of the scene `index`.
  ///
  /// - Precondition: `index` is not negative.
  public func label(_ index: Int) -> SceneClass {
    precondition(index >= 0, "scenes are counted from 0, not from \(index)")
    var dice = Dice(seed: seed, "scenes: labels", index: index / 10)
    var order = SceneClass.allCases
    for i in order.indices.dropFirst().reversed() { order.swapAt(i, dice.whole(0...i)) }
    return order[index % 10]
  }
}

/// The properties that make a scene hard to read, each drawn from the scene's own dice.
public struct Difficulty: Equatable, Sendable {
  /// The object's longer side as a share of the frame, 0.35 to 0.9.
  public let scale: Double
  /// Standard deviation of the sensor's noise, where white less black is 1; 0 to 0.1.
  public let noise: Double
  /// Standard deviation of the blur in ninety-sixths of the frame, 0 to 0.9.
  public let blur: Double
  /// The number of objects lying about.
  public let clutter: Int
  /// The number of objects in front of the object.
  public let occluders: Int

  public enum Grade: String, CaseIterable, Sendable { case easy, medium, hard }

  init(_ dice: inout Dice) {
    scale = dice.number(0.35, 0.9)
    let roughness = dice.number(0, 1)
    noise = 0.1 * roughness * roughness
    blur = dice.chance(0.5) ? dice.number(0.25, 0.9) : 0
    clutter = dice.whole(0...5)
    occluders = dice.chance(0.35) ? dice.whole(1...2) : 0
  }

  /// From 0 to 1, the mean of the five on their ranges.
  public var level: Double {
    ((0.9 - scale) / 0.55 + noise / 0.1 + blur / 0.9 + Double(clutter) / 5 + Double(occluders) / 2) / 5
  }

  /// The level in three steps, of about 30, 50 and 20 % of the scenes.
  public var grade: Grade { level < 0.28 ? .easy : level < 0.5 ? .medium : .hard }
}

typealias Dice = Pullbacks.Dice

extension Dice {
  /// A colour of the given ranges of hue (in turns), saturation and value.
  mutating func tint(
    _ hue: (Double, Double) = (0, 1), _ saturation: (Double, Double) = (0.3, 0.9),
    _ value: (Double, Double) = (0.35, 0.95)
  ) -> Tint {
    Tint(
      hue: number(hue.0, hue.1), saturation: number(saturation.0, saturation.1), value: number(value.0, value.1))
  }
}
