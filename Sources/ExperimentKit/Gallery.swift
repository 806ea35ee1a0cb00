/// The images that an experiment shows, by the tier it is run on.
public struct Gallery: Sendable {
  /// With `--networks imagenet`: names in Experiments/imagenet/photographs.csv.
  public var photographs: [String]
  /// With `--networks paper`: how many of the user's images, the first of each class.
  public var count: Int

  public init(photographs: [String]) {
    self.photographs = photographs
    count = photographs.count
  }
}
