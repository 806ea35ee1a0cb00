import Foundation
import Pullbacks

extension Patterns {
  /// An activation written out place by place: recognised by its values, so that neither the order of factors nor the
  /// way in which a constant is written matters.
  func gate(at index: Int) -> OnnxNode? {
    let node = nodes[index]
    guard node.domain.isEmpty, ["Mul", "Div", "Log", "Min", "Max", "Clip"].contains(node.op),
      let output = node.outputs.first, let shape = shape(output), slots[output]?.kind.isFloat == true
    else { return nil }
    for source in sources(of: output) where self.shape(source) == shape {
      var known: [String: [Double]] = [source: Self.places]
      guard let values = evaluate(output, &known) else { continue }
      for gate in Self.gates where zip(values, gate.values).allSatisfy({ abs($0 - $1) <= 2e-5 * (1 + abs($1)) }) {
        var layer = layer(gate.op, node, inputs: [source], output: output)
        gate.set(&layer)
        return layer
      }
    }
    return nil
  }

  private struct KnownGate: Sendable {
    let op: String
    let values: [Double]
    let set: @Sendable (inout OnnxNode) -> Void
  }

  /// The points at which gates are compared: on both sides, near 0 and far off, at no kink.
  private static let places =
    [-9.1, -5.3, -3.7, -2.9, -2.2, -1.4, -0.9, -0.6, -0.31, -0.07, 0.05, 0.24, 0.53, 0.8, 1.3]
    + [1.9, 2.6, 3.4, 4.7, 5.9, 6.3, 8.8]

  private static let gates: [KnownGate] = {
    func known(_ op: String, _ gate: any Gate, _ set: @escaping @Sendable (inout OnnxNode) -> Void = { _ in })
      -> KnownGate
    {
      KnownGate(op: op, values: places.map { gate.value($0) }, set: set)
    }
    let approximate = Onnx_AttributeProto.with {
      $0.name = "approximate"
      $0.type = .string
      $0.s = Data("tanh".utf8)
    }
    return [
      known("Gelu", GELU()), known("Gelu", TanhGELU()) { $0.attributes["approximate"] = approximate },
      known("Swish", SiLU()), known("HardSwish", HardSwish()), known("Mish", Mish()), known("Softplus", Softplus()),
      known("Softsign", Softsign()),
      known("HardSigmoid", HardSigmoid()) { $0.set("alpha", Float(1) / 6) },
      known("Clip", ReLU6()) {
        $0.opset = 6
        $0.set("min", Float(0))
        $0.set("max", Float(6))
      },
    ]
  }()

  /// Values that `value` is a function of, place by place, those nearest to it first.
  private func sources(of value: String) -> [String] {
    var found: [String] = []
    var queue = [value]
    var next = 0
    while next < queue.count, found.count < 14 {
      let current = queue[next]
      next += 1
      guard let node = maker(current), Self.isElementwise(node) else { continue }
      for input in node.inputs where !input.isEmpty && constant(input) == nil && !found.contains(input) {
        found.append(input)
        queue.append(input)
      }
    }
    return found
  }

  private static func isElementwise(_ node: OnnxNode) -> Bool {
    node.domain.isEmpty && functions.keys.contains(node.op)
      || ["Clip", "HardSigmoid", "Cast", "Identity"].contains(node.op)
  }

  private static let functions: [String: @Sendable ([Double]) -> Double] = [
    "Add": { $0[0] + $0[1] }, "Sub": { $0[0] - $0[1] }, "Mul": { $0[0] * $0[1] }, "Div": { $0[0] / $0[1] },
    "Pow": { pow($0[0], $0[1]) }, "Min": { $0.min()! }, "Max": { $0.max()! }, "Erf": { erf($0[0]) },
    "Tanh": { tanh($0[0]) }, "Sigmoid": { 1 / (1 + exp(-$0[0])) }, "Exp": { exp($0[0]) }, "Log": { log($0[0]) },
    "Softplus": { max($0[0], 0) + log1p(exp(-abs($0[0]))) }, "Abs": { abs($0[0]) }, "Neg": { -$0[0] },
    "Sqrt": { $0[0].squareRoot() }, "Reciprocal": { 1 / $0[0] }, "Relu": { max($0[0], 0) },
  ]

  /// The values of a function of what is known, nil where it depends on anything else.
  private func evaluate(_ value: String, _ known: inout [String: [Double]], depth: Int = 0) -> [Double]? {
    if let values = known[value] { return values }
    if let number = number(value) { return [Double](repeating: number, count: Self.places.count) }
    guard depth < 24, let node = maker(value), Self.isElementwise(node) else { return nil }
    var operands: [[Double]] = []
    for input in node.inputs where !input.isEmpty {
      guard let values = evaluate(input, &known, depth: depth + 1) else { return nil }
      operands.append(values)
    }
    let values = Self.places.indices.map { place in Self.apply(node, operands.map { $0[place] }) }
    known[value] = values
    return values
  }

  private static func apply(_ node: OnnxNode, _ x: [Double]) -> Double {
    guard !x.isEmpty else { return .nan }
    switch node.op {
    case "Clip":
      // A bound that is left out moves the other's place; no exporter leaves out the first of these.
      let low = node.input(1) != nil && x.count > 1 ? x[1] : Double(node.float("min", -.infinity))
      let high = node.input(2) != nil && x.count > 1 ? x[x.count - 1] : Double(node.float("max", .infinity))
      return min(max(x[0], low), high)
    case "HardSigmoid":
      return min(max(Double(node.float("alpha", 0.2)) * x[0] + Double(node.float("beta", 0.5)), 0), 1)
    case "Cast", "Identity": return x[0]
    default:
      if ["Add", "Sub", "Mul", "Div", "Pow"].contains(node.op), x.count < 2 { return .nan }
      return functions[node.op]!(x)
    }
  }
}
