import Foundation
import Imaging
import Networks
import Pullbacks

/// What `make imagenet` fetches: EfficientNet-Lite0 with its checkpoint, and photographs of single objects with masks.
public enum ImageNetTier {
  /// The folder of fetched files: `$PULLBACKS_CACHE`, or `.cache` in the package's own folder.
  static var folder: String {
    let cache = ProcessInfo.processInfo.environment["PULLBACKS_CACHE"] ?? packageFolder + "/.cache"
    return cache + "/imagenet"
  }

  private static let packageFolder: String = {
    var url = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { url.deleteLastPathComponent() }
    return url.path
  }()

  public static let architecture = "efficientnet-lite0"

  /// Where the checkpoint lies once it is fetched.
  public static var checkpointPath: String { folder + "/efficientnet-lite0-57934424.pth" }

  /// Whether `make imagenet` has been run.
  public static var isFetched: Bool {
    FileManager.default.fileExists(atPath: checkpointPath)
      && FileManager.default.fileExists(atPath: folder + "/photographs/zebra.png")
  }

  /// EfficientNet-Lite0 with its ImageNet parameters.
  ///
  /// - Throws: ``PullbackError`` of kind `unavailable` if they have not been fetched.
  public static func network() throws -> Network {
    try checkFetched(checkpointPath)
    return try Network(.named(architecture), checkpoint: Checkpoint(contentsOf: checkpointPath))
  }

  /// One photograph of a single object, on a mid-grey square.
  public struct Photograph: Sendable {
    public let name: String
    /// Its ImageNet class, given by hand.
    public let target: Int
    /// `(1, 3, H, W)` in `[-1, 1]`.
    public let image: Tensor
    /// `(1, 1, H, W)`, 1 on the object and 0 off it.
    public let mask: Tensor
  }

  /// Who made the photographs, for a figure's credit line.
  public static let credit =
    "Photographs: Tux Paint stamps, © 2002–2022 Bill Kendrick and contributors, GPL 2."

  /// The photographs called `names` in Experiments/imagenet/photographs.csv, in that order.
  ///
  /// - Throws: ``PullbackError`` of kind `unavailable` if they have not been fetched.
  public static func photographs(_ names: [String], size: Int = 224) throws -> [Photograph] {
    let list = packageFolder + "/Experiments/imagenet/photographs.csv"
    guard let text = try? String(contentsOfFile: list, encoding: .utf8) else {
      throw PullbackError(.noInput, list, "cannot be read")
    }
    let rows = text.split(separator: "\n").dropFirst().map { $0.split(separator: ",") }
    return try names.map { name in
      guard let row = rows.first(where: { $0[0] == name }), let target = Int(row[1]) else {
        throw PullbackError(.usage, "photograph \(name)", "is not listed in \(list)")
      }
      let path = "\(folder)/photographs/\(name).png"
      try checkFetched(path)
      let (image, mask) = try ImageLoader(size: size).objectOnGray(at: path)
      return Photograph(name: name, target: target, image: image, mask: mask)
    }
  }

  private static func checkFetched(_ path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else {
      throw PullbackError(.unavailable, path, "has not been fetched yet", advice: "run make imagenet")
    }
  }
}
