import Foundation
import Onnx
import Pullbacks
import TestKit
import Testing

/// Operators at edges that documents leave open, against onnxruntime (Tests/Oracles/onnx_runtime.py).
@Suite struct RuntimeTests {
  static let numbers = try! Fixture.tensors("onnx-runtime")
  static let cases = ["onnx-runtime", "onnx-runtime-10"].flatMap { file in
    try! OnnxFile(path: Fixture.path("\(file).onnx")).outputs.map { (file, $0.name) }
  }

  @Test(arguments: cases) func agreesWithOnnxruntime(_ file: String, _ output: String) throws {
    let url = URL(fileURLWithPath: Fixture.path("\(file).onnx"))
    let model = try OnnxModel(contentsOf: url, options: OnnxOptions(outputs: [output]))
    let (value, expected) = (try model.network(Self.numbers.tensor("x")), try Self.numbers.tensor(output))
    #expect(value.scalars.map(\.isNaN) == expected.scalars.map(\.isNaN))
    expectClose(value.withoutNaN, expected.withoutNaN, within: 2e-6, output)
  }

  @Test func everyCaseIsThere() { #expect(Set(Self.cases.map(\.1)).count == 67) }
}

extension Tensor {
  fileprivate var withoutNaN: Tensor { Tensor(shape: shape, scalars.map { $0.isNaN ? 0 : $0 }) }
}
