/// A network's structure as data: operations in an order in which each comes after its inputs.
///
/// The graph knows every shape and the name and shape of every parameter, but holds no parameters itself; with them it
/// is a ``Network``. Node names are the checkpoint's own (`layer4.2.conv3`), and a node's parameters are called
/// `<node>.<parameter>`. Inputs, constants and parameters that stand alone are nodes too.
///
/// A graph describes what is done to one image. Values that depend on the inputs have a row for each image of a batch;
/// constants, parameters and what is computed of these alone have one row that goes with every image.
public struct Graph: Sendable {
  /// One operation in its place.
  public struct Node: Sendable {
    /// The checkpoint's name of the layer, unique in the graph.
    public let name: String
    /// The operation of the node.
    public let operation: any Operation
    /// The nodes whose values this one takes, in order.
    public let inputs: [Int]
    /// The shape of the value, without the batch axis.
    public let shape: [Int]
    /// The type of the value's elements.
    public let type: ElementType
    /// Whether the value depends on an input of the network, and so has a row for each image.
    public let isBatched: Bool
    /// The parameters to be learnt or loaded, shapes included.
    public let parameters: [ParameterDescription]

    /// The checkpoint's name of a parameter of this node; the node's own where the parameter has none.
    public func fullName(_ parameter: ParameterDescription) -> String {
      parameter.name.isEmpty ? name : "\(name).\(parameter.name)"
    }

    /// Whether the value comes in from outside.
    public var isInput: Bool { operation is Input }
  }

  /// A value that comes in.
  public struct InputDescription: Hashable, Sendable {
    /// The name of the input, and of its node.
    public let name: String
    /// Without the batch axis.
    public let shape: [Int]
    /// The type of its elements.
    public let type: ElementType

    /// - Parameters:
    ///   - name: the name of the input.
    ///   - shape: without the batch axis.
    ///   - type: the type of its elements.
    public init(_ name: String, _ shape: [Int], type: ElementType = .float32) {
      self.name = name
      self.shape = shape
      self.type = type
    }
  }

  /// A value that goes out.
  public struct Output: Hashable, Sendable {
    /// The name of the output.
    public let name: String
    /// The node whose value it is.
    public let node: Int
  }

  /// The architecture's name, for messages.
  public let name: String
  /// In an order in which each comes after its inputs; the network's inputs are the first.
  public let nodes: [Node]
  /// The values that go out; the first is meant where none is named.
  public let outputs: [Output]

  /// The names of the nodes of the network that this one is a part of, its own among them: a rule set may name them
  /// all.
  let knownNames: Set<String>

  /// The first input, which is meant where none is named.
  public var inputShape: [Int] { nodes[0].shape }

  /// The node of the first output.
  public var output: Int { outputs[0].node }

  /// The shape of the first output; `[classes]` for a classifier.
  public var outputShape: [Int] { nodes[output].shape }

  /// The values that come in, in the order of their nodes, which are the first.
  public var inputs: [InputDescription] {
    nodes.prefix(while: \.isInput).map { InputDescription($0.name, $0.shape, type: $0.type) }
  }

  /// Describes a network as a function of its one input.
  ///
  /// ```swift
  /// let graph = try Graph("tiny", input: [3, 32, 32]) { image in
  ///   image.convolution("conv", 8, kernel: 3, padding: 1).relu("relu").maxPool("pool", kernel: 2)
  ///     .flatten().linear("fc", 10)
  /// }
  /// ```
  /// - Parameters:
  ///   - name: the architecture's name, for messages.
  ///   - input: the shape of one input, without the batch axis.
  ///   - body: the output as a function of the input.
  /// - Throws: `PullbackError` naming the first node whose inputs do not fit it, or a name that is used twice.
  public init(_ name: String, input: [Int], _ body: (Signal) -> Signal) throws(PullbackError) {
    try self.init(name, inputs: [InputDescription("input", input)]) { [("output", body($0[0]))] }
  }

  /// Describes a network of several inputs and outputs.
  ///
  /// - Parameters:
  ///   - name: the architecture's name, for messages.
  ///   - inputs: the inputs; at least one.
  ///   - body: the named outputs as a function of the inputs, in their order; at least one.
  /// - Throws: `PullbackError` naming the first node whose inputs do not fit it, or a name that is used twice.
  public init(
    _ name: String, inputs: [InputDescription], _ body: ([Signal]) -> [(name: String, signal: Signal)]
  ) throws(PullbackError) {
    precondition(!inputs.isEmpty, "a network has an input")
    let builder = GraphBuilder()
    let signals = inputs.map { input in
      Signal(builder: builder, node: builder.add(Input(shape: input.shape, type: input.type), input.name, []))
    }
    let outputs = body(signals)
    if let error = builder.error { throw error }
    precondition(!outputs.isEmpty, "a network has an output")
    for output in outputs where output.signal.builder !== builder {
      throw PullbackError(.usage, "output \(output.name)", "it is a signal of another network")
    }
    var names: Set<String> = []
    for output in outputs where !names.insert(output.name).inserted {
      throw PullbackError(.usage, "output \(output.name)", "the name is used twice")
    }
    self.name = name
    self.nodes = builder.nodes
    self.outputs = outputs.map { Output(name: $0.name, node: $0.signal.node) }
    knownNames = Set(builder.nodes.map(\.name))
  }

  init(name: String, nodes: [Node], outputs: [Output], partOf whole: Graph) {
    self.name = name
    self.nodes = nodes
    self.outputs = outputs
    knownNames = whole.knownNames
  }

  /// The number of values that the network computes for one image, over all nodes.
  public var activationCount: Int { nodes.reduce(0) { $0 + $1.shape.product } }

  /// The node called `name`.
  public func index(of name: String) -> Int? { nodes.firstIndex { $0.name == name } }

  /// The node whose value is the output of the layer called `name`: the node of this name, or else the last one of
  /// those that it has inside. The layer `layer3` of a ResNet ends with the last activation of its last block.
  public func index(ofLayer name: String) -> Int? {
    index(of: name) ?? nodes.lastIndex { $0.name.hasPrefix(name + ".") }
  }

  /// The index of the node called `name`, or of the last one of the layer of that name.
  ///
  /// - Throws: `PullbackError` if there is none.
  func node(_ name: String) throws(PullbackError) -> Int {
    if let index = index(ofLayer: name) { return index }
    throw unknown(name)
  }

  /// The error for a name that no node has.
  func unknown(_ name: String) -> PullbackError {
    let ending = name.split(separator: ".").last.map(String.init) ?? name
    let similar = nodes.map(\.name).filter { $0.hasSuffix(ending) }.suffix(3)
    return PullbackError(
      .usage, "node \(name)", "\(self.name) has no node of this name",
      advice: similar.isEmpty
        ? "Graph.nodes has them all" : "similar names are \(similar.joined(separator: ", "))")
  }

  /// The output called `name`; the first if none is named.
  ///
  /// - Throws: `PullbackError` if there is none of that name.
  public func output(named name: String?) throws(PullbackError) -> Output {
    guard let name else { return outputs[0] }
    if let output = outputs.first(where: { $0.name == name }) { return output }
    throw PullbackError(
      .usage, "output \(name)", "\(self.name) has no output of this name",
      advice: "it has \(outputs.map(\.name).joined(separator: ", "))")
  }

  /// Every parameter's full name and description, in the order of the nodes.
  public var parameters: [(name: String, description: ParameterDescription)] {
    nodes.flatMap { node in node.parameters.map { (node.fullName($0), $0) } }
  }

  /// The last node that takes each node's value; the node itself where none does.
  package var lastUses: [Int] {
    var lastUses = Array(nodes.indices)
    for (index, node) in nodes.enumerated() {
      for input in node.inputs { lastUses[input] = index }
    }
    return lastUses
  }

  /// The nodes that take each node's value, in order; one that takes it twice is listed twice.
  package var consumers: [[Int]] {
    var consumers = [[Int]](repeating: [], count: nodes.count)
    for (index, node) in nodes.enumerated() { for input in node.inputs { consumers[input].append(index) } }
    return consumers
  }

  /// The inputs of node `index` in the form that its operation takes: for most operations, a value without a row for
  /// each image is repeated for the `images` of the batch.
  package func operands(_ index: Int, images: Int, value: (Int) -> Tensor) -> [Tensor] {
    let node = nodes[index]
    return node.inputs.map { input in
      let tensor = value(input)
      return node.repeats(nodes[input]) ? tensor.repeated(images) : tensor
    }
  }

  /// The shapes of the inputs of node `index`, batch axis included.
  package func operandShapes(_ index: Int, images: Int) -> [[Int]] {
    let node = nodes[index]
    return node.inputs.map { input in
      let source = nodes[input]
      return [source.isBatched || node.repeats(source) ? images : 1] + source.shape
    }
  }
}

extension Graph.Node {
  /// The value of the node's operation.
  ///
  /// - Precondition: it has the shape that the operation states. Otherwise this traps with a message for the author of
  ///   the operation; `fatalError` prints its message in optimised code too.
  package func evaluate(_ operands: [Tensor], _ parameters: [Tensor], mode: Mode, images: Int) -> Evaluation {
    let evaluation = operation.forward(operands, parameters, mode: mode)
    let expected = [isBatched ? images : 1] + shape
    guard evaluation.output.shape == expected, evaluation.output.type == type else {
      fatalError(
        "node \(name): the value of \(operation.kind) is \(evaluation.output.type) of shape "
          + "\(evaluation.output.shape), and not \(type) of shape \(expected), as the operation says")
    }
    return evaluation
  }

  /// Whether a value that this node takes is repeated for every image of a batch before it is handed over.
  fileprivate func repeats(_ source: Graph.Node) -> Bool {
    isBatched && !source.isBatched && !operation.takesBatchesOfOne
  }
}

/// Nodes in the making. The first mistake is kept, and what follows it is ignored, so that a network's description
/// needs no `try` on every line.
final class GraphBuilder {
  private(set) var nodes: [Graph.Node] = []
  private(set) var error: PullbackError?
  private var names: Set<String> = []

  func add(_ operation: any Operation, _ name: String?, _ inputs: [Signal]) -> Int {
    guard error == nil else { return 0 }
    let name = name ?? freeName(operation.kind)
    guard inputs.allSatisfy({ $0.builder === self }) else {
      error = PullbackError(
        .usage, "node \(name)", "an input is a signal of another network",
        advice: "signals are good in the description that they were handed out in")
      return 0
    }
    let inputs = inputs.map(\.node)
    guard names.insert(name).inserted else {
      error = PullbackError(.usage, "node \(name)", "the name is used twice")
      return 0
    }
    do {
      let shapes = inputs.map { nodes[$0].shape }
      let type = try operation.outputType(inputs.map { nodes[$0].type })
      let shape = try operation.outputShape(shapes)
      let parameters = operation.parameters(shapes)
      for shape in [shape] + parameters.map(\.shape) { try checkExtents(shape, of: operation.kind) }
      append(operation, name, inputs, shape, type, parameters)
      return nodes.count - 1
    } catch {
      self.error = error.at(node: name)
      // The rest of the description is ignored, but still asks for the shape of its input.
      if let input = operation as? Input { append(input, name, [], input.shape, input.type, []) }
      return 0
    }
  }

  /// The name of a node that the description gives none: its kind and its place.
  private func freeName(_ kind: String) -> String {
    var name = "\(kind)_\(nodes.count)"
    while names.contains(name) { name += "_" }
    return name
  }

  private func append(
    _ operation: any Operation, _ name: String, _ inputs: [Int], _ shape: [Int], _ type: ElementType,
    _ parameters: [ParameterDescription]
  ) {
    nodes.append(
      Graph.Node(
        name: name, operation: operation, inputs: inputs, shape: shape, type: type,
        isBatched: operation is Input || inputs.contains { nodes[$0].isBatched }, parameters: parameters))
  }
}

extension PullbackError {
  /// An operation's complaint as that of the node where it stands.
  fileprivate func at(node: String) -> PullbackError {
    PullbackError(kind, "node \(node)", "\(subject): \(problem)", advice: advice)
  }
}
