import Digests
import Failures
import Faithfulness
import Imaging
import Pullbacks

/// No samples: the images come from elsewhere.
public struct NoSamples: SampleSource {
  public init() {}

  public var images: [RunDescription.Image] { [] }
  public var description: String { "no images" }
  public func sample(_ index: Int) throws -> Sample {
    throw PullbackError(.software, "sample \(index)", "there are none")
  }
}

/// Labelled image files, decoded when they are asked for, with the masks that lie beside them. What an image is without
/// a part of its object is not known: the part fades to grey.
public struct FileSamples: SampleSource {
  public let images: [RunDescription.Image]
  public let description: String
  public var haveMasks: Bool { get throws { files.contains { $0.masks != nil || $0.framing == .objectOnGray } } }
  private let files: [LabelledFile]
  private let loader: ImageLoader

  /// - Parameters:
  ///   - files: the images with their classes.
  ///   - loader: the network's preprocessing.
  ///   - unreadable: the list in which files that cannot be decoded, or whose masks cannot, are noted; they are then
  ///     left out: every file is decoded once, now. Nil decodes none yet.
  /// - Throws: `PullbackError` if a file cannot be read, or none can be decoded.
  public init(_ files: [LabelledFile], loader: ImageLoader, unreadable: UnreadableFiles? = nil) throws {
    let total = files.count
    var files = files
    if let unreadable {
      files = try files.filter { file in
        try unreadable.reading { () -> Bool in
          let photograph = try Photograph(contentsOf: file.path)
          _ = try file.masks?.read(beside: photograph, loader)
          return true
        } ?? false
      }
      if files.isEmpty, let failure = unreadable.failure(of: total) { throw failure }
    }
    (self.files, self.loader) = (files, loader)
    images = files.map { RunDescription.Image(name: $0.name, target: $0.target) }
    // The folder's name is left out: the same files elsewhere give the same scores.
    let digests = try files.flatMap { [$0.path] + ($0.masks?.paths ?? []) }.map { path in
      try InputFile.bytes(of: path, limit: 1 << 30).withUnsafeBytes { try sha256($0) }
    }
    let digest = try Array(digests.joined().utf8).withUnsafeBytes { try sha256($0) }
    let framings = Set(files.map(\.framing))
    let kind =
      framings.count == 2
      ? "photographs in context and objects on grey" : framings == [.objectOnGray] ? "objects on grey" : "image files"
    let framing = loader.framing == .release ? "" : ", \(loader.framing.inWords)"
    description = "\(kind), \(loader.extents) pixels\(framing), SHA-256 \(digest)"
  }

  public func sample(_ index: Int) throws -> Sample {
    let file = files[index]
    guard file.framing == .objectOnGray else {
      let photograph = try Photograph(contentsOf: file.path)
      let image = Tensor(loader.picture(of: photograph))
      let masks = try file.masks?.read(beside: photograph, loader)
      let parts = masks?.parts.map { part, mask in
        Sample.Part(
          name: part.name, mask: mask, isDiagnostic: part.isDiagnostic, imageWithout: image.fadedToGray(mask))
      }
      return Sample(
        index: index, name: file.name, image: image, target: file.target, mask: masks?.object, parts: parts ?? [])
    }
    let (image, mask) = try loader.objectOnGray(at: file.path)
    let object = Sample.Part(name: "object", mask: mask, isDiagnostic: false, imageWithout: image.fadedToGray(mask))
    return Sample(index: index, name: file.name, image: image, target: file.target, mask: mask, parts: [object])
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

/// Images and maps from arrays: attributions that were computed elsewhere.
public struct ArraySamples: SampleSource {
  public let images: [RunDescription.Image]
  public let description: String
  /// The maps, in the place of an explainer.
  public let maps: GivenMaps
  private let inputs: Tensor

  /// - Parameters:
  ///   - images: the images that the maps explain.
  ///   - classes: one for each image, or one for all.
  ///   - attributions: the maps' file, with a value for every value of the images, or for every place.
  /// - Throws: `PullbackError` if a file cannot be read or its shape does not fit.
  public init(_ images: InputImages, classes: [Int], attributions: String) throws {
    inputs = try images(0..<images.count)
    guard classes.count == 1 || classes.count == images.count else {
      throw PullbackError(.usage, "target", "expected 1 or \(images.count) classes, found \(classes.count)")
    }
    self.images = images.names.enumerated().map { index, name in
      RunDescription.Image(name: name, target: classes[classes.count == 1 ? 0 : index])
    }
    let maps = try Self.maps(at: attributions, like: inputs)
    description = "arrays, SHA-256 \(try Self.digest(inputs))"
    self.maps = GivenMaps(maps, digest: "SHA-256 \(try Self.digest(maps))")
  }

  /// Maps with a value for every value of the images: those of one channel are repeated for each.
  private static func maps(at path: String, like inputs: Tensor) throws -> Tensor {
    let array = try NPY.read(path)
    let (count, channels) = (inputs.shape[0], inputs.shape[1])
    let plane = Array(inputs.shape[2...])
    let full = count == 1 ? [[1, channels] + plane, [channels] + plane] : [[count, channels] + plane]
    if full.contains(array.shape) { return array.reshaped(inputs.shape) }
    guard [[count, 1] + plane, [count] + plane, count == 1 ? plane : []].contains(array.shape) else {
      throw PullbackError(
        .data, path, "expected maps of shape \(inputs.shape) or \([count] + plane), found \(array.shape)")
    }
    let size = plane.reduce(1, *)
    let values = array.scalars
    return Tensor(shape: inputs.shape) { result in
      for index in result.indices { result[index] = values[index / (channels * size) * size + index % size] }
    }
  }

  private static func digest(_ tensor: Tensor) throws -> String {
    try tensor.withUnsafeBuffer { try sha256(UnsafeRawBufferPointer($0)) }
  }

  public func sample(_ index: Int) throws -> Sample {
    Sample(index: index, name: images[index].name, image: inputs.image(index), target: images[index].target)
  }
}
