import Checkpoints
import Failures
import Foundation
import Imaging
import Kernels
import Pullbacks

/// The values that an array of images is written in.
public enum ArrayRange: String, CaseIterable, Sendable {
  /// `[-1, 1]`, those of networks' inputs.
  case signed
  /// `[0, 1]`, taken to `2 x - 1`.
  case unit
  /// `[0, 255]`, taken to `2 x / 255 - 1`.
  case byte
  /// Any, taken as they are.
  case any

  /// The least and the largest value; nil where there are none.
  var bounds: ClosedRange<Float>? {
    switch self {
    case .signed: -1...1
    case .unit: 0...1
    case .byte: 0...255
    case .any: nil
    }
  }

  /// An array as input of a network.
  ///
  /// - Parameter name: the name of its file, for the message.
  /// - Throws: `PullbackError` if a value is not finite, or outside by more than rounding, a thousandth of the range's
  ///   half, which is more than float16 rounds by.
  public func inputs(_ array: Tensor, named name: String) throws -> Tensor {
    if let index = Checkpoint.firstNonFinite(in: array) {
      throw PullbackError(.data, name, "holds \(array.scalars[index]) at index \(index), expected finite numbers")
    }
    guard let bounds else { return array }
    let (middle, half) = ((bounds.lowerBound + bounds.upperBound) / 2, (bounds.upperBound - bounds.lowerBound) / 2)
    let (least, most) = array.extremes
    guard least >= bounds.lowerBound - half / 1000, most <= bounds.upperBound + half / 1000 else {
      // A little beyond 1 is an image that overshoots, and no bytes.
      let byte = least >= 0 && most > 16 && most <= 255 ? "--range byte if 255 is white; " : ""
      throw PullbackError(
        .data, name,
        "holds values from \(least) to \(most), expected \(bounds.lowerBound) to \(bounds.upperBound)",
        advice: "\(byte)--range any takes them as they are")
    }
    return self == .signed ? array : (1 / half) * (array - Tensor(shape: array.shape, repeating: middle))
  }
}

extension Tensor {
  /// The least and the largest value; 0 where there are none.
  fileprivate var extremes: (least: Float, most: Float) {
    withUnsafeBuffer { values in
      guard let first = values.first else { return (0, 0) }
      return values.reduce((first, first)) { (min($0.0, $1), max($0.1, $1)) }
    }
  }
}

/// The content of a file of inputs. Standard input and pipes, which can be read only once, are read by it.
public enum InputContent: Sendable {
  /// A folder, whose pictures are read later.
  case folder(String)
  case picture(Photograph, path: String)
  case array(Tensor, path: String)

  /// - Parameter path: a picture, a folder, or an `.npy` of float32 or integers; `-` is one of these on standard input,
  ///   and so is a pipe.
  /// - Throws: `PullbackError` if it cannot be read.
  public init(_ path: String) throws {
    if path != "-" && isFolder(path) {
      self = .folder(path)
      return
    }
    let file = try InputFile(path, pipes: true)
    if try NPY.isArray(file) || path.lowercased().hasSuffix(".npy") {
      self = .array(try NPY.readNumbers(file), path: file.path)
    } else {
      self = .picture(try Photograph(reading: file), path: path)
    }
  }

  var path: String {
    switch self {
    case .folder(let path), .picture(_, let path), .array(_, let path): path
    }
  }

  var isArray: Bool { if case .array = self { true } else { false } }
}

/// Images of no known class, one or many, read when they are asked for: a folder need not fit into memory. The masks
/// that lie beside a folder's images, see ``MaskFiles``, are none of them.
///
/// A picture is decoded once as long as all decoded ones take no more than ``keptBytes``.
public struct InputImages: Sendable {
  /// The name of each image in messages and records.
  public private(set) var names: [String]
  /// The file that each image comes from; images of one array share theirs.
  public private(set) var files: [String]
  /// The shape of one image, `(C, H, W)` for pictures and the shape of the network's input for arrays.
  public let shape: [Int]
  /// Whether they were pictures, and not an array.
  public let arePictures: Bool
  /// Whether they are the files of a folder.
  public let areOfFolder: Bool
  /// A remark about the images; nil if there is none.
  public private(set) var remark: String?
  private let source: Source
  private let decoded = Locked<[String: Tensor]>([:])

  private enum Source {
    /// - Parameter picture: the picture that the array was made of.
    case array(Tensor, picture: Picture?)
    case files(ImageLoader)
  }

  /// The memory that decoded pictures of a folder may take, in bytes: some 400 of 3 x 224 x 224 values.
  public static let keptBytes = 1 << 28

  public var count: Int { names.count }

  /// - Parameters:
  ///   - path: a picture, a folder of them, or an `.npy` of float32 with the shape of one input or of several; `-` is
  ///     one of these on standard input, and so is a pipe.
  ///   - shape: the shape of one input of the network.
  ///   - framing: the part of pictures that is shown.
  ///   - range: the range of an array's values.
  /// - Throws: `PullbackError` if `path` is no image, array or folder of images, the network takes no pictures, or an
  ///   array's values are out of range.
  public init(
    _ path: String, shape: [Int], framing: ImageLoader.Framing = .release, range: ArrayRange = .signed
  ) throws {
    try self.init(InputContent(path), shape: shape, framing: framing, range: range)
  }

  /// - Parameters:
  ///   - content: a picture, a folder of them, or an array with the shape of one input or of several.
  ///   - shape: the shape of one input of the network.
  ///   - framing: the part of pictures that is shown.
  ///   - range: the range of an array's values.
  /// - Throws: as ``init(_:shape:framing:range:)``.
  public init(
    _ content: InputContent, shape: [Int], framing: ImageLoader.Framing = .release, range: ArrayRange = .signed
  ) throws {
    self.shape = shape
    if case .folder(let path) = content {
      areOfFolder = true
      let all = try Self.pictures(in: path)
      let masks = try MaskFiles.Listing(of: path, images: LabelledFile.listed(in: path)).masks(among: all)
      let found = all.filter { !masks.contains($0) }
      if let mask = masks.min() {
        remark =
          "\(path): skipped \(masks.count) mask \(masks.count == 1 ? "file" : "files") of images, for example \(mask)"
      }
      guard !found.isEmpty else {
        throw PullbackError(.noInput, path, "the folder holds no PNG, JPEG or WebP files")
      }
      names = found.map(PathText.shown)
      files = found.map { "\(path)/\($0)" }
      arePictures = true
      source = .files(try ImageLoader(inputShape: shape, framing: framing))
    } else {
      let path = content.path
      areOfFolder = false
      let (array, isPicture) = try Self.array(of: content, shape, framing, range)
      var picture: Picture?
      if case .picture(let photograph, _) = content { picture = photograph.picture }
      // Standard input and pipes have no name of their own.
      let isNamedFile = isPicture && path != "-" && !path.hasPrefix("/dev/")
      names =
        isNamedFile
        ? [PathText.shown((path as NSString).lastPathComponent)] : (0..<array.shape[0]).map { "image \($0)" }
      files = names.map { _ in path }
      arePictures = isPicture
      source = .array(array, picture: picture)
      let (least, most) = array.extremes
      if !isPicture, range == .signed, least >= 0, most > 0.5 {
        remark =
          "\(path): all values are from 0 to 1, where -1 is black; if 0 is black, say --range unit"
      }
    }
  }

  /// The files of a folder that are pictures, by the ends of their names or, where these tell nothing, by their first
  /// bytes. Pictures of formats that are not read are among them: they are refused by name and not passed over.
  static func pictures(in folder: String) throws -> [String] {
    try namesOfFiles(in: folder).filter { name in
      guard !name.hasPrefix(".") else { return false }
      let ending = (name as NSString).pathExtension.lowercased()
      if Photograph.fileNameEndings.contains(ending) { return true }
      return Photograph.isReadable(fileAt: "\(folder)/\(name)")
    }
  }

  /// The images of a folder that can be read; each is decoded now. Any other input was read before.
  ///
  /// - Parameter unreadable: the list in which unreadable images are noted.
  /// - Throws: `PullbackError` if none can be read.
  public func readable(_ unreadable: UnreadableFiles) throws -> InputImages {
    guard areOfFolder, case .files(let loader) = source else { return self }
    let kept = try (0..<count).filter { index in try unreadable.reading { try picture(index, loader) } != nil }
    guard !kept.isEmpty else { throw unreadable.failure(of: count)! }
    var copy = self
    (copy.names, copy.files) = (kept.map { names[$0] }, kept.map { files[$0] })
    return copy
  }

  /// Images `range` as a batch.
  ///
  /// - Throws: `PullbackError` if one cannot be read.
  public func callAsFunction(_ range: Range<Int>) throws -> Tensor {
    switch source {
    case .array(let array, _): return array.images(range)
    case .files(let loader): return Tensor(batching: try range.map { try picture($0, loader) })
    }
  }

  private func picture(_ index: Int, _ loader: ImageLoader) throws -> Tensor {
    let file = files[index]
    if let image = decoded.withLock({ $0[file] }) { return image }
    let image = try loader.image(at: file)
    decoded.withLock { if ($0.count + 1) * image.count * 4 <= Self.keptBytes { $0[file] = image } }
    return image
  }

  /// Throws unless a mask of places of the output, if it is a picture, has the size of every picture: both are framed
  /// alike.
  ///
  /// - Parameter path: the file of the mask.
  /// - Throws: `PullbackError` of kind `data` if the mask is of another size. Arrays have none to compare with, nor have
  ///   files that cannot be read.
  public func checkSize(ofMask path: String) throws {
    guard case .picture(let mask, _) = try InputContent(path) else { return }
    func check(_ picture: Picture, _ name: String) throws {
      let found = mask.picture
      guard (found.width, found.height) == (picture.width, picture.height) else {
        throw PullbackError(
          .data, path,
          "expected a mask of \(picture.width) x \(picture.height) pixels, as \(name) has, found \(found.width) x "
            + "\(found.height)", advice: "an .npy of the output's rows and columns is taken as it is")
      }
    }
    switch source {
    case .array(_, let picture): if let picture { try check(picture, names[0]) }
    case .files:
      for (name, file) in zip(names, files) {
        guard let photograph = try? Photograph(contentsOf: file) else { continue }
        try check(photograph.picture, name)
      }
    }
  }

  /// The only image, a batch of one.
  ///
  /// - Throws: `PullbackError` if there are several, or it cannot be read.
  public func one() throws -> Tensor {
    guard count == 1 else { throw PullbackError(.data, files[0], "expected one image, found \(count)") }
    return try self(0..<1)
  }

  private static func array(
    of content: InputContent, _ shape: [Int], _ framing: ImageLoader.Framing, _ range: ArrayRange
  ) throws -> (array: Tensor, isPicture: Bool) {
    let (array, path): (Tensor, String)
    switch content {
    case .folder(let path): throw PullbackError(.software, path, "a folder is no array")
    case .picture(let photograph, _):
      return (Tensor(try ImageLoader(inputShape: shape, framing: framing).picture(of: photograph)), true)
    case .array(let found, let name): (array, path) = (found, name)
    }
    guard array.type == .float32 else {
      throw PullbackError(.data, path, "expected float32 ('<f4'), found integers", advice: "save with numpy.float32")
    }
    let batch = array.shape == shape ? array.reshaped([1] + shape) : array
    guard batch.rank == shape.count + 1, Array(batch.shape.dropFirst()) == shape, batch.shape[0] > 0 else {
      let expected = shape.map(String.init).joined(separator: ", ")
      throw PullbackError(
        .data, path, "expected an array of shape (\(expected)) or (N, \(expected)), found \(array.shape)")
    }
    return (try range.inputs(batch, named: path), false)
  }
}
