import Failures
import Foundation
import Imaging
import Pullbacks

/// Masks of an image's object and of its parts, in files beside the image's: white where they are, black elsewhere, in
/// the image's own size.
///
/// The mask of the object in `cat.jpg` is `cat-object.png`. If that exists and a list says which files are images,
/// `cat-left-ear.png`, which is not in the list, is the mask of a part. `pullbacks scenes --export` writes these names.
public struct MaskFiles: Equatable, Sendable {
  /// The mask of a part.
  public struct Part: Equatable, Sendable {
    /// The name of the part as in the file's name: `left-ear`.
    public let name: String
    /// The path of the file.
    public let path: String
    /// Whether the class cannot be told without it, as the column `diagnostic parts` of a list of labels says.
    public let isDiagnostic: Bool
  }

  /// The path of the object's mask.
  public let object: String
  /// The parts in the order of their names.
  public let parts: [Part]

  /// All files, for hashes.
  var paths: [String] { [object] + parts.map(\.path) }

  /// The masks among the files of a folder, and their images.
  struct Listing {
    private static let ending = "-object.png"
    /// The files of an image's masks, by the name of the image without its ending.
    private var files: [String: [String]] = [:]
    private let folder: String
    private let images: Set<String>

    /// - Parameter images: the files of the folder that a list names as images; nil without a list, where parts cannot
    ///   be told from other images.
    init(of folder: String, images: Set<String>? = nil) throws {
      self.folder = folder
      self.images = images ?? []
      let names = try namesOfFiles(in: folder)
      for name in names where name.hasSuffix(Self.ending) { files[String(name.dropLast(Self.ending.count))] = [] }
      guard !files.isEmpty, let images else { return }
      for name in names where name.hasSuffix(".png") && !images.contains(name) {
        // If the names of two images begin alike, the mask belongs to the image with the longer name.
        let owner = name.indices.reversed().first { name[$0] == "-" && files[String(name[..<$0])] != nil }
        if let owner { files[String(name[..<owner])]?.append(name) }
      }
    }

    /// The masks of an image of this folder; nil where it has none.
    ///
    /// - Parameter diagnostic: names of parts, with semicolons between.
    func masks(of image: String, diagnostic: String = "") -> MaskFiles? {
      let stem = (image as NSString).deletingPathExtension
      guard let names = files[stem] else { return nil }
      let diagnostic = diagnostic.split(separator: ";").map { String($0).replacing(" ", with: "-") }
      let parts = names.filter { $0 != stem + Self.ending }.map { file in
        let name = String(file.dropFirst(stem.count + 1).dropLast(".png".count))
        return Part(name: name, path: "\(folder)/\(file)", isDiagnostic: diagnostic.contains(name))
      }
      return MaskFiles(object: "\(folder)/\(stem)\(Self.ending)", parts: parts)
    }

    /// The pictures among these that are masks of others, and in no list.
    func masks(among pictures: [String]) -> Set<String> {
      let stems = Set(pictures.map { ($0 as NSString).deletingPathExtension })
      let masks = files.filter { stems.contains($0.key) }.flatMap { [$0.key + Self.ending] + $0.value }
      return Set(masks).subtracting(images)
    }
  }
}

extension MaskFiles {
  /// The masks, framed as their image is.
  ///
  /// - Parameters:
  ///   - photograph: the image.
  ///   - loader: the network's preprocessing.
  /// - Returns: the object's mask, `(1, 1, H, W)` in `[0, 1]`, and the parts with their masks.
  /// - Throws: `PullbackError` if a file cannot be read, or is of another size than the image.
  func read(
    beside photograph: Photograph, _ loader: ImageLoader
  ) throws -> (object: Tensor, parts: [(part: Part, mask: Tensor)]) {
    func mask(_ path: String) throws -> Tensor {
      let mask = try Photograph(contentsOf: path)
      let (found, expected) = (mask.picture, photograph.picture)
      guard found.width == expected.width, found.height == expected.height else {
        throw PullbackError(
          .data, path,
          "expected a mask of \(expected.width) x \(expected.height) pixels, as its image has, found \(found.width) x "
            + "\(found.height)")
      }
      return loader.mask(of: mask)
    }
    return (try mask(object), try parts.map { ($0, try mask($0.path)) })
  }
}
