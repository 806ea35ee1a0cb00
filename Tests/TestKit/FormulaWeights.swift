import Dispatch
import Execution
import Pullbacks

/// Weights and inputs by formula, the same in Swift and in Tests/Oracles/formula.py, which explains them.
public enum Formula {
  /// The 64-bit FNV-1a hash of a text.
  public static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xCBF2_9CE4_8422_2325) { hash, byte in (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
  }

  /// `shift + scale * uniform(name)[i]`, where uniform lies in [-1, 1).
  private static func tensor(_ name: String, _ shape: [Int], scale: Double, shift: Double = 0) -> Tensor {
    let seed = hash(name)
    return Tensor(shape: shape) { values in
      nonisolated(unsafe) let address = values.baseAddress!
      let (count, block) = (values.count, 1 << 18)
      // A VGG has 140 million weights.
      DispatchQueue.concurrentPerform(iterations: (count + block - 1) / block) { index in
        for place in index * block..<min(count, (index + 1) * block) {
          var z = seed &+ UInt64(truncatingIfNeeded: place) &* 0x9E37_79B9_7F4A_7C15
          z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
          z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
          z = z ^ (z >> 31)
          address[place] = Float(shift + scale * (Double(z >> 40) / 8_388_608 - 1))
        }
      }
    }
  }

  public static func parameter(_ name: String, _ shape: [Int]) -> Tensor {
    if name.hasSuffix("running_var") { return tensor(name, shape, scale: 0.5, shift: 1) }
    if name.hasSuffix("running_mean") { return tensor(name, shape, scale: 0.1) }
    let shifts = ["bias", "class_token", "pos_embedding"]
    if shifts.contains(where: name.hasSuffix) { return tensor(name, shape, scale: 0.5) }
    if shape.count == 1 || name.hasSuffix("layer_scale") { return tensor(name, shape, scale: 0.25, shift: 1) }
    return tensor(name, shape, scale: (3 / Double(shape.dropFirst().reduce(1, *))).squareRoot())
  }

  public static func image(_ name: String, _ shape: [Int]) -> Tensor { tensor(name, shape, scale: 1) }

  /// `graph` with formula weights.
  public static func network(_ graph: Graph) throws -> Network {
    try Network(graph, parameters: parameters(graph))
  }

  /// Formula weights for every parameter of `graph`.
  public static func parameters(_ graph: Graph) -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.name, parameter($0.name, $0.description.shape)) })
  }
}
