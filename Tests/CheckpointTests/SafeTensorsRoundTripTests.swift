import Foundation
import Networks
import Pullbacks
import Testing

@Suite struct SafeTensorsRoundTripTests {
  @Test func whatIsWrittenIsReadInPlace() throws {
    let path = try temporaryPath("roundtrip.safetensors")
    let a = Tensor(shape: [2, 3], [1, -2, 3.5, -0.0, 1e-40, .greatestFiniteMagnitude])
    let b = Tensor(shape: [], [7])
    let empty = Tensor(shape: [0, 4])
    try SafeTensors.write([("b", b), ("a.weight", a), ("none", empty)], metadata: ["made by": "a \"test\"\n"], to: path)
    let checkpoint = try Checkpoint(contentsOf: path)
    #expect(checkpoint.format == .safeTensors)
    #expect(checkpoint.names == ["a.weight", "b", "none"])
    #expect(checkpoint.metadata == ["made by": "a \"test\"\n"])
    #expect(try checkpoint.tensor("a.weight") == a)
    #expect(try checkpoint.tensor("b") == b)
    #expect(try checkpoint.tensor("none") == empty)
    #expect(checkpoint.entry("a.weight") == TensorEntry(name: "a.weight", dtype: .float32, shape: [2, 3]))
  }
}
