import Checkpoints
import Digests
import Foundation
import Imaging
import Networks
import Pullbacks

/// What `make imagenet` fetches: EfficientNet-Lite0 with its checkpoint, and photographs of single objects with masks.
public enum ImageNetTier {
  public static let architecture = "efficientnet-lite0"

  /// Where the checkpoint lies once it is fetched.
  public static var checkpointPath: String { Cache.folder + "/imagenet/efficientnet-lite0-57934424.pth" }

  /// Whether `make imagenet` has been run.
  public static var isFetched: Bool {
    Cache.has(checkpointPath) && Cache.has(path(ofPhotograph: "zebra"))
  }

  /// The checkpoint's SHA-256.
  public static let checkpointSHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

  /// Checks that everything was fetched and nothing has changed since.
  ///
  /// - Throws: `PullbackError` of kind `unavailable` that names the first file that is missing or not as it was.
  static func check() throws {
    let photographs = try listed().map { (path(ofPhotograph: $0["name"] ?? ""), $0["sha256"] ?? "") }
    for (path, digest) in [(checkpointPath, checkpointSHA256)] + photographs {
      try Cache.check(path, madeBy: "make imagenet")
      guard try sha256(ofFileAt: path) == digest else {
        throw PullbackError(.unavailable, path, "is not the file that was fetched", advice: "run make imagenet")
      }
    }
  }

  /// EfficientNet-Lite0 with its ImageNet parameters.
  ///
  /// - Throws: `PullbackError` of kind `unavailable` if they have not been fetched.
  public static func network() throws -> Network {
    try Cache.check(checkpointPath, madeBy: "make imagenet")
    return try Network(.named(architecture), checkpoint: Checkpoint(contentsOf: checkpointPath))
  }

  /// The network and the photographs called `names`.
  public static func subject(_ names: [String]) throws -> Subject {
    try Cache.check(checkpointPath, madeBy: "make imagenet")
    return try Subject(
      "EfficientNet-Lite0", .named(architecture), Checkpoint(contentsOf: checkpointPath),
      classNames: ImageNetClasses.all.map(\.name),
      credit: "Photographs: Tux Paint stamps, © 2002–2022 Bill Kendrick and contributors, GPL 2."
    ) { try photographs(names, size: $0) }
  }

  /// The names of all photographs.
  public static var photographNames: [String] { get throws { try listed().compactMap { $0["name"] } } }

  private static func listed() throws -> [[String: String]] {
    try CSV.rows(at: Cache.packageFolder + "/Experiments/imagenet/photographs.csv")
  }

  /// The photographs called `names` in Experiments/imagenet/photographs.csv, in that order, each on a mid-grey square.
  ///
  /// - Throws: `PullbackError` of kind `unavailable` if they have not been fetched.
  public static func photographs(_ names: [String], size: Int = 224) throws -> [LabelledImage] {
    let rows = try listed()
    return try names.map { name in
      guard let row = rows.first(where: { $0["name"] == name }), let target = row["class"].flatMap({ Int($0) }) else {
        throw PullbackError(.usage, "photograph \(name)", "is not listed in Experiments/imagenet/photographs.csv")
      }
      let path = path(ofPhotograph: name)
      try Cache.check(path, madeBy: "make imagenet")
      let (image, mask) = try ImageLoader(size: size).objectOnGray(at: path)
      return LabelledImage(
        name: name, target: target, className: ImageNetClasses.all[target].name, image: image, mask: mask)
    }
  }

  /// Where a photograph lies once it is fetched.
  public static func path(ofPhotograph name: String) -> String { Cache.folder + "/imagenet/photographs/\(name).png" }
}
