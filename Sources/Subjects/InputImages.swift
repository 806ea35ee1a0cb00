import Checkpoints
import Failures
import Foundation
import Imaging
import Kernels
import Pullbacks

/// Images of no known class, one or many, read when they are asked for: a folder need not fit into memory.
///
/// A picture is decoded once as long as all decoded ones take no more than ``keptBytes``.
public struct InputImages: Sendable {
  /// What each image is called in messages and records.
  public let names: [String]
  /// The file that each image comes from; images of one array share theirs.
  public let files: [String]
  /// Of one image, `(C, H, W)` for pictures and whatever the network takes for arrays.
  public let shape: [Int]
  private let source: Source
  private let decoded = Locked<[Int: Tensor]>([:])

  private enum Source {
    case array(Tensor)
    case files(ImageLoader)
  }

  /// The memory that decoded pictures of a folder may take, in bytes: some 400 of 3 x 224 x 224 values.
  public static let keptBytes = 1 << 28

  public var count: Int { names.count }

  /// - Parameters:
  ///   - path: a PNG or JPEG, a folder of them, or an `.npy` of float32 that is used as it is, with the shape of one
  ///     input or of several.
  ///   - shape: of one input of the network.
  /// - Throws: `PullbackError` if `path` is no image, array or folder of images, or the network takes no pictures.
  public init(_ path: String, shape: [Int]) throws {
    self.shape = shape
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      let endings = ["png", "jpg", "jpeg"]
      names = try namesOfFiles(in: path)
        .filter { endings.contains(($0 as NSString).pathExtension.lowercased()) && !$0.hasPrefix(".") }
      guard !names.isEmpty else { throw PullbackError(.noInput, path, "the folder holds no PNG or JPEG files") }
      files = names.map { "\(path)/\($0)" }
      source = .files(try ImageLoader(inputShape: shape))
    } else {
      let array = try Self.array(at: path, shape: shape)
      names = (0..<array.shape[0]).map { "image \($0)" }
      files = names.map { _ in path }
      source = .array(array)
    }
  }

  /// Images `range` as a batch.
  ///
  /// - Throws: `PullbackError` if one cannot be read.
  public func callAsFunction(_ range: Range<Int>) throws -> Tensor {
    switch source {
    case .array(let array): return array.images(range)
    case .files(let loader): return Tensor(batching: try range.map { try picture($0, loader) })
    }
  }

  private func picture(_ index: Int, _ loader: ImageLoader) throws -> Tensor {
    if let image = decoded.withLock({ $0[index] }) { return image }
    let image = try loader.image(at: files[index])
    decoded.withLock { if ($0.count + 1) * image.count * 4 <= Self.keptBytes { $0[index] = image } }
    return image
  }

  /// One image, `(1, C, H, W)`.
  ///
  /// - Throws: as ``init(_:shape:)``, and if the file is an array of several.
  public static func image(at path: String, shape: [Int]) throws -> Tensor {
    let array = try array(at: path, shape: shape)
    guard array.shape[0] == 1 else {
      throw PullbackError(.data, path, "expected one image, found \(array.shape[0])")
    }
    return array
  }

  private static func array(at path: String, shape: [Int]) throws -> Tensor {
    guard path.lowercased().hasSuffix(".npy") else { return try ImageLoader(inputShape: shape).image(at: path) }
    let array = try NPY.read(path)
    let batch = array.shape == shape ? array.reshaped([1] + shape) : array
    guard batch.rank == shape.count + 1, Array(batch.shape.dropFirst()) == shape, batch.shape[0] > 0 else {
      let expected = shape.map(String.init).joined(separator: ", ")
      throw PullbackError(
        .data, path, "expected an array of shape (\(expected)) or (N, \(expected)), found \(array.shape)")
    }
    if let index = Checkpoint.firstNonFinite(in: batch) {
      throw PullbackError(.data, path, "holds \(batch.scalars[index]) at index \(index), expected finite numbers")
    }
    return batch
  }
}
