import Checkpoints
import Failures
import Foundation
import Pullbacks
import TestKit

/// What Tests/Oracles/checkpoints.py wrote: the files, and what PyTorch and safetensors read from them.
enum Fixtures {
  static let folder = Fixture.path("checkpoints")

  static func path(_ name: String) -> String { "\(folder)/\(name)" }

  static func bytes(_ name: String) throws -> [UInt8] { try InputFile.bytes(of: path(name), limit: 1 << 20) }

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
    try JSONDecoder().decode([String: Expected].self, from: Data(try bytes("expected.json")))
  }
}

/// The error of opening a file of `bytes` and reading every tensor of it, nil if there is none.
func refusal(of bytes: [UInt8], under keys: [String]? = nil) throws -> PullbackError? {
  try withTemporaryFolder { folder in
    let path = "\(folder)/file"
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
