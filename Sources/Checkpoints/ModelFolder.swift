import Failures
import Foundation
import Pullbacks

/// The parameters in a folder as Hugging Face lays it out: `model.safetensors` or `pytorch_model.bin`, or several files
/// with an index that says which tensor is in which.
public struct ModelFolder: Sendable {
  /// The folder.
  public let path: String
  /// The files, in the order of their names.
  public let checkpoints: [Checkpoint]
  private let places: [String: Int]

  private struct Index: Decodable {
    let weight_map: [String: String]
  }

  private static let (files, indices) = (
    ["model.safetensors", "pytorch_model.bin"], ["model.safetensors.index.json", "pytorch_model.bin.index.json"]
  )

  /// - Parameter path: the path of the folder.
  /// - Throws: `PullbackError`: `noInput` if there is none of these files, `data` if one is damaged or an index names a
  ///   file outside the folder or a tensor that its file has not.
  public init(_ path: String) throws {
    self.path = path
    func file(_ name: String) -> String { "\(path)/\(name)" }
    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }
    for (single, index) in zip(Self.files, Self.indices) {
      if exists(single) {
        let checkpoint = try Checkpoint(contentsOf: file(single))
        checkpoints = [checkpoint]
        places = Dictionary(checkpoint.names.map { ($0, 0) }, uniquingKeysWith: { first, _ in first })
        return
      }
      if exists(index) {
        (checkpoints, places) = try Self.shards(file(index), in: path)
        return
      }
    }
    throw PullbackError(
      .noInput, path, "has no parameters",
      advice: "expected one of \((Self.files + Self.indices).joined(separator: ", "))")
  }

  private static func shards(_ index: String, in folder: String) throws -> ([Checkpoint], [String: Int]) {
    let map: [String: String]
    do {
      map = try JSONDecoder().decode(Index.self, from: Data(InputFile.bytes(of: index, limit: 1 << 26))).weight_map
    } catch is DecodingError {
      throw PullbackError(.data, index, "is no index of files: expected a weight_map of names")
    }
    let names = Set(map.values).sorted()
    guard names.count <= 1000, !names.isEmpty else {
      throw PullbackError(.data, index, "names \(names.count) files, expected 1 to 1000")
    }
    for name in names where name.contains("/") || name.hasPrefix(".") {
      throw PullbackError(.data, index, "names \(quoted(name)), which is no file of its folder")
    }
    let checkpoints = try names.map { try Checkpoint(contentsOf: "\(folder)/\($0)") }
    let numbers = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
    for (tensor, name) in map where checkpoints[numbers[name]!].entry(tensor) == nil {
      throw PullbackError(.data, index, "says that \(quoted(tensor)) is in \(quoted(name)), which has no such tensor")
    }
    return (checkpoints, map.mapValues { numbers[$0]! })
  }

  /// All tensors' names, sorted.
  public var names: [String] { places.keys.sorted() }

  /// The type and shape of the tensor called `name`; nil if there is none.
  public func entry(_ name: String) -> TensorEntry? { places[name].flatMap { checkpoints[$0].entry(name) } }

  /// The tensor called `name`.
  ///
  /// - Throws: `PullbackError` as ``Checkpoint/tensor(_:requireFinite:)``.
  public func tensor(_ name: String, requireFinite: Bool = false) throws -> Tensor {
    try checkpoints[places[name] ?? 0].tensor(name, requireFinite: requireFinite)
  }
}
