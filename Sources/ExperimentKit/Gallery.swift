/// The images that an experiment shows, by the tier it is run on.
public struct Gallery: Sendable {
  /// With `--networks imagenet`: names in Experiments/imagenet/photographs.csv.
  public var photographs: [String]
  /// With `--networks paper`: how many of the user's images, the first of each class.
  public var count: Int
  /// With `--networks scenes`: numbers of held-out scenes.
  public var scenes: [Int]

  /// - Parameter scenes: nil takes as many as photographs, the first ones that are easy to read.
  public init(photographs: [String], scenes: [Int]? = nil) {
    self.photographs = photographs
    self.scenes = scenes ?? ScenesTier.clearScenes(photographs.count)
    count = photographs.count
  }
}
