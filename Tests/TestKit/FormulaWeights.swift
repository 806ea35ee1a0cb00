import Pullbacks

/// Weights and inputs by formula, the same in Swift and in Tests/Oracles/formula.py, which explains them.
public enum Formula {
  public static func uniform(_ name: String, count: Int) -> [Double] {
    let seed = name.utf8.reduce(0xCBF2_9CE4_8422_2325) { (hash: UInt64, byte) in (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return (0..<UInt64(count)).map { index in
      var z = seed &+ index &* 0x9E37_79B9_7F4A_7C15
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      z = z ^ (z >> 31)
      return Double(z >> 40) / 8_388_608 - 1
    }
  }

  public static func parameter(_ name: String, _ shape: [Int]) -> Tensor {
    let values = uniform(name, count: shape.reduce(1, *))
    let scaled: [Double]
    if name.hasSuffix("running_var") {
      scaled = values.map { 1 + 0.5 * $0 }
    } else if name.hasSuffix("running_mean") {
      scaled = values.map { 0.1 * $0 }
    } else if name.hasSuffix("bias") {
      scaled = values.map { 0.5 * $0 }
    } else if shape.count == 1 {
      scaled = values.map { 1 + 0.25 * $0 }
    } else {
      let bound = (3 / Double(shape.dropFirst().reduce(1, *))).squareRoot()
      scaled = values.map { $0 * bound }
    }
    return Tensor(shape: shape, scaled.map(Float.init))
  }

  public static func image(_ name: String, _ shape: [Int]) -> Tensor {
    Tensor(shape: shape, uniform(name, count: shape.reduce(1, *)).map(Float.init))
  }

  /// `graph` with formula weights.
  public static func network(_ graph: Graph) throws -> Network {
    var parameters: [String: Tensor] = [:]
    for (name, description) in graph.parameters { parameters[name] = parameter(name, description.shape) }
    return try Network(graph, parameters: parameters)
  }
}
