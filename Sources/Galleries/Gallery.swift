import Scenes
import Subjects
import Training

/// The images that an experiment shows, by the tier it is run on.
public struct Gallery: Sendable {
  /// The names of ``Tier/imagenet``'s photographs, of both kinds.
  public var photographs: [String]
  /// The number of the user's images for ``Tier/paper``, the first of each class.
  public var count: Int
  /// The numbers of held-out scenes for ``Tier/scenes``.
  public var scenes: [Int]

  /// - Parameter scenes: nil takes as many as photographs, the first ones that are easy to read.
  public init(photographs: [String], scenes: [Int]? = nil) {
    self.photographs = photographs
    self.scenes = scenes ?? SceneSamples.clearScenes(photographs.count)
    count = photographs.count
  }
}

extension Tier.Choice {
  /// The few images that an experiment shows.
  public static func shown(_ gallery: Gallery) -> Tier.Choice {
    let seed = SceneGenerator.heldOut.seed
    return Tier.Choice(
      .shown(photographs: gallery.photographs, count: gallery.count),
      sceneCredit: "Scenes \(gallery.scenes.map(String.init).joined(separator: ", ")) of seed \(seed)."
    ) { SceneSamples(gallery.scenes, size: $0, withParts: false) }
  }

  /// This many images, spread evenly over all; nil is all of them, or 100 scenes. Of photographs the cut-out ones, which
  /// have masks.
  public static func spread(_ count: Int?) -> Tier.Choice {
    Tier.Choice(.spread(count)) { SceneSamples(0..<(count ?? 100), size: $0) }
  }

  /// The same of ``Subjects/Tier/scenes``; of photographs all in context, after as many cut-out ones, spread evenly, as
  /// make this many; nil is all.
  public static func mixed(_ count: Int?) -> Tier.Choice {
    Tier.Choice(.mixed(count)) { SceneSamples(0..<(count ?? 100), size: $0) }
  }
}
