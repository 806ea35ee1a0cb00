import ArgumentParser
import ExperimentKit
import Foundation

/// The images to work on.
struct InputOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A PNG or JPEG; a folder of them; or a float32 .npy of shape (3, H, W) or (N, 3, H, W) in [-1, 1], used as is.",
      valueName: "file or folder"),
    completion: .file(extensions: ["png", "jpg", "jpeg", "npy"]))
  var input: String

  func images(for graph: Graph) throws -> InputImages { try InputImages(input, for: graph) }
}

/// One image or many, read when they are asked for: a folder need not fit into memory.
struct InputImages {
  /// What each image is called in messages and records.
  let names: [String]
  /// The file that each image comes from; images of one array share theirs.
  let files: [String]
  private let source: Source

  private enum Source {
    case array(Tensor)
    case files([String], Graph)
  }

  var count: Int { names.count }

  /// - Throws: `PullbackError` if `path` is no image, array or folder of images.
  init(_ path: String, for graph: Graph) throws {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      let endings = ["png", "jpg", "jpeg"]
      names = try namesOfFiles(in: path)
        .filter { endings.contains(($0 as NSString).pathExtension.lowercased()) && !$0.hasPrefix(".") }
      guard !names.isEmpty else { throw PullbackError(.noInput, path, "the folder holds no PNG or JPEG files") }
      files = names.map { "\(path)/\($0)" }
      source = .files(files, graph)
    } else if path.lowercased().hasSuffix(".npy") {
      let array = try Self.array(at: path, for: graph)
      names = (0..<array.shape[0]).map { "image \($0)" }
      files = names.map { _ in path }
      source = .array(array)
    } else {
      names = ["image 0"]
      files = [path]
      source = .array(try Self.image(at: path, for: graph))
    }
  }

  /// Images `range` as a batch of the network's input shape.
  func callAsFunction(_ range: Range<Int>) throws -> Tensor {
    switch source {
    case .array(let array): return array.images(range)
    case .files(let paths, let graph):
      return Tensor(batching: try paths[range].map { try Self.image(at: $0, for: graph) })
    }
  }

  /// One image, `(1, 3, H, W)`.
  static func image(at path: String, for graph: Graph) throws -> Tensor {
    guard path.lowercased().hasSuffix(".npy") else { return try ImageLoader(size: graph.inputShape[1]).image(at: path) }
    let array = try array(at: path, for: graph)
    guard array.shape[0] == 1 else {
      throw PullbackError(.data, path, "expected one image, found \(array.shape[0])")
    }
    return array
  }

  private static func array(at path: String, for graph: Graph) throws -> Tensor {
    let array = try NPY.read(path)
    let batch = array.rank == 3 ? array.reshaped([1] + array.shape) : array
    guard batch.rank == 4, Array(batch.shape.dropFirst()) == graph.inputShape, batch.shape[0] > 0 else {
      let expected = graph.inputShape.map(String.init).joined(separator: ", ")
      throw PullbackError(
        .data, path, "expected an array of shape (\(expected)) or (N, \(expected)), found \(array.shape)")
    }
    if let index = Checkpoint.firstNonFinite(in: batch) {
      throw PullbackError(.data, path, "holds \(batch.scalars[index]) at index \(index), expected finite numbers")
    }
    return batch
  }
}
