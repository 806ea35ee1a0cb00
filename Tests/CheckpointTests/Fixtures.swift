import Foundation
import Networks
import Pullbacks

/// What Tests/Oracles/checkpoints.py wrote: the files, and what PyTorch and safetensors read from them.
enum Fixtures {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Oracles/fixtures/checkpoints")

  static func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  struct Expected: Decodable {
    struct Item: Decodable {
      var name: String
      var dtype: String
      var shape: [Int]
      /// The float32 values' bit patterns; nil where the type has no conversion.
      var bits: [UInt32]?
    }
    var container: [String]
    var removedPrefix: String
    var metadata: [String: String]
    var tensors: [Item]
  }

  static func expected() throws -> [String: Expected] {
    try JSONDecoder().decode(
      [String: Expected].self, from: Data(contentsOf: URL(fileURLWithPath: path("expected.json"))))
  }
}

/// A folder that is removed with all in it when `body` ends.
func withTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("checkpoints-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}

/// The error of opening a file of `bytes` and reading every tensor of it, nil if there is none.
func refusal(of bytes: [UInt8], under keys: [String]? = nil) throws -> PullbackError? {
  try withTemporaryFolder { folder in
    let path = folder.appendingPathComponent("file").path
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    do {
      let checkpoint = try Checkpoint(contentsOf: path, under: keys)
      for name in checkpoint.names { _ = try checkpoint.tensor(name) }
      return nil
    } catch let error as PullbackError {
      return error
    }
  }
}

/// The values' bit patterns; one pattern for all NaNs, whose payload no format promises.
func bits(_ tensor: Tensor) -> [UInt32] { tensor.scalars.map { $0.isNaN ? Float.nan.bitPattern : $0.bitPattern } }
