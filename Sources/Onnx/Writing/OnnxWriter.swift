import Failures
import Foundation
import Pullbacks
import SwiftProtobuf

extension Network {
  /// The network as an ONNX file of operator set 20, for onnxruntime and whatever else reads such files. Read back by
  /// ``OnnxModel`` it computes the same bytes.
  ///
  /// The first axis of what comes in is the batch, of any size. Nodes and tensors keep their names; layers that the
  /// operator set has none of (attention, SiLU) are written out as exporters write them.
  ///
  /// - Parameter producer: the program that writes the file, and its version.
  /// - Throws: `PullbackError` of kind `usage` that names the first node of a kind that is not written, or says that the
  ///   parameters are more than a file may hold, 2 GB.
  public func onnx(producer: (name: String, version: String) = ("", "")) throws -> Data {
    let bytes = graph.parameters.reduce(0) { $0 + 4 * $1.description.shape.product }
    guard bytes < 2_000_000_000 else {
      throw PullbackError(.usage, graph.name, "its parameters take \(bytes >> 20) MB, and a file holds less than 2 GB")
    }
    var writer = OnnxWriter(self)
    try writer.write()
    let proto = Onnx_ModelProto.with { model in
      model.irVersion = 9
      model.producerName = producer.name
      model.producerVersion = producer.version
      model.opsetImport = [.with { $0.version = Int64(OnnxWriter.opset) }]
      model.graph = .with {
        $0.name = graph.name
        $0.node = writer.nodes
        $0.initializer = writer.tensors
        $0.input = graph.inputs.map { OnnxWriter.value($0.name, $0.shape, $0.type) }
        $0.output = graph.outputs.map { output in
          let node = graph.nodes[output.node]
          return OnnxWriter.value(output.name, node.shape, node.type)
        }
      }
    }
    return try proto.serializedData()
  }
}

/// Writes the nodes of a graph as those of a file, in order.
struct OnnxWriter {
  /// The first operator set with GELU.
  static let opset = 20

  private(set) var nodes: [Onnx_NodeProto] = []
  private(set) var tensors: [Onnx_TensorProto] = []
  private let network: Network
  private let parameters: [String: Tensor]
  /// The shapes of tensors that stand alone and are used under another shape: they are written in that one, and stay
  /// tensors when the file is read.
  private var reshaped: [Int: [Int]] = [:]
  /// The file's name of each node's value.
  private var values: [String] = []
  /// The names of values and of nodes, none of which is given twice.
  private var names: Set<String>

  init(_ network: Network) {
    self.network = network
    parameters = network.parameters
    names = Set(network.graph.outputs.map(\.name)).union(network.graph.parameters.map(\.name))
      .union(network.graph.nodes.map(\.name))
  }

  /// A value that comes in or goes out; its first axis is the batch.
  static func value(_ name: String, _ shape: [Int], _ type: ElementType) -> Onnx_ValueInfoProto {
    .with {
      $0.name = name
      $0.type.tensorType.elemType = type == .float32 ? 1 : 7
      $0.type.tensorType.shape.dim =
        [.with { $0.dimParam = "batch" }] + shape.map { extent in .with { $0.dimValue = Int64(extent) } }
    }
  }

  mutating func write() throws {
    let graph = network.graph
    for (index, consumers) in graph.consumers.enumerated() where graph.nodes[index].operation is Parameter {
      guard consumers.count == 1, let reshape = graph.nodes[consumers[0]].operation as? Reshape else { continue }
      reshaped[index] = reshape.shape
    }
    for node in graph.nodes {
      if node.isInput {
        values.append(node.name)
        continue
      }
      guard node.isBatched || node.parameters.isEmpty || node.operation is Parameter else {
        throw fail(node, "it depends on no input")
      }
      for parameter in node.parameters where !(node.operation is Linear || node.operation is LayerNorm) {
        add(parameters[node.fullName(parameter)]!, node.fullName(parameter), reshaped[values.count])
      }
      values.append(try value(of: node))
    }
    for output in graph.outputs {
      append("Identity", fresh("\(output.name)/Identity"), [values[output.node]], output.name)
    }
  }

  // MARK: Nodes

  private func fail(_ node: Graph.Node, _ problem: String) -> PullbackError {
    PullbackError(
      .usage, "node \(node.name)", "\(node.operation.kind) \(node.operation.settings): \(problem)",
      advice: "networks of the package's architectures are written")
  }

  /// Appends what computes a node; returns the name of the value.
  private mutating func value(of node: Graph.Node) throws -> String {
    let inputs = node.inputs.map { values[$0] }
    let shapes = node.inputs.map { network.graph.nodes[$0].shape }
    let isBatched = node.inputs.map { network.graph.nodes[$0].isBatched }
    switch node.operation {
    case let operation as Convolution: return try convolution(operation, node, inputs)
    case is BatchNorm:
      let names = node.parameters.map { node.fullName($0) }
      return layer(
        "BatchNormalization", node, inputs + names, [.float("epsilon", (node.operation as! BatchNorm).epsilon)])
    case let operation as Linear: return linear(operation, node, inputs, shapes[0])
    case let operation as LayerNorm: return layerNorm(operation, node, inputs, shapes[0])
    case let operation as ScaledDotProductAttention: return try attention(operation, node, inputs, shapes)
    case let operation as ChannelAffine: return affine(operation, node, inputs, shapes[0])
    case is ReLU: return layer("Relu", node, inputs)
    case is ReLU6:
      return layer("Clip", node, inputs + [constant(0, "\(node.name).min"), constant(6, "\(node.name).max")])
    case is GELU: return layer("Gelu", node, inputs)
    case is TanhGELU: return layer("Gelu", node, inputs, [.text("approximate", "tanh")])
    case is SiLU:
      let gate = append("Sigmoid", fresh("\(node.name)/Sigmoid"), inputs)
      return layer("Mul", node, inputs + [gate])
    case is HardSwish: return layer("HardSwish", node, inputs)
    case is HardSigmoid:
      return layer("HardSigmoid", node, inputs, [.float("alpha", Float(1) / 6), .float("beta", 0.5)])
    case is Sigmoid: return layer("Sigmoid", node, inputs)
    case is Add:
      let all = aligned(inputs, shapes, isBatched, node)
      // More than two are added one after another.
      let sum = all.dropFirst().dropLast().reduce(all[0]) { append("Add", fresh("\(node.name)/Add"), [$0, $1]) }
      return all.count == 1 ? sum : layer("Add", node, [sum, all.last!])
    case is Multiply: return layer("Mul", node, aligned(inputs, shapes, isBatched, node))
    case let operation as AveragePool: return try averagePool(operation, node, inputs, shapes[0])
    case let operation as MaxPool: return maxPool(operation, node, inputs)
    case is Reshape where reshaped[node.inputs[0]] != nil: return inputs[0]
    case let operation as Reshape:
      let batch = isBatched[0] ? [0] : []
      return layer("Reshape", node, inputs + [integers(batch + operation.shape, "\(node.name).shape")])
    case let operation as Transpose where isBatched[0]:
      return layer("Transpose", node, inputs, [.ints("perm", [0] + operation.order.map { $0 + 1 })])
    case let operation as Concatenate where node.isBatched:
      return layer("Concat", node, repeated(inputs, shapes, isBatched, node), [.int("axis", operation.axis + 1)])
    case let operation as Slice where isBatched[0]: return slice(operation, node, inputs)
    case let operation as Pad where isBatched[0]: return pad(operation, node, inputs)
    case is Parameter: return node.fullName(node.parameters[0])
    case let operation as Constant:
      guard operation.value.type == .float32 else { throw fail(node, "constants of integers are not written") }
      add(operation.value, node.name)
      return node.name
    case is Identity: return inputs[0]
    default: throw fail(node, "this kind of operation is not written")
    }
  }

  /// A node of one operator under the layer's own name.
  private mutating func layer(
    _ op: String, _ node: Graph.Node, _ inputs: [String], _ attributes: [Onnx_AttributeProto] = []
  ) -> String {
    append(op, node.name, inputs, fresh("\(node.name):0"), attributes)
  }

  @discardableResult
  private mutating func append(
    _ op: String, _ name: String, _ inputs: [String], _ output: String? = nil, _ attributes: [Onnx_AttributeProto] = []
  ) -> String {
    let output = output ?? fresh("\(name):0")
    nodes.append(
      .with {
        $0.opType = op
        $0.name = name
        $0.input = inputs
        $0.output = [output]
        $0.attribute = attributes
      })
    return output
  }

  private mutating func fresh(_ base: String) -> String {
    var (name, number) = (base, 1)
    while !names.insert(name).inserted {
      number += 1
      name = "\(base)#\(number)"
    }
    return name
  }

  // MARK: Tensors

  private mutating func add(_ tensor: Tensor, _ name: String, _ shape: [Int]? = nil) {
    tensors.append(
      .with {
        $0.name = name
        $0.dataType = 1
        $0.dims = (shape ?? tensor.shape).map(Int64.init)
        $0.rawData = tensor.withUnsafeBuffer { Data(buffer: $0) }
      })
  }

  private mutating func constant(_ value: Float, _ name: String) -> String {
    let name = fresh(name)
    add(Tensor(shape: [], [value]), name)
    return name
  }

  private mutating func integers(_ values: [Int], _ name: String) -> String {
    let name = fresh(name)
    tensors.append(
      .with {
        $0.name = name
        $0.dataType = 7
        $0.dims = [Int64(values.count)]
        $0.rawData = values.map { Int64($0).littleEndian }.withUnsafeBufferPointer { Data(buffer: $0) }
      })
    return name
  }

  // MARK: Layers

  private mutating func convolution(_ operation: Convolution, _ node: Graph.Node, _ inputs: [String]) throws -> String {
    let isRow = operation.axes == 1
    return layer(
      "Conv", node, inputs + node.parameters.map { node.fullName($0) },
      [
        .ints("kernel_shape", operation.kernel.list(isRow)), .ints("strides", operation.stride.list(isRow)),
        .ints("pads", operation.padding.list(isRow)), .ints("dilations", operation.dilation.list(isRow)),
        .int("group", operation.groups),
      ])
  }

  /// A matrix product with the transposed weight; of features alone a Gemm, with the weight as it is.
  private mutating func linear(
    _ operation: Linear, _ node: Graph.Node, _ inputs: [String], _ shape: [Int]
  ) -> String {
    let names = node.parameters.map { node.fullName($0) }
    let weight = parameters[names[0]]!
    if operation.hasBias { add(parameters[names[1]]!, names[1]) }
    guard shape.count > 1 else {
      add(weight, names[0])
      return layer("Gemm", node, inputs + names, [.int("transB", 1)])
    }
    add(weight.permuted([1, 0]), names[0])
    guard operation.hasBias else { return layer("MatMul", node, inputs + [names[0]]) }
    let product = append("MatMul", node.name, inputs + [names[0]])
    return append("Add", fresh("\(node.name)/Add"), [product, names[1]])
  }

  private mutating func layerNorm(
    _ operation: LayerNorm, _ node: Graph.Node, _ inputs: [String], _ shape: [Int]
  ) -> String {
    let names = node.parameters.map { node.fullName($0) }
    for name in names { add(parameters[name]!, name) }
    let attributes: [Onnx_AttributeProto] = [.int("axis", -1), .float("epsilon", operation.epsilon)]
    guard operation.axis == .channels, shape.count > 1 else {
      return layer("LayerNormalization", node, inputs + names, attributes)
    }
    let axes = Array(1..<shape.count)
    let last = append(
      "Transpose", fresh("\(node.name)/Transpose"), inputs, nil, [.ints("perm", [0] + axes.map { $0 + 1 } + [1])])
    let normed = layer("LayerNormalization", node, [last] + names, attributes)
    return append(
      "Transpose", fresh("\(node.name)/Transpose_1"), [normed], nil, [.ints("perm", [0, shape.count] + axes)])
  }

  /// `softmax(scale q k^T) v`, heads apart, as exporters write it.
  private mutating func attention(
    _ operation: ScaledDotProductAttention, _ node: Graph.Node, _ inputs: [String], _ shapes: [[Int]]
  ) throws -> String {
    guard inputs.count == 3, operation.keyHeads == operation.heads, !operation.isCausal else {
      throw fail(node, "masks and shared keys are not written")
    }
    let heads = operation.heads
    func name(_ part: String) -> String { "\(node.name)/\(part)" }
    let parts = ["q", "k", "v"].enumerated().map { place, part in
      let shape = integers([0, shapes[place][0], heads, shapes[place][1] / heads], name("\(part).shape"))
      let apart = append("Reshape", fresh(name("\(part)/Reshape")), [inputs[place], shape])
      let order = part == "k" ? [0, 2, 3, 1] : [0, 2, 1, 3]
      return append("Transpose", fresh(name("\(part)/Transpose")), [apart], nil, [.ints("perm", order)])
    }
    let scale = operation.scale ?? 1 / Float(shapes[0][1] / heads).squareRoot()
    let scores = append("MatMul", fresh(name("scores")), [parts[0], parts[1]])
    let scaled = append("Mul", fresh(name("Mul")), [scores, constant(scale, name("scale"))])
    let weights = append("Softmax", fresh(name("Softmax")), [scaled], nil, [.int("axis", -1)])
    let attended = append("MatMul", node.name, [weights, parts[2]])
    let turned = append("Transpose", fresh(name("Transpose")), [attended], nil, [.ints("perm", [0, 2, 1, 3])])
    return append("Reshape", fresh(name("Reshape")), [turned, integers([0] + node.shape, name("shape"))])
  }

  private mutating func affine(
    _ operation: ChannelAffine, _ node: Graph.Node, _ inputs: [String], _ shape: [Int]
  ) -> String {
    let extents = [shape[0]] + shape.dropFirst().map { _ in 1 }
    let names = ["scale", "shift"].map { fresh("\(node.name).\($0)") }
    for (name, values) in zip(names, [operation.scale, operation.shift]) {
      add(Tensor(shape: extents, values), name)
    }
    let product = append("Mul", fresh("\(node.name)/Mul"), inputs + [names[0]])
    return layer("Add", node, [product, names[1]])
  }

  private mutating func averagePool(
    _ operation: AveragePool, _ node: Graph.Node, _ inputs: [String], _ shape: [Int]
  ) throws -> String {
    let isRow = operation.axes == 1
    switch operation.windows {
    case .adaptive(let output) where output.list(isRow).allSatisfy({ $0 == 1 }):
      return layer("GlobalAveragePool", node, inputs)
    case .adaptive(let output):
      let counts = output.list(isRow)
      let extents = Array(shape.suffix(counts.count))
      guard zip(extents, counts).allSatisfy({ $0 % $1 == 0 }) else {
        throw fail(node, "windows of several sizes are not written")
      }
      let kernel = zip(extents, counts).map { $0 / $1 }
      return layer("AveragePool", node, inputs, [.ints("kernel_shape", kernel), .ints("strides", kernel)])
    case .sliding(let kernel, let stride, let padding, let roundsUp, let countsPadding):
      return layer(
        "AveragePool", node, inputs,
        [
          .ints("kernel_shape", kernel.list(isRow)), .ints("strides", stride.list(isRow)),
          .ints("pads", padding.list(isRow)), .int("ceil_mode", roundsUp ? 1 : 0),
          .int("count_include_pad", countsPadding ? 1 : 0),
        ])
    }
  }

  private mutating func maxPool(_ operation: MaxPool, _ node: Graph.Node, _ inputs: [String]) -> String {
    let isRow = operation.axes == 1
    return layer(
      "MaxPool", node, inputs,
      [
        .ints("kernel_shape", operation.kernel.list(isRow)), .ints("strides", operation.stride.list(isRow)),
        .ints("pads", operation.padding.list(isRow)), .ints("dilations", operation.dilation.list(isRow)),
        .int("ceil_mode", operation.roundsUp ? 1 : 0),
      ])
  }

  private mutating func slice(_ operation: Slice, _ node: Graph.Node, _ inputs: [String]) -> String {
    let bounds = operation.parts.map { part in
      switch part.places {
      case .range(let range): (range.lowerBound, range.upperBound, 1)
      case .python(let start, let end, let step): (start, end, step)
      }
    }
    let lists = [
      ("starts", bounds.map(\.0)), ("ends", bounds.map(\.1)), ("axes", operation.parts.map { $0.axis + 1 }),
      ("steps", bounds.map(\.2)),
    ]
    let names = lists.map { integers($0.1, "\(node.name).\($0.0)") }
    return layer("Slice", node, inputs + names)
  }

  private mutating func pad(_ operation: Pad, _ node: Graph.Node, _ inputs: [String]) -> String {
    let pads = integers([0] + operation.begins + [0] + operation.ends, "\(node.name).pads")
    let value = operation.mode == .constant ? [constant(operation.value, "\(node.name).value")] : []
    return layer("Pad", node, inputs + [pads] + value, [.text("mode", operation.mode.rawValue)])
  }

  // MARK: The batch axis

  /// Values that are combined place by place: where one has the batch axis and fewer axes than others behind it, axes of
  /// one place come between.
  private mutating func aligned(
    _ inputs: [String], _ shapes: [[Int]], _ isBatched: [Bool], _ node: Graph.Node
  ) -> [String] {
    let rank = shapes.map(\.count).max() ?? 0
    return inputs.indices.map { place in
      guard isBatched[place], shapes[place].count < rank else { return inputs[place] }
      let ones = [Int](repeating: 1, count: rank - shapes[place].count)
      let shape = integers([0] + ones + shapes[place], "\(node.name).shape")
      return append("Reshape", fresh("\(node.name)/Reshape"), [inputs[place], shape])
    }
  }

  /// Values that are joined: those that all images share are repeated for each.
  private mutating func repeated(
    _ inputs: [String], _ shapes: [[Int]], _ isBatched: [Bool], _ node: Graph.Node
  ) -> [String] {
    guard let batched = isBatched.firstIndex(of: true), isBatched.contains(false) else { return inputs }
    let shape = append(
      "Shape", fresh("\(node.name)/Shape"), [inputs[batched]], nil, [.int("start", 0), .int("end", 1)])
    return inputs.indices.map { place in
      guard !isBatched[place] else { return inputs[place] }
      let own = integers(shapes[place], "\(node.name).extents")
      let whole = append("Concat", fresh("\(node.name)/Concat"), [shape, own], nil, [.int("axis", 0)])
      return append("Expand", fresh("\(node.name)/Expand"), [inputs[place], whole])
    }
  }
}

extension Extent {
  /// The extents as a list of the axes: one along a row.
  fileprivate func list(_ isRow: Bool) -> [Int] { isRow ? [width] : [height, width] }
}

extension Padding {
  /// All begins, then all ends.
  fileprivate func list(_ isRow: Bool) -> [Int] { isRow ? [left, right] : [top, left, bottom, right] }
}

extension Onnx_AttributeProto {
  fileprivate static func int(_ name: String, _ value: Int) -> Self {
    .with { ($0.name, $0.type, $0.i) = (name, .int, Int64(value)) }
  }
  fileprivate static func float(_ name: String, _ value: Float) -> Self {
    .with { ($0.name, $0.type, $0.f) = (name, .float, value) }
  }
  fileprivate static func ints(_ name: String, _ values: [Int]) -> Self {
    .with { ($0.name, $0.type, $0.ints) = (name, .ints, values.map(Int64.init)) }
  }
  fileprivate static func text(_ name: String, _ value: String) -> Self {
    .with { ($0.name, $0.type, $0.s) = (name, .string, Data(value.utf8)) }
  }
}
