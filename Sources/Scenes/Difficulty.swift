/// What makes a scene hard to read, each drawn from the scene's own dice.
public struct Difficulty: Equatable, Sendable {
  /// The object's longer side as a share of the frame, 0.35 to 0.9.
  public let scale: Double
  /// Standard deviation of the sensor's noise, where white less black is 1; 0 to 0.1.
  public let noise: Double
  /// Standard deviation of the blur in ninety-sixths of the frame, 0 to 0.9.
  public let blur: Double
  /// How many things lie about.
  public let clutter: Int
  /// How many things stand before the object.
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
