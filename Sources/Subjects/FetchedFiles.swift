import Checkpoints
import Digests
import Failures
import Foundation

/// Files that are no part of the package and are fetched once.
public enum FetchedFiles {
  /// The folder of all of them: `$PULLBACKS_CACHE`; or `.cache` in the package's own folder, and of an installed
  /// program `semantic-pullbacks` in `$XDG_CACHE_HOME`, which is `~/.cache` if it is not set.
  public static var folder: String {
    let environment = ProcessInfo.processInfo.environment
    if let named = environment["PULLBACKS_CACHE"] { return named }
    if let packageFolder { return packageFolder + "/.cache" }
    let caches = environment["XDG_CACHE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    return (caches ?? (environment["HOME"] ?? NSHomeDirectory()) + "/.cache") + "/semantic-pullbacks"
  }

  /// The package's folder: the one with a `Package.swift` above the running program, which lies in `.build`, or above
  /// the current folder; the current folder where neither has one. Nil of an installed program: where it is run says
  /// nothing about it.
  public static let packageFolder: String? = {
    guard Installation.share == nil else { return nil }
    let here = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
    for start in [Installation.folderOfProgram, here] {
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

  /// The command that fetches files of one kind.
  ///
  /// - Parameter name: `imagenet`, `text` or `paper-weights`.
  public static func command(for name: String) -> String {
    Installation.share == nil ? "make \(name)" : "pullbacks fetch \(name)"
  }

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

/// EfficientNet-Lite0, 1 and 2 with their checkpoints, and photographs: objects cut out of theirs, with masks, and
/// objects in their surroundings.
public enum ImageNetTier {
  /// One of the networks; the raw value is the architecture's name.
  public enum Model: String, CaseIterable, Sendable {
    case lite0 = "efficientnet-lite0"
    case lite1 = "efficientnet-lite1"
    case lite2 = "efficientnet-lite2"

    /// The name for people.
    public var title: String { "EfficientNet-Lite\(rawValue.suffix(1))" }

    /// The path of the fetched checkpoint.
    public var checkpointPath: String {
      "\(Tier.imagenet.folder)/\(rawValue)-\(checkpointSHA256.prefix(8)).pth"
    }

    /// The checkpoint's SHA-256.
    public var checkpointSHA256: String {
      switch self {
      case .lite0: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
      case .lite1: "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"
      case .lite2: "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
      }
    }
  }

  /// The name of the first network's architecture, which figures of a single network show.
  public static let architecture = Model.lite0.rawValue

  /// The path of the first network's fetched checkpoint.
  public static var checkpointPath: String { Model.lite0.checkpointPath }

  /// The first network's SHA-256.
  public static var checkpointSHA256: String { Model.lite0.checkpointSHA256 }

  /// Whether checkpoints and photographs have been fetched.
  public static var isFetched: Bool {
    (Model.allCases.map(\.checkpointPath) + [photographs, contexts].map { $0.last!.path })
      .allSatisfy(FileManager.default.fileExists(atPath:))
  }

  /// Checks that everything was fetched and nothing has changed since.
  ///
  /// - Throws: `PullbackError` of kind `unavailable` that names the first file that is missing or not as it was.
  public static func check() throws {
    let files =
      Model.allCases.map { ($0.checkpointPath, $0.checkpointSHA256) }
      + (cutOuts + inContext).map {
        ($0.file.path, $0.sha256)
      }
    for (path, digest) in files {
      try FetchedFiles.check(path)
      guard try sha256(ofFileAt: path) == digest else {
        throw PullbackError(.unavailable, path, "is not the file that was fetched")
      }
    }
  }

  /// All cut-out photographs, each an object with its opacity.
  public static var photographs: [LabelledFile] { cutOuts.map(\.file) }

  /// All photographs of objects in their surroundings.
  public static var contexts: [LabelledFile] { inContext.map(\.file) }

  /// The path of a fetched cut-out photograph.
  public static func path(ofPhotograph name: String) -> String { "\(Tier.imagenet.folder)/photographs/\(name).png" }

  /// The authors of the photographs, in the order of ``contexts``: `Chelsea: Stéfan van der Walt, CC0`.
  public static func credit(of names: [String]) -> String {
    var credits: [String] = []
    if names.contains(where: { name in cutOuts.contains { $0.file.name == name } }) {
      credits.append("Tux Paint stamps, © 2002–2022 Bill Kendrick and contributors, GPL 2")
    }
    credits += inContext.filter { names.contains($0.file.name) }.map(\.credit)
    return credits.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }.joined(separator: "; ")
  }

  /// A file of a list that the script that fetches them reads too.
  private struct Listed {
    let file: LabelledFile
    let sha256: String
    var credit = ""
  }

  /// `photographs.csv`.
  private static let cutOuts: [Listed] = rows(PackageResources.photographs_csv).map { row in
    Listed(
      file: LabelledFile(
        path: path(ofPhotograph: row["name"]!), name: row["name"]!, target: Int(row["class"]!)!,
        framing: .objectOnGray),
      sha256: row["sha256"]!)
  }

  /// `contexts.csv`.
  private static let inContext: [Listed] = rows(PackageResources.contexts_csv).map { row in
    let ending = (row["file"]! as NSString).pathExtension
    return Listed(
      file: LabelledFile(
        path: "\(Tier.imagenet.folder)/context/\(row["name"]!).\(ending)", name: row["name"]!,
        target: Int(row["class"]!)!),
      sha256: row["sha256"]!, credit: "\(row["credit"]!), \(row["licence"]!)")
  }

  private static func rows(_ bytes: [UInt8]) -> [[String: String]] {
    // The list is part of the program, and a test reads it.
    try! CSV.rows(of: String(decoding: bytes, as: UTF8.self), "a list of the package")
  }
}

/// The paper's own networks, with the official ImageNet checkpoints.
public enum PaperTier {
  /// One of the three networks; the raw value is the architecture's name.
  public enum Model: String, CaseIterable, Sendable {
    case resnet50
    case vgg11BN = "vgg11_bn"
    case pvtV2B1 = "pvt_v2_b1"
    case denseNet121 = "densenet121"

    /// Those that the paper scores; DenseNet-121 it only shows.
    static let scored: [Model] = [.resnet50, .vgg11BN, .pvtV2B1]

    /// The path of the fetched checkpoint.
    public var checkpointPath: String {
      let file =
        switch self {
        case .resnet50: "resnet50-0676ba61.pth"
        case .vgg11BN: "vgg11_bn-6002323d.pth"
        case .pvtV2B1: "pvt_v2_b1.safetensors"
        case .denseNet121: "densenet121-a639ec97.pth"
        }
      return Tier.paper.folder + "/" + file
    }

    /// The name for people.
    public var title: String {
      switch self {
      case .resnet50: "ResNet-50"
      case .vgg11BN: "VGG11-BN"
      case .pvtV2B1: "PVT-v2-B1"
      case .denseNet121: "DenseNet-121"
      }
    }
  }

  /// Checks that the weights of every network were fetched.
  public static func check() throws { for model in Model.allCases { try FetchedFiles.check(model.checkpointPath) } }
}
