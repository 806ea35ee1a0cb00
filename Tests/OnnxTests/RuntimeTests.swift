import Foundation
import Onnx
import Pullbacks
import TestKit
import Testing

/// Operators at edges that documents leave open, against onnxruntime (Tests/Oracles/onnx_runtime.py).
@Suite struct RuntimeTests {
  static let numbers = try! Fixture.tensors("onnx-runtime")
  static let path = Fixture.path("onnx-runtime.onnx")
  static let outputs = try! OnnxFile(path: path).outputs.map(\.name)

  @Test(arguments: outputs) func agreesWithOnnxruntime(_ output: String) throws {
    let model = try OnnxModel(contentsOf: URL(fileURLWithPath: Self.path), options: OnnxOptions(outputs: [output]))
    let (value, expected) = (try model.network(Self.numbers.tensor("x")), try Self.numbers.tensor(output))
    #expect(value.scalars.map(\.isNaN) == expected.scalars.map(\.isNaN))
    expectClose(value.withoutNaN, expected.withoutNaN, within: 2e-6, output)
  }

  @Test func everyCaseIsThere() { #expect(Set(Self.outputs).count == 59) }
}

extension Tensor {
  fileprivate var withoutNaN: Tensor { Tensor(shape: shape, scalars.map { $0.isNaN ? 0 : $0 }) }
}
