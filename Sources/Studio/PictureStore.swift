import Digests
import Failures
import Foundation
import Galleries
import Imaging
import Kernels
import Scenes
import Subjects
import Training

/// A picture that explanations can be asked of.
struct StoredPicture: Sendable {
  let id: String
  /// The name of its file.
  let name: String
  /// The bytes of its file.
  let bytes: [UInt8]
}

/// The pictures of the studio: samples, and those that its page has sent, the newest of them.
final class PictureStore: Sendable {
  /// A picture that comes with the package or was fetched.
  struct Sample: Sendable, Encodable {
    let id, name: String
    /// The name of its class.
    let label: String
    /// The networks that know such pictures.
    let family: OfferedNetwork.Family
    /// The picture's author.
    let credit: String
  }

  let samples: [Sample]
  private let limits: StudioLimits
  private let photographs: [String: String]
  private let scenes: [String: Int]
  /// The one that was used last is the last.
  private let kept = Locked<[StoredPicture]>([])
  private let drawn = Locked<[String: StoredPicture]>([:])

  /// The number of scenes among the samples.
  private static let sceneCount = 8

  init(_ limits: StudioLimits, classNames: [String]) {
    self.limits = limits
    var scenes: [String: Int] = [:]
    var samples = SceneSamples.clearScenes(Self.sceneCount).map { index in
      scenes["scene-\(index)"] = index
      return Sample(
        id: "scene-\(index)", name: "scene-\(index).png", label: SceneGenerator.heldOut.label(index).name,
        family: .scenes, credit: "scene \(index) of seed \(SceneGenerator.heldOut.seed), drawn by this package")
    }
    var photographs: [String: String] = [:]
    // Those of objects in their surroundings first, then those that are cut out.
    let fetched =
      ImageNetTier.contexts.map { ("photo-\($0.name)", $0) }
      + ImageNetTier.photographs.map { ("object-\($0.name)", $0) }
    for (id, file) in fetched where FileManager.default.fileExists(atPath: file.path) {
      photographs[id] = file.path
      samples.append(
        Sample(
          id: id, name: (file.path as NSString).lastPathComponent,
          label: classNames.indices.contains(file.target) ? classNames[file.target] : file.name, family: .photographs,
          credit: ImageNetTier.credit(of: [file.name])))
    }
    (self.samples, self.scenes, self.photographs) = (samples, scenes, photographs)
  }

  /// Takes a picture in.
  ///
  /// - Parameters:
  ///   - bytes: the bytes of its file.
  ///   - name: the name of its file, as the page says.
  /// - Throws: `PullbackError` if it is none that can be read, or too large.
  func add(_ bytes: [UInt8], named name: String) throws -> (picture: StoredPicture, width: Int, height: Int) {
    let name = Self.fileName(name)
    let shown = try Photograph(decoding: bytes, name: name, pixels: limits.pixels).picture
    let id = "picture-" + (try bytes.withUnsafeBytes { try sha256($0) }).prefix(20)
    let picture = StoredPicture(id: id, name: name, bytes: bytes)
    kept.withLock { kept in
      kept.removeAll { $0.id == id }
      kept.append(picture)
      while kept.count > limits.pictures || kept.reduce(0, { $0 + $1.bytes.count }) > limits.keptBytes {
        kept.removeFirst()
      }
    }
    return (picture, shown.width, shown.height)
  }

  /// - Throws: `PullbackError` of kind `noInput` if there is no such picture.
  func picture(_ id: String) throws -> StoredPicture {
    if let index = scenes[id] {
      if let known = drawn.withLock({ $0[id] }) { return known }
      let bytes = try SceneRenderer(size: 96).picture(SceneGenerator.heldOut.scene(index)).pngBytes()
      let picture = StoredPicture(id: id, name: "\(id).png", bytes: bytes)
      drawn.withLock { $0[id] = picture }
      return picture
    }
    if let path = photographs[id] {
      return StoredPicture(
        id: id, name: (path as NSString).lastPathComponent,
        bytes: try InputFile.bytes(of: path, limit: limits.pictureBytes))
    }
    let found = kept.withLock { kept -> StoredPicture? in
      guard let place = kept.firstIndex(where: { $0.id == id }) else { return nil }
      kept.append(kept.remove(at: place))
      return kept.last
    }
    guard let found else {
      throw PullbackError(.noInput, "picture", "is no longer kept", advice: "give it again")
    }
    return found
  }

  /// A small PNG of a picture, for lists.
  func thumbnail(_ id: String) throws -> [UInt8] {
    let picture = try picture(id)
    let photograph = try Photograph(decoding: picture.bytes, name: picture.name, pixels: limits.pixels)
    return try ImageLoader(size: 96, framing: .release).picture(of: photograph).pngBytes()
  }

  /// The last part of a name, as long as names of files may be, without what a terminal or a shell could take for
  /// something else. Joiners stay: Persian words and emoji are written with them.
  private static func fileName(_ text: String) -> String {
    let last = text.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? ""
    let shown = last.unicodeScalars.filter {
      ["\u{200C}", "\u{200D}"].contains($0) || ![.control, .format].contains($0.properties.generalCategory)
    }
    let plain = String(String.UnicodeScalarView(shown).prefix(255))
    return plain.isEmpty || plain.allSatisfy({ $0 == "." }) ? "picture.png" : plain
  }
}
