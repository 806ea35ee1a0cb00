import Failures
import Foundation
import Pullbacks

/// One operator in its place.
struct OnnxNode {
  /// The file's name of it; that of its first output where it has none.
  var name: String
  /// The operator: `Conv`.
  var op: String
  /// The operator's domain; empty for ONNX's own.
  var domain: String
  /// The names of values; empty for those that are left out.
  var inputs: [String]
  var outputs: [String]
  var attributes: [String: Onnx_AttributeProto] = [:]
  /// The version of the operator set that the node is written in.
  var opset: Int
  /// The nodes of the file that this one stands for, if it was put together.
  var absorbed: [OnnxNode] = []

  /// The operator with its domain where it is not ONNX's own.
  var fullOp: String { domain.isEmpty ? op : "\(domain).\(op)" }

  /// Input `index` if it is there and named.
  func input(_ index: Int) -> String? {
    index < inputs.count && !inputs[index].isEmpty ? inputs[index] : nil
  }
}

extension OnnxNode {
  func has(_ attribute: String) -> Bool { attributes[attribute] != nil }
  func int(_ attribute: String) -> Int? { attributes[attribute].map { Int($0.i) } }
  func int(_ attribute: String, _ otherwise: Int) -> Int { int(attribute) ?? otherwise }
  func flag(_ attribute: String) -> Bool { int(attribute, 0) != 0 }
  func ints(_ attribute: String) -> [Int]? { attributes[attribute].map { $0.ints.map(Int.init) } }
  func float(_ attribute: String, _ otherwise: Float) -> Float { attributes[attribute].map(\.f) ?? otherwise }
  func text(_ attribute: String, _ otherwise: String = "") -> String {
    attributes[attribute].map { String(decoding: $0.s, as: UTF8.self) } ?? otherwise
  }

  mutating func set(_ attribute: String, _ value: Int) {
    attributes[attribute] = Onnx_AttributeProto.with {
      $0.name = attribute
      $0.type = .int
      $0.i = Int64(value)
    }
  }
  mutating func set(_ attribute: String, _ value: Float) {
    attributes[attribute] = Onnx_AttributeProto.with {
      $0.name = attribute
      $0.type = .float
      $0.f = value
    }
  }
  mutating func set(_ attribute: String, _ values: [Int]) {
    attributes[attribute] = Onnx_AttributeProto.with {
      $0.name = attribute
      $0.type = .ints
      $0.ints = values.map(Int64.init)
    }
  }
}

extension [OnnxNode] {
  /// The nodes, in their order, that some values depend on.
  func needed(for values: Set<String>) -> [OnnxNode] {
    var (values, kept) = (values, [OnnxNode]())
    for node in reversed() where node.outputs.contains(where: values.contains) {
      kept.append(node)
      values.formUnion(node.inputs + node.captured)
    }
    return kept.reversed()
  }
}

/// The graph of a file: nodes in an order in which each comes after its inputs, and every value named once.
struct OnnxGraph {
  /// An extent of an input.
  enum Extent {
    case known(Int)
    /// Empty where the file does not name it.
    case named(String)
  }

  /// An input of the graph.
  struct Input {
    let name: String
    let kind: ElementKind
    let extents: [Extent]

    /// An axis, not the first, whose open extent is called the batch.
    var axisCalledBatch: Int? {
      extents.indices.dropFirst().first { axis in
        if case .named(let name) = extents[axis] { name.lowercased().contains("batch") } else { false }
      }
    }
  }

  var nodes: [OnnxNode]
  var constants: [String: StoredValue]
  let inputs: [Input]
  let outputs: [String]
  let opset: Int

  /// The largest number of nodes, with functions written out.
  static let nodeLimit = 200_000

  init(_ file: ModelFile) throws {
    let tensors = file.takeTensors()
    let graph = file.model.graph
    var opsets: [String: Int] = [:]
    for entry in file.model.opsetImport { opsets[entry.domain == "ai.onnx" ? "" : entry.domain] = Int(entry.version) }
    // Files before version 3 of the format state none, and mean the first. Where all nodes are functions of the model's
    // own, these say it.
    let others = file.model.functions.flatMap(\.opsetImport).filter { ["", "ai.onnx"].contains($0.domain) }
    let inFunctions = others.map { Int($0.version) }.max()
    guard let stated = opsets[""] ?? inFunctions ?? opsets.values.max() ?? (file.model.irVersion < 3 ? 1 : nil) else {
      throw file.failure(
        "the model", "it does not say of which operator set its nodes are", advice: "export the model again")
    }
    opset = stated
    guard (1...OperatorSchemas.newest).contains(opset) else {
      throw file.failure(
        "operator set \(opset)", "sets 1 to \(OperatorSchemas.newest) are known",
        advice: "export the model with one of them")
    }
    var inliner = Inliner(file, opsets)
    nodes = try inliner.expand(graph.node)

    constants = [:]
    for proto in tensors {
      guard constants[proto.name] == nil, !proto.name.isEmpty else {
        throw file.failure("tensor \(quoted(proto.name))", "the name is used twice, or empty")
      }
      constants[proto.name] = try StoredValue(proto, name: proto.name, in: file)
    }
    guard graph.sparseInitializer.isEmpty else {
      throw file.failure("the graph", "it has sparse tensors", advice: "export it with dense ones")
    }
    // Old files list initialisers among the inputs.
    let known = constants
    inputs = try graph.input.filter { known[$0.name] == nil }.map { try Input($0, file) }
    guard !inputs.isEmpty else { throw file.failure("the graph", "nothing comes in") }
    outputs = graph.output.map(\.name)
    guard !outputs.isEmpty else { throw file.failure("the graph", "nothing comes out") }
    try sort(file)
  }
}

extension OnnxGraph.Input {
  fileprivate init(_ proto: Onnx_ValueInfoProto, _ file: ModelFile) throws {
    name = proto.name
    let subject = "input \(quoted(proto.name))"
    guard case .tensorType(let type)? = proto.type.value else {
      throw file.failure(subject, "it is no tensor", advice: "networks of tensors are explained")
    }
    guard let kind = ElementKind(rawValue: Int(type.elemType)), kind.isNumber else {
      let found = Onnx_TensorProto.DataType(rawValue: Int(type.elemType)).map { "\($0)" } ?? "\(type.elemType)"
      throw file.failure(
        subject, "its elements are of the type \(found)", advice: "inputs are floats, integers or conditions")
    }
    self.kind = kind
    guard type.hasShape else {
      throw file.failure(subject, "its rank is not stated", advice: "export the model with the shapes of its inputs")
    }
    guard type.shape.dim.count <= 16 else { throw file.failure(subject, "it has \(type.shape.dim.count) axes") }
    extents = try type.shape.dim.map { dim in
      switch dim.value {
      case .dimValue(let value):
        guard value <= Int32.max else { throw file.failure(subject, "an extent is \(value)") }
        // Some exporters write an open extent as -1.
        return value < 0 ? .named("") : .known(Int(value))
      case .dimParam(let name): return .named(name)
      case nil: return .named("")
      }
    }
  }
}

extension OnnxGraph {
  /// Puts the nodes into an order in which each comes after its inputs, and drops those that no output depends on.
  private mutating func sort(_ file: ModelFile) throws {
    var makers: [String: Int] = [:]
    let given = Set(inputs.map(\.name)).union(constants.keys)
    for (index, node) in nodes.enumerated() {
      for output in node.outputs where !output.isEmpty {
        guard makers[output] == nil, !given.contains(output) else {
          throw file.failure("node \(quoted(node.name))", "the value \(quoted(output)) is made twice")
        }
        makers[output] = index
      }
    }
    // Depth first from the outputs, without recursion: 1 is begun, 2 is done.
    var state = [UInt8](repeating: 0, count: nodes.count)
    var order: [Int] = []
    for output in outputs {
      guard let last = makers[output] else {
        guard given.contains(output) else { throw file.failure("output \(quoted(output))", "no node makes it") }
        continue
      }
      var stack = [(node: last, next: 0)]
      if state[last] == 2 { continue }
      state[last] = 1
      while let (node, next) = stack.last {
        let needed = nodes[node].inputs + nodes[node].captured
        guard next < needed.count else {
          state[node] = 2
          order.append(node)
          stack.removeLast()
          continue
        }
        stack[stack.count - 1].next += 1
        let value = needed[next]
        guard !value.isEmpty, !given.contains(value) else { continue }
        guard let maker = makers[value] else {
          if next >= nodes[node].inputs.count { continue }
          throw file.failure(
            "node \(quoted(nodes[node].name))", "its input \(quoted(value)) is made by no node",
            advice: "export the model again")
        }
        if state[maker] == 1 {
          throw file.failure("node \(quoted(nodes[node].name))", "it depends on itself, by \(quoted(value))")
        }
        if state[maker] == 0 {
          state[maker] = 1
          stack.append((maker, 0))
        }
      }
    }
    nodes = order.map { nodes[$0] }
  }
}

extension OnnxNode {
  /// Values that the node's subgraphs may take from around them.
  var captured: [String] {
    attributes.values.flatMap { attribute in
      (attribute.hasG ? [attribute.g] : []) + attribute.graphs
    }.flatMap { graph in graph.node.flatMap(\.input) + graph.output.map(\.name) }
  }
}
