import Checkpoints
import Digests
import Failures
import Foundation

/// Files that are no part of the package and are fetched once.
public enum FetchedFiles {
  /// The folder of all of them: `$PULLBACKS_CACHE`, or `.cache` in the package's own folder.
  public static var folder: String {
    ProcessInfo.processInfo.environment["PULLBACKS_CACHE"] ?? packageFolder + "/.cache"
  }

  /// The package's folder: the one with a `Package.swift` above the running program, which lies in `.build`, or above
  /// the current folder; the current folder where neither has one.
  public static let packageFolder: String = {
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    let here = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
    for start in [program, here] {
      var folder = start
      while folder.path != "/" {
        if FileManager.default.fileExists(atPath: folder.appendingPathComponent("Package.swift").path) {
          return folder.path
        }
        folder.deleteLastPathComponent()
      }
    }
    return here.path
  }()

  /// - Throws: `PullbackError` of kind `unavailable` if there is no file at `path`.
  static func check(_ path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else {
      throw PullbackError(.unavailable, path, "has not been fetched yet")
    }
  }

  static func checkpoint(_ path: String) throws -> Checkpoint {
    try check(path)
    return try Checkpoint(contentsOf: path)
  }
}

/// EfficientNet-Lite0 with its checkpoint, and photographs of single objects with masks.
public enum ImageNetTier {
  /// The name of the network's architecture.
  public static let architecture = "efficientnet-lite0"

  /// Where the checkpoint lies once it is fetched.
  public static var checkpointPath: String { Tier.imagenet.folder + "/efficientnet-lite0-57934424.pth" }

  /// The checkpoint's SHA-256.
  public static let checkpointSHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

  /// Whether checkpoint and photographs have been fetched.
  public static var isFetched: Bool {
    [checkpointPath, path(ofPhotograph: "zebra")].allSatisfy(FileManager.default.fileExists(atPath:))
  }

  /// Checks that everything was fetched and nothing has changed since.
  ///
  /// - Throws: `PullbackError` of kind `unavailable` that names the first file that is missing or not as it was.
  public static func check() throws {
    let files = listed.map { (path(ofPhotograph: $0.name), $0.sha256) }
    for (path, digest) in [(checkpointPath, checkpointSHA256)] + files {
      try FetchedFiles.check(path)
      guard try sha256(ofFileAt: path) == digest else {
        throw PullbackError(.unavailable, path, "is not the file that was fetched")
      }
    }
  }

  /// All photographs, each an object with its opacity.
  public static var photographs: [LabelledFile] {
    listed.map { LabelledFile(path: path(ofPhotograph: $0.name), name: $0.name, target: $0.target) }
  }

  /// Where a photograph lies once it is fetched.
  public static func path(ofPhotograph name: String) -> String { Tier.imagenet.folder + "/photographs/\(name).png" }

  /// `photographs.csv`, which the script that fetches them reads too.
  private static let listed: [(name: String, target: Int, sha256: String)] = {
    let text = String(decoding: PackageResources.photographs_csv, as: UTF8.self)
    return text.split(separator: "\n").dropFirst().map { line in
      let fields = line.split(separator: ",")
      return (String(fields[0]), Int(fields[1])!, String(fields[3]))
    }
  }()
}

/// The paper's own networks, with the official ImageNet checkpoints.
public enum PaperTier {
  /// One of the three networks; the raw value is the architecture's name.
  public enum Model: String, CaseIterable, Sendable {
    case resnet50
    case vgg11BN = "vgg11_bn"
    case pvtV2B1 = "pvt_v2_b1"

    /// Where the checkpoint lies once it is fetched.
    public var checkpointPath: String {
      let file =
        switch self {
        case .resnet50: "resnet50-0676ba61.pth"
        case .vgg11BN: "vgg11_bn-6002323d.pth"
        case .pvtV2B1: "pvt_v2_b1.safetensors"
        }
      return Tier.paper.folder + "/" + file
    }

    /// The name for people.
    public var title: String {
      switch self {
      case .resnet50: "ResNet-50"
      case .vgg11BN: "VGG11-BN"
      case .pvtV2B1: "PVT-v2-B1"
      }
    }
  }

  /// Checks that the weights of every network were fetched.
  public static func check() throws { for model in Model.allCases { try FetchedFiles.check(model.checkpointPath) } }
}
