import Foundation
import Pullbacks
import TestKit
import Testing

/// One case of Tests/Oracles/operations.py: an operation with its settings, and what PyTorch computed for it.
struct OperationFixture: Sendable, CustomTestStringConvertible {
  let name: String
  /// Nil for what takes several nodes: a learned tensor that stands alone, and what is done with it.
  let operation: (any Pullbacks.Operation)?
  private let kind: String
  let mode: Mode
  let inputs: [Tensor]
  let parameters: [Tensor]
  let rule: (any Rule)?
  private let parameterNames: [String]

  var testDescription: String { name }

  static let all: [OperationFixture] = {
    let cases = try! Fixture.json("operations") as! [[String: Any]]
    return cases.map { OperationFixture($0) }
  }()

  private static let tensors = try! Fixture.tensors("operations")

  func expected(_ what: String) -> Tensor? {
    let key = "\(name)/\(what)"
    return Self.tensors.entry(key) == nil ? nil : try! Self.tensors.tensor(key)
  }

  /// The gradient of each parameter, nil for running statistics.
  var expectedParameterGradients: [Tensor?] { parameterNames.map { expected("parameterGradient.\($0)") } }

  private init(_ json: [String: Any]) {
    let name = json["name"] as! String
    func tensor(_ what: String) -> Tensor { try! Self.tensors.tensor("\(name)/\(what)") }
    self.name = name
    kind = json["kind"] as! String
    operation = makeOperation(json["kind"] as! String, json["config"] as! [String: Any])
    mode = json["mode"] as! String == "training" ? .training : .evaluation
    inputs = (0..<(json["inputs"] as! Int)).map { tensor("input\($0)") }
    parameterNames = json["parameters"] as! [String]
    parameters = parameterNames.map { tensor("parameter.\($0)") }
    rule = (json["soft"] as? [String: Any]).map { [operation] in makeSoftRule(operation, $0) }
  }

  /// A network of this operation alone; its inputs lie one behind the other in the network's input.
  func network() throws -> Network {
    let shapes = inputs.map { Array($0.shape.dropFirst()) }
    let sizes = shapes.map { $0.reduce(1, *) }
    let graph = try Graph(name, input: [sizes.reduce(0, +)]) { input in
      var first = 0
      let parts = zip(shapes, sizes).map { shape, size in
        defer { first += size }
        return input.slice(axis: 0, first..<first + size).reshaped(shape)
      }
      guard let operation else { return composed(parts[0]) }
      switch parts.count {
      case 1: return parts[0].apply(operation, "op")
      case 2: return parts[0].apply(operation, "op", with: parts[1])
      default: return parts[0].apply(operation, "op", with: parts[1], parts[2])
      }
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
  var joinedInputs: Tensor { join(inputs) }

  func join(_ parts: [Tensor]) -> Tensor {
    let batch = inputs[0].shape[0]
    let rows = (0..<batch).flatMap { row in parts.flatMap { $0.image(row).scalars } }
    return Tensor(shape: [batch, rows.count / batch], rows)
  }
}

private func extent(_ value: Any?) -> Extent {
  let pair = value as! [Int]
  return Extent(pair[0], pair[1])
}

private func padding(_ value: Any?) -> Padding {
  let sides = value as! [Int]
  return Padding(top: sides[0], left: sides[1], bottom: sides[2], right: sides[3])
}

/// The operation of a fixture; nil for what takes several nodes here.
func makeOperation(_ kind: String, _ config: [String: Any]) -> (any Pullbacks.Operation)? {
  switch kind {
  case "conv":
    return Convolution(
      config["outputs"] as! Int, kernel: extent(config["kernel"]), stride: extent(config["stride"]),
      padding: padding(config["padding"]), dilation: extent(config["dilation"]), groups: config["groups"] as! Int,
      bias: config["bias"] as! Bool)
  case "linear": return Linear(config["outputs"] as! Int, bias: config["bias"] as! Bool)
  case "batchnorm": return BatchNorm(epsilon: Float(config["epsilon"] as! Double))
  case "layernorm":
    return LayerNorm(epsilon: Float(config["epsilon"] as! Double), axis: .init(rawValue: config["axis"] as! String)!)
  case "softmax": return Softmax()
  case "maxpool":
    return MaxPool(
      kernel: extent(config["kernel"]), stride: extent(config["stride"]), padding: padding(config["padding"]),
      ceilMode: config["ceilMode"] as! Bool)
  case "avgpool":
    return AveragePool.sliding(
      kernel: extent(config["kernel"]), stride: extent(config["stride"]), padding: padding(config["padding"]),
      ceilMode: config["ceilMode"] as! Bool, countIncludePad: config["countIncludePad"] as! Bool)
  case "adaptiveavgpool": return AveragePool.adaptive(extent(config["output"]))
  case "add": return Add()
  case "multiply": return Multiply()
  case "concat": return Concatenate(axis: config["axis"] as! Int)
  case "reshape": return Reshape(config["shape"] as! [Int])
  case "transpose": return Transpose(config["order"] as! [Int])
  case "slice":
    let range = config["range"] as! [Int]
    return Slice(axis: config["axis"] as! Int, range[0]..<range[1])
  case "dropout": return Identity.dropout
  case "affine":
    return ChannelAffine(
      scale: (config["scale"] as! [Double]).map(Float.init), shift: (config["shift"] as! [Double]).map(Float.init))
  case "matmul": return MatrixMultiply(transposingRight: config["transposingRight"] as! Bool)
  case "attention": return ScaledDotProductAttention(heads: config["heads"] as! Int)
  case "relu": return ReLU()
  case "relu6": return ReLU6()
  case "gelu": return GELU()
  case "silu": return SiLU()
  case "sigmoid": return Sigmoid()
  default: return nil
  }
}

private func makeSoftRule(_ operation: (any Pullbacks.Operation)?, _ settings: [String: Any]) -> any Rule {
  let temperature = Float(settings["temperature"] as? Double ?? 1)
  switch operation {
  case is any Gate: return SoftGate(temperature: temperature)
  case is MaxPool:
    return SoftMaxPool(temperature: temperature, border: .init(rawValue: settings["border"] as! String)!)
  case is LayerNorm: return FrozenStatistics()
  default: return FrozenAttention(temperature: temperature)
  }
}
