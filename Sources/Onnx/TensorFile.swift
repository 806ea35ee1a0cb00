import Failures
import Foundation
import Pullbacks

/// A tensor in a file of its own, as ONNX's test cases have their inputs and outputs.
package struct TensorFile {
  /// The name of the value that it is.
  package let name: String
  package let tensor: Tensor
  /// The digits that its elements have, as a relative error.
  package let precision: Float

  /// - Throws: `PullbackError` where the file holds no tensor of numbers.
  package init(path: String) throws {
    let bytes = try InputFile.bytes(of: path, limit: 1 << 30)
    guard let proto = try? Onnx_TensorProto(serializedBytes: Data(bytes)) else {
      throw PullbackError(.data, path, "is no tensor")
    }
    name = proto.name
    let value = try StoredValue(proto, name: nil, in: ModelFile(nameOnly: path))
    tensor = try value.tensor()
    precision = value.kind == .bfloat16 ? 0x1p-6 : value.kind == .float16 ? 0x1p-10 : 0
  }
}
