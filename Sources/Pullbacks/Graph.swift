/// A network's structure as data: operations in an order in which each comes after its inputs.
///
/// The graph knows every shape and the name and shape of every parameter, but holds no parameters itself; with them it
/// is a ``Network``. Node names are the checkpoint's own (`layer4.2.conv3`), and a node's parameters are called
/// `<node>.<parameter>`.
public struct Graph: Sendable {
  /// One operation in its place.
  public struct Node: Sendable {
    /// The checkpoint's name of the layer, unique in the graph.
    public let name: String
    /// What is computed here.
    public let operation: any Operation
    /// The nodes whose values this one takes, in order; the image is node 0.
    public let inputs: [Int]
    /// The shape of the value, without the batch axis.
    public let shape: [Int]
    /// What must be learnt or loaded for it, shapes included.
    public let parameters: [ParameterDescription]

    /// The checkpoint's name of a parameter of this node; the node's own where the parameter has none.
    public func fullName(_ parameter: ParameterDescription) -> String {
      parameter.name.isEmpty ? name : "\(name).\(parameter.name)"
    }
  }

  /// The architecture's name, for messages.
  public let name: String
  /// In an order in which each comes after its inputs; node 0 is the image.
  public let nodes: [Node]
  /// The node whose value is the network's.
  public let output: Int

  /// The shape of one input, `(C, H, W)` for images.
  public var inputShape: [Int] { nodes[0].shape }

  /// The shape of one output; `[classes]` for a classifier.
  public var outputShape: [Int] { nodes[output].shape }

  /// Describes a network as a function of its input.
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
  /// - Throws: ``PullbackError`` naming the first node whose inputs do not fit it, or a name that is used twice.
  public init(_ name: String, input: [Int], _ body: (Signal) -> Signal) throws(PullbackError) {
    let builder = GraphBuilder(input: input)
    let output = body(Signal(builder: builder, node: 0))
    if let error = builder.error { throw error }
    self.name = name
    self.nodes = builder.nodes
    self.output = output.node
  }

  init(name: String, nodes: [Node], output: Int) {
    self.name = name
    self.nodes = nodes
    self.output = output
  }

  /// How many values the network computes for one image, over all nodes.
  public var activationCount: Int { nodes.reduce(0) { $0 + $1.shape.product } }

  /// The node called `name`.
  public func index(of name: String) -> Int? { nodes.firstIndex { $0.name == name } }

  /// Every parameter's full name and description, in the order of the nodes.
  public var parameters: [(name: String, description: ParameterDescription)] {
    nodes.flatMap { node in node.parameters.map { (node.fullName($0), $0) } }
  }

  /// The last node that takes each node's value; the node itself where none does.
  var lastUses: [Int] {
    var lastUses = Array(nodes.indices)
    for (index, node) in nodes.enumerated() {
      for input in node.inputs { lastUses[input] = index }
    }
    return lastUses
  }
}

/// The image: it takes nothing and its value is given.
struct Input: Operation {
  let shape: [Int]
  var kind: String { "input" }
  func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] { shape }
  func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    preconditionFailure("the input's value is given")
  }
  func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { [] }
}

/// Nodes in the making. The first mistake is kept, and what follows it is ignored, so that a network's description
/// needs no `try` on every line.
final class GraphBuilder {
  private(set) var nodes: [Graph.Node]
  private(set) var error: PullbackError?
  private var names: Set<String> = ["input"]

  init(input: [Int]) {
    nodes = [Graph.Node(name: "input", operation: Input(shape: input), inputs: [], shape: input, parameters: [])]
    do { try checkExtents(input, of: "input") } catch { self.error = error.at(node: "input") }
  }

  func add(_ operation: any Operation, _ name: String?, _ inputs: [Int]) -> Int {
    guard error == nil else { return 0 }
    let name = name ?? "\(operation.kind)_\(nodes.count)"
    guard names.insert(name).inserted else {
      error = PullbackError(.usage, "node \(name)", "the name is used twice")
      return 0
    }
    do {
      let shapes = inputs.map { nodes[$0].shape }
      let shape = try operation.outputShape(shapes)
      let parameters = operation.parameters(shapes)
      for shape in [shape] + parameters.map(\.shape) { try checkExtents(shape, of: operation.kind) }
      nodes.append(
        Graph.Node(name: name, operation: operation, inputs: inputs, shape: shape, parameters: parameters))
      return nodes.count - 1
    } catch {
      self.error = error.at(node: name)
      return 0
    }
  }
}

extension PullbackError {
  /// An operation's complaint as that of the node where it stands.
  fileprivate func at(node: String) -> PullbackError {
    PullbackError(kind, "node \(node)", "\(subject): \(problem)", advice: advice)
  }
}

/// A value in a network that is being described: the output of some node. Methods named after layers append a node and
/// return its output. Nodes without parameters may go unnamed.
public struct Signal {
  let builder: GraphBuilder
  let node: Int

  /// The shape of the value, without the batch axis.
  public var shape: [Int] { builder.nodes[node].shape }

  /// Appends any operation; `others` are its further inputs.
  public func apply(_ operation: any Operation, _ name: String? = nil, with others: Signal...) -> Signal {
    Signal(builder: builder, node: builder.add(operation, name, [node] + others.map(\.node)))
  }
}

extension Signal {
  /// ``Convolution`` of `(C, H, W)` to `outputs` channels.
  public func convolution(
    _ name: String, _ outputs: Int, kernel: Extent, stride: Extent = 1, padding: Padding = 0, dilation: Extent = 1,
    groups: Int = 1, bias: Bool = true
  ) -> Signal {
    apply(
      Convolution(
        outputs, kernel: kernel, stride: stride, padding: padding, dilation: dilation, groups: groups, bias: bias),
      name)
  }

  /// ``Linear`` map of the last axis to `outputs` values; `parameterPrefix` stands before the names of its parameters.
  public func linear(
    _ name: String, _ outputs: Int, bias: Bool = true, parameterPrefix: String = ""
  ) -> Signal {
    apply(Linear(outputs, bias: bias, parameterPrefix: parameterPrefix), name)
  }

  /// ``BatchNorm``; `momentum` is the weight of a new batch in the running statistics.
  public func batchNorm(_ name: String, epsilon: Float = 1e-5, momentum: Float = 0.1) -> Signal {
    apply(BatchNorm(epsilon: epsilon, momentum: momentum), name)
  }

  /// ``LayerNorm`` of tokens `(T, C)`, or of the channels of `(C, H, W)`.
  public func layerNorm(_ name: String, epsilon: Float = 1e-5, axis: LayerNorm.Axis = .last) -> Signal {
    apply(LayerNorm(epsilon: epsilon, axis: axis), name)
  }

  /// `max(0, x)`
  public func relu(_ name: String? = nil) -> Signal { apply(Activation.relu, name) }
  /// `min(6, max(0, x))`
  public func relu6(_ name: String? = nil) -> Signal { apply(Activation.relu6, name) }
  /// `x Phi(x)`, Phi the standard normal distribution function.
  public func gelu(_ name: String? = nil) -> Signal { apply(Activation.gelu, name) }
  /// `x sigmoid(x)`
  public func silu(_ name: String? = nil) -> Signal { apply(Activation.silu, name) }
  /// `1 / (1 + exp(-x))`
  public func sigmoid(_ name: String? = nil) -> Signal { apply(Activation.sigmoid, name) }
  /// ``Softmax`` over the last axis.
  public func softmax(_ name: String? = nil) -> Signal { apply(Softmax(), name) }
  /// Nothing: a trained network drops no value. The node keeps its place in the list.
  public func dropout(_ name: String? = nil) -> Signal { apply(Identity.dropout, name) }

  /// ``MaxPool``; the stride is the kernel if not given, `ceilMode` keeps windows that hang over the edge.
  public func maxPool(
    _ name: String? = nil, kernel: Extent, stride: Extent? = nil, padding: Padding = 0, ceilMode: Bool = false
  ) -> Signal {
    apply(MaxPool(kernel: kernel, stride: stride, padding: padding, ceilMode: ceilMode), name)
  }

  /// ``AveragePool`` over windows; `countIncludePad` lets zeros of the padding into the mean.
  public func averagePool(
    _ name: String? = nil, kernel: Extent, stride: Extent? = nil, padding: Padding = 0, ceilMode: Bool = false,
    countIncludePad: Bool = true
  ) -> Signal {
    apply(
      AveragePool.sliding(
        kernel: kernel, stride: stride, padding: padding, ceilMode: ceilMode, countIncludePad: countIncludePad), name)
  }

  /// ``AveragePool`` over a grid with as many windows as `output` has places.
  public func adaptiveAveragePool(_ name: String? = nil, to output: Extent) -> Signal {
    apply(AveragePool.adaptive(output), name)
  }

  /// The mean of each channel: `(C, H, W)` to `(C)`.
  public func globalAveragePool(_ name: String? = nil) -> Signal {
    adaptiveAveragePool(name, to: 1).flatten()
  }

  /// The sum of two signals of one shape.
  public func adding(_ other: Signal, _ name: String? = nil) -> Signal { apply(Add(), name, with: other) }
  /// The product with a signal of this shape, or of this shape with trailing axes of extent 1.
  public func multiplied(by other: Signal, _ name: String? = nil) -> Signal { apply(Multiply(), name, with: other) }

  /// Scaled channel by channel; the node's name is the parameter's.
  public func layerScale(_ name: String) -> Signal { apply(LayerScale(), name) }
  /// With a learned tensor added; the node's name is the parameter's.
  public func positionEmbedding(_ name: String) -> Signal { apply(PositionEmbedding(), name) }
  /// With a learned token in front; the node's name is the parameter's.
  public func classToken(_ name: String) -> Signal { apply(ClassToken(), name) }

  /// The same values under another shape, the batch axis not counted.
  public func reshaped(_ shape: [Int], _ name: String? = nil) -> Signal { apply(Reshape(shape), name) }
  /// All values in one axis.
  public func flatten(_ name: String? = nil) -> Signal { reshaped([shape.product], name) }
  /// Axis i of the result is axis `order[i]`, the batch axis not counted.
  public func transposed(_ order: [Int], _ name: String? = nil) -> Signal { apply(Transpose(order), name) }
  /// The part `range` of one axis, the batch axis not counted.
  public func slice(axis: Int, _ range: Range<Int>, _ name: String? = nil) -> Signal {
    apply(Slice(axis: axis, range), name)
  }

  /// Signals joined along an axis; axis 0 is the channels of images.
  public static func concatenate(_ signals: [Signal], axis: Int = 0, _ name: String? = nil) -> Signal {
    precondition(!signals.isEmpty, "nothing to concatenate")
    let builder = signals[0].builder
    return Signal(builder: builder, node: builder.add(Concatenate(axis: axis), name, signals.map(\.node)))
  }

  /// Attention with this signal as queries `(T, C)`, and keys `(S, C)` and values `(S, D)`.
  public func attention(
    _ name: String? = nil, keys: Signal, values: Signal, heads: Int, scale: Float? = nil
  ) -> Signal {
    apply(ScaledDotProductAttention(heads: heads, scale: scale), name, with: keys, values)
  }
}
