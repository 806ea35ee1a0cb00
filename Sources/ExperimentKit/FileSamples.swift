import Digests
import Failures
import Faithfulness
import Foundation
import Imaging
import Networks
import Pullbacks

/// Labelled image files for a benchmark, loaded one by one.
public struct FileSamples: SampleSource {
  private struct File {
    let path: String
    let name: String
    let target: Int
  }

  public let images: [RunDescription.Image]
  public let description: String
  private let files: [File]
  private let size: Int
  /// Whether the opacity of a file is the mask of its object, shown on mid grey.
  private let areObjects: Bool

  /// Images of a folder laid out as ``ImageFolder`` wants it, spread evenly over it.
  ///
  /// - Parameters:
  ///   - count: how many; nil is all.
  ///   - size: the side of the network's inputs.
  /// - Throws: `PullbackError` if the folder is not so laid out, a file cannot be read, or there are fewer images.
  public init(folder: String, count: Int?, size: Int) throws {
    let entries = try ImageFolder(folder).entries
    let files = entries.map { entry in
      File(path: entry.path, name: String(entry.path.dropFirst(folder.count).drop { $0 == "/" }), target: entry.target)
    }
    try self.init(Self.spread(files, count, of: folder), folder, size: size, areObjects: false)
  }

  /// The photographs of Experiments/imagenet/photographs.csv, each an object on mid grey with its mask.
  ///
  /// - Throws: `PullbackError` of kind `unavailable` if they have not been fetched.
  public init(photographs count: Int?, size: Int) throws {
    let rows = try CSV.rows(at: Cache.packageFolder + "/Experiments/imagenet/photographs.csv")
    let files = try rows.map { row in
      guard let name = row["name"], let target = row["class"].flatMap({ Int($0) }) else {
        throw PullbackError(.data, "Experiments/imagenet/photographs.csv", "expected the columns name and class")
      }
      let path = ImageNetTier.path(ofPhotograph: name)
      try Cache.check(path, madeBy: "make imagenet")
      return File(path: path, name: name, target: target)
    }
    try self.init(Self.spread(files, count, of: "the photographs"), "photographs", size: size, areObjects: true)
  }

  private init(_ files: [File], _ source: String, size: Int, areObjects: Bool) throws {
    self.files = files
    self.size = size
    self.areObjects = areObjects
    images = files.map { RunDescription.Image(name: $0.name, target: $0.target) }
    // The folder's name is left out: the same files elsewhere give the same scores.
    let digests = try files.map { file in
      try InputFile.bytes(of: file.path, limit: 1 << 30).withUnsafeBytes { try sha256($0) }
    }
    let digest = try Array(digests.joined().utf8).withUnsafeBytes { try sha256($0) }
    description = "\(areObjects ? "objects on grey" : "image files"), \(size) pixels, SHA-256 \(digest)"
  }

  private static func spread(_ files: [File], _ count: Int?, of source: String) throws -> [File] {
    guard let count else { return files }
    guard count <= files.count else {
      throw PullbackError(.usage, "--samples \(count)", "there are \(files.count) images in \(source)")
    }
    return (0..<count).map { files[$0 * files.count / count] }
  }

  public func sample(_ index: Int) throws -> Sample {
    let file = files[index]
    let loader = ImageLoader(size: size)
    guard areObjects else {
      return Sample(index: index, name: file.name, image: try loader.image(at: file.path), target: file.target)
    }
    let (image, mask) = try loader.objectOnGray(at: file.path)
    let object = Sample.Part(name: "object", mask: mask, isDiagnostic: false, imageWithout: image.fadedToGray(mask))
    return Sample(
      index: index, name: file.name, image: image, target: file.target, mask: mask, parts: [object])
  }
}

extension Tensor {
  /// One image `(1, C, H, W)` in which the grey of the ground, 128, takes the place of what a mask covers.
  fileprivate func fadedToGray(_ mask: Tensor) -> Tensor {
    let grey: Float = 2 * (128 / 255) - 1
    let coverage = mask.scalars
    var copy = self
    copy.withUnsafeMutableBuffer { values in
      for index in values.indices {
        let share = coverage[index % coverage.count]
        values[index] = (1 - share) * values[index] + share * grey
      }
    }
    return copy
  }
}
