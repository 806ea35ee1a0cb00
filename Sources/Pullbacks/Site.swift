/// The place in a recorded forward pass at which a rule or a gradient is asked for a cotangent.
///
/// A rule reads what it declared that it needs, and may ask for the operation's own maps at other parameters and other
/// inputs: ``value(parameters:inputs:)`` and ``gradient(_:parameters:inputs:)``. Layer-wise relevance propagation is
/// written with these two alone; see ``share(_:among:epsilon:)``.
///
/// A rule that breaks its contract ends the program with a message that names the node.
public struct Site: Sendable {
  /// The node's name, for messages.
  public let name: String
  /// The node's operation.
  public let operation: any Operation
  /// Its parameters, in the order in which it lists them.
  public let parameters: [Tensor]
  /// Shapes of the inputs, batch axis included.
  public let inputShapes: [[Int]]
  /// Whether a cotangent is wanted, for each input.
  public let wants: [Bool]
  /// The tensors that its forward map saved.
  public let saved: [Tensor]
  /// The mode in which the network was run.
  public let mode: Mode
  private let values: any SiteValues

  /// - Parameter values: the values that the pass kept here.
  package init(
    name: String, operation: any Operation, parameters: [Tensor], inputShapes: [[Int]], wants: [Bool], saved: [Tensor],
    mode: Mode, values: any SiteValues
  ) {
    self.name = name
    self.operation = operation
    self.parameters = parameters
    self.inputShapes = inputShapes
    self.wants = wants
    self.saved = saved
    self.mode = mode
    self.values = values
  }

  /// Input `index` as it was in the forward pass.
  ///
  /// - Precondition: the rule or operation that reads it declared ``Needs/inputs``.
  public func input(_ index: Int = 0) -> Tensor {
    guard let value = values.input(index) else {
      fatalError(
        "node \(name): its rule or its \(operation.kind) reads an input in the backward pass and did not declare it in "
          + "needs(at:)")
    }
    return value
  }

  /// Every input as it was in the forward pass.
  ///
  /// - Precondition: the rule or operation that reads them declared ``Needs/inputs``.
  public var inputs: [Tensor] { inputShapes.indices.map { input($0) } }

  /// The output as it was in the forward pass.
  ///
  /// - Precondition: the rule or operation that reads it declared ``Needs/output``.
  public var output: Tensor {
    guard let value = values.output else {
      fatalError(
        "node \(name): its rule or its \(operation.kind) reads the output in the backward pass and did not declare it "
          + "in needs(at:)")
    }
    return value
  }

  /// The operation's gradient here, `J^T v` for each input.
  ///
  /// Rules call this one rather than the operation's own method: whoever runs the network may know a faster way to the
  /// same result.
  public func gradient(_ v: Tensor) -> [Tensor?] { values.gradient(v, at: self) }

  /// The operation's value at other parameters or inputs; nil stands for the pass's own.
  ///
  /// - Precondition: ``Needs/inputs`` is declared where `inputs` is nil.
  public func value(parameters: [Tensor]? = nil, inputs: [Tensor]? = nil) -> Tensor {
    operation.forward(inputs ?? self.inputs, parameters ?? self.parameters, mode: mode).output
  }

  /// The operation's gradient, `J^T v` for each input, at other parameters or inputs; nil stands for the pass's
  /// own.
  ///
  /// - Precondition: ``Needs/inputs`` is declared where `inputs` is nil and the operation's gradient reads its inputs.
  public func gradient(_ v: Tensor, parameters: [Tensor]?, inputs: [Tensor]? = nil) -> [Tensor?] {
    let parameters = parameters ?? self.parameters
    var evaluation: Evaluation?
    // Values that the operation saved, and its output, belong to the other point as well.
    if !saved.isEmpty || operation.gradientNeeds.contains(.output) {
      evaluation = operation.forward(inputs ?? self.inputs, parameters, mode: mode)
    }
    let elsewhere = Site(
      name: name, operation: operation, parameters: parameters, inputShapes: inputs?.map(\.shape) ?? inputShapes,
      wants: wants, saved: evaluation?.saved ?? [], mode: mode,
      values: GivenValues(
        inputs: inputs ?? inputShapes.indices.map { values.input($0) }, output: evaluation?.output))
    return operation.gradient(v, at: elsewhere)
  }

  /// The parameters with weights and biases changed. A bias is a learnable parameter whose name ends in `bias`, all
  /// other learnable parameters are weights; running statistics stay as they are.
  ///
  /// - Parameters:
  ///   - weights: the value in place of a weight.
  ///   - biases: the value in place of a bias.
  /// - Precondition: `weights` and `biases` keep the shape.
  public func parameters(weights: (Tensor) -> Tensor, biases: (Tensor) -> Tensor) -> [Tensor] {
    zip(operation.parameters(inputShapes.map { Array($0.dropFirst()) }), parameters).map { description, value in
      guard description.isLearnable else { return value }
      let changed = description.name.hasSuffix("bias") ? biases(value) : weights(value)
      precondition(changed.shape == value.shape, "\(name): \(description.name) changed its shape")
      return changed
    }
  }

  /// The same operation at other inputs of the same shapes.
  func moved(to inputs: [Tensor]) -> Site {
    Site(
      name: name, operation: operation, parameters: parameters, inputShapes: inputShapes, wants: wants, saved: saved,
      mode: mode, values: GivenValues(inputs: inputs, output: nil))
  }

  /// `operation` as its own type.
  ///
  /// - Precondition: the rule stands at a node of that type.
  package func operation<T>(as type: T.Type) -> T {
    guard let operation = operation as? T else {
      fatalError("node \(name) is a \(operation.kind), and the rule is for another operation")
    }
    return operation
  }
}

/// The values that a forward pass kept at one node.
package protocol SiteValues: Sendable {
  /// Nil where it was not kept.
  func input(_ index: Int) -> Tensor?
  /// Nil where it was not kept.
  var output: Tensor? { get }
  /// The operation's gradient at the site.
  func gradient(_ v: Tensor, at site: Site) -> [Tensor?]
}

extension SiteValues {
  package func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { site.operation.gradient(v, at: site) }
}

/// Values as they are.
package struct GivenValues: SiteValues {
  private let inputs: [Tensor?]
  package let output: Tensor?

  package init(inputs: [Tensor?], output: Tensor?) {
    self.inputs = inputs
    self.output = output
  }

  package func input(_ index: Int) -> Tensor? { inputs[index] }
}
