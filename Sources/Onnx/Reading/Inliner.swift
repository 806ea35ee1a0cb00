import Failures

/// Writes out the functions that a model defines where its nodes call them.
struct Inliner {
  private let file: ModelFile
  private let opsets: [String: Int]
  private var functions: [String: Onnx_FunctionProto] = [:]
  private var count = 0
  private var calls = 0

  /// The largest depth of functions that call one another.
  private static let depth = 16

  init(_ file: ModelFile, _ opsets: [String: Int]) {
    self.file = file
    self.opsets = opsets
    for function in file.model.functions {
      functions[Self.key(function.domain, function.name, function.overload)] = function
    }
  }

  private static func key(_ domain: String, _ name: String, _ overload: String) -> String {
    "\(domain)\u{0}\(name)\u{0}\(overload)"
  }

  /// The nodes with functions written out.
  mutating func expand(_ nodes: [Onnx_NodeProto]) throws -> [OnnxNode] {
    try nodes.flatMap { try expand($0, opsets, prefix: "", rename: { $0 }, attributes: [:], depth: 0) }
  }

  private mutating func expand(
    _ proto: Onnx_NodeProto, _ opsets: [String: Int], prefix: String, rename: (String) -> String,
    attributes: [String: Onnx_AttributeProto], depth: Int
  ) throws -> [OnnxNode] {
    // The domain of layers that are put together here is not for files.
    let domain = ["ai.onnx": "", "pullbacks": "pullbacks (the file's)"][proto.domain] ?? proto.domain
    let inputs = proto.input.map { $0.isEmpty ? "" : rename($0) }
    let outputs = proto.output.map { $0.isEmpty ? "" : rename($0) }
    let first = outputs.first { !$0.isEmpty } ?? ""
    let name = proto.name.isEmpty ? first : prefix + proto.name
    var own: [String: Onnx_AttributeProto] = [:]
    for var attribute in proto.attribute {
      if !attribute.refAttrName.isEmpty {
        guard let given = attributes[attribute.refAttrName] else { continue }
        let name = attribute.name
        attribute = given
        attribute.name = name
      }
      own[attribute.name] = attribute
    }
    guard let function = functions[Self.key(proto.domain, proto.opType, proto.overload)] else {
      count += 1
      guard count <= OnnxGraph.nodeLimit else {
        throw file.failure("the graph", "it has more than \(OnnxGraph.nodeLimit) nodes, functions written out")
      }
      let node = OnnxNode(
        name: name, op: proto.opType, domain: domain, inputs: inputs, outputs: outputs, attributes: own,
        opset: opsets[domain] ?? opsets[""] ?? 1)
      try node.checkAttributes(file)
      return [node]
    }
    guard depth < Self.depth else {
      throw file.failure("function \(quoted(function.name))", "functions call one another more than \(Self.depth) deep")
    }
    calls += 1
    guard calls <= OnnxGraph.nodeLimit else { throw file.failure("the graph", "functions call one another too often") }
    var names: [String: String] = [:]
    for (formal, actual) in zip(function.input, inputs) { names[formal] = actual }
    for formal in function.input.dropFirst(inputs.count) { names[formal] = "" }
    for (formal, actual) in zip(function.output, outputs) where !actual.isEmpty { names[formal] = actual }
    for attribute in function.attributeProto where own[attribute.name] == nil { own[attribute.name] = attribute }
    var inner: [String: Int] = opsets
    for entry in function.opsetImport { inner[entry.domain == "ai.onnx" ? "" : entry.domain] = Int(entry.version) }
    let scope = "\(name)/"
    let call = calls
    let given = own
    var result: [OnnxNode] = []
    for node in function.node {
      result += try expand(
        node, inner, prefix: scope, rename: { names[$0] ?? "\($0)\u{1}\(call)" }, attributes: given, depth: depth + 1)
    }
    return result
  }
}
