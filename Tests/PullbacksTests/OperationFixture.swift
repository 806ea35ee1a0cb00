import Foundation
import Checkpoints
import Networks
import Pullbacks
import TestKit
import Testing

/// One case of Tests/Oracles/operations.py or shapes.py: an operation with its settings, and what PyTorch computed for
/// it.
struct OperationFixture: Sendable, CustomTestStringConvertible {
  let name: String
  /// Nil for what takes several nodes: a learned tensor that stands alone, and what is done with it.
  let operation: (any Pullbacks.Operation)?
  private let kind: String
  let mode: Mode
  /// Of floats, or of integers.
  let inputs: [Tensor]
  let parameters: [Tensor]
  let rule: (any Rule)?
  private let parameterNames: [String]
  private let tensors: Checkpoint

  var testDescription: String { name }

  static let all: [OperationFixture] = ["operations", "shapes"].flatMap { file in
    let tensors = try! Fixture.tensors(file)
    return (try! Fixture.json(file) as! [[String: Any]]).map { OperationFixture($0, tensors) }
  }

  func expected(_ what: String) -> Tensor? {
    let key = "\(name)/\(what)"
    return tensors.entry(key) == nil ? nil : try! tensors.tensor(key)
  }

  /// The gradient of each parameter, nil for running statistics.
  var expectedParameterGradients: [Tensor?] { parameterNames.map { expected("parameterGradient.\($0)") } }

  private init(_ json: [String: Any], _ tensors: Checkpoint) {
    let name = json["name"] as! String
    func tensor(_ what: String) -> Tensor { try! tensors.tensor("\(name)/\(what)") }
    self.name = name
    self.tensors = tensors
    kind = json["kind"] as! String
    mode = json["mode"] as! String == "training" ? .training : .evaluation
    inputs = (0..<(json["inputs"] as! Int)).map { tensors.input($0, of: name) }
    parameterNames = json["parameters"] as! [String]
    parameters = parameterNames.map { tensor("parameter.\($0)") }
    operation = makeOperation(
      json["kind"] as! String, json["config"] as! [String: Any], parameters: parameters.map(\.shape))
    rule = (json["soft"] as? [String: Any]).map { [operation] in makeSoftRule(operation, $0) }
  }

  /// The inputs that a cotangent can reach.
  var floats: [Int] { inputs.indices.filter { inputs[$0].type == .float32 } }

  /// A network of this operation alone. Inputs of floats lie one behind the other in the network's first input, those
  /// of integers are its further ones.
  func network() throws -> Network {
    let shapes = inputs.map { Array($0.shape.dropFirst()) }
    let integers = inputs.indices.filter { inputs[$0].type == .int64 }
    let width = floats.reduce(0) { $0 + shapes[$1].reduce(1, *) }
    let descriptions =
      (floats.isEmpty ? [] : [Graph.InputDescription("floats", [width])])
      + integers.map { Graph.InputDescription("integers\($0)", shapes[$0], type: .int64) }
    let graph = try Graph(name, inputs: descriptions) { signals in
      var first = 0
      let parts = inputs.indices.map { index -> Signal in
        if let place = integers.firstIndex(of: index) { return signals[place + (floats.isEmpty ? 0 : 1)] }
        let size = shapes[index].reduce(1, *)
        defer { first += size }
        return signals[0].slice(axis: 0, first..<first + size).reshaped(shapes[index])
      }
      guard let operation else { return [("output", composed(parts[0]))] }
      return [("output", parts[0].apply(operation, "op", with: Array(parts.dropFirst())))]
    }
    let names = graph.parameters.map(\.name)
    return try Network(graph, parameters: Dictionary(uniqueKeysWithValues: zip(names, parameters)))
  }

  private func composed(_ x: Signal) -> Signal {
    let tensor = x.parameter(parameterNames[0], parameters[0].shape)
    return switch kind {
    case "layerscale": x.multiplied(by: tensor)
    case "posembedding": x.adding(tensor.reshaped(x.shape))
    case "classtoken": .concatenate([tensor.reshaped([1, x.shape[1]]), x])
    default: preconditionFailure("no operation is called \(kind)")
    }
  }

  /// The inputs as the network of ``network()`` takes them.
  var networkInputs: [String: Tensor] {
    var result: [String: Tensor] = floats.isEmpty ? [:] : ["floats": join(floats.map { inputs[$0] })]
    for index in inputs.indices where inputs[index].type == .int64 { result["integers\(index)"] = inputs[index] }
    return result
  }

  func join(_ parts: [Tensor]) -> Tensor {
    let batch = inputs[0].shape[0]
    let rows = (0..<batch).flatMap { row in parts.flatMap { $0.image(row).scalars } }
    return Tensor(shape: [batch, rows.count / batch], rows)
  }
}

extension Checkpoint {
  /// Input `index` of a case, of floats or of integers.
  fileprivate func input(_ index: Int, of name: String) -> Tensor {
    let tensor = try! tensor("\(name)/input\(index)")
    guard entry("\(name)/input\(index)")!.dtype == .int64 else { return tensor }
    return Tensor(shape: tensor.shape, integers: tensor.scalars.map { Int64($0) })
  }
}
