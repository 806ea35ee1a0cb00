/// One kind of layer: its forward map, its gradient, and what it needs to know for them.
///
/// Operations are values without state; parameters are handed in. Shapes in ``outputShape(_:)`` leave the batch axis
/// out; tensors have it in front.
public protocol Operation: Sendable {
  /// The name of the kind, as rule tables and the command line write it: `relu`, `maxpool`, `conv`.
  var kind: String { get }

  /// The settings, for people: `3x3, stride 2`. Empty where there are none.
  var settings: String { get }

  /// The shape of the output for inputs of these shapes, without the batch axis.
  ///
  /// - Throws: ``PullbackError`` where the shapes do not fit the operation.
  func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int]

  /// The parameters, in the order in which they are handed in.
  func parameters(_ inputs: [[Int]]) -> [ParameterDescription]

  /// The value at `inputs`, and what the backward passes want kept of the computation.
  func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation

  /// What ``gradient(_:at:)`` reads of the forward pass.
  var gradientNeeds: Needs { get }

  /// The vector-Jacobian product `J^T v` for each input, exact and not softened. For a linear operation this is the
  /// ordinary adjoint.
  ///
  /// - Returns: a cotangent per input; those that ``Site/wants`` rules out may be nil.
  func gradient(_ v: Tensor, at site: Site) -> [Tensor?]

  /// The gradient of `<v, forward>` with respect to each parameter, nil for those that are not learnable. It reads the
  /// inputs, and may read the output's kept values.
  func parameterGradients(_ v: Tensor, at site: Site) -> [Tensor?]
}

extension Operation {
  public var settings: String { "" }
  public func parameters(_ inputs: [[Int]]) -> [ParameterDescription] { [] }
  public var gradientNeeds: Needs { [] }
  public func parameterGradients(_ v: Tensor, at site: Site) -> [Tensor?] { [] }
}

/// A parameter of an operation: its name within the node, as in PyTorch checkpoints (`weight`, `running_mean`); empty
/// for a parameter that belongs to no layer there (`class_token`), and whose name the node bears.
public struct ParameterDescription: Hashable, Sendable {
  /// Its name within the node: `weight`.
  public let name: String
  /// Without a batch axis.
  public let shape: [Int]
  /// False for running statistics, which training updates but no gradient reaches.
  public let isLearnable: Bool

  /// - Parameters:
  ///   - name: within the node.
  ///   - shape: without a batch axis.
  ///   - isLearnable: false for running statistics.
  public init(_ name: String, _ shape: [Int], isLearnable: Bool = true) {
    self.name = name
    self.shape = shape
    self.isLearnable = isLearnable
  }
}

/// How a network is run: with running statistics, or with those of the batch.
public enum Mode: Sendable {
  /// `evaluation` with running statistics, `training` with those of the batch.
  case evaluation, training
}

/// The outcome of one operation's forward map.
public struct Evaluation: Sendable {
  /// The value, batch axis first.
  public let output: Tensor
  /// Whatever the operation wants back in its backward passes, such as statistics.
  public let saved: [Tensor]

  /// - Parameters:
  ///   - output: the value.
  ///   - saved: what the backward passes want back.
  public init(_ output: Tensor, saved: [Tensor] = []) {
    self.output = output
    self.saved = saved
  }
}

/// What a backward pass reads of the forward pass; everything else is released as soon as the forward pass is done
/// with it.
public struct Needs: OptionSet, Sendable {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }
  /// The values that came in.
  public static let inputs = Needs(rawValue: 1)
  /// The value that went out.
  public static let output = Needs(rawValue: 2)
}

/// The place in a recorded forward pass at which a rule or a gradient is asked for a cotangent.
public struct Site: Sendable {
  /// The node's name, for messages.
  public let name: String
  /// The node's operation.
  public let operation: any Operation
  /// Its parameters, in the order in which it lists them.
  public let parameters: [Tensor]
  /// Shapes of the inputs, batch axis included.
  public let inputShapes: [[Int]]
  /// Which inputs a cotangent is wanted for.
  public let wants: [Bool]
  /// What its forward map saved.
  public let saved: [Tensor]
  /// How the network was run.
  public let mode: Mode
  /// A convolution's weight in another form, if it runs on one.
  let transformedWeight: Tensor?
  let keptInputs: [Tensor?]
  /// What inputs are when rectified, of those that were never written.
  let deferredInputs: [Tensor?]
  let keptOutput: Tensor?

  /// Input `index` as it was in the forward pass.
  ///
  /// - Precondition: the rule or operation that reads it declared ``Needs/inputs``.
  public func input(_ index: Int = 0) -> Tensor {
    let (value, isRectified) = rectifiableInput(index)
    return isRectified ? Activation.relu.forward([value], [], mode: mode).output : value
  }

  /// Input `index`, or what it is when rectified.
  func rectifiableInput(_ index: Int = 0) -> (Tensor, isRectified: Bool) {
    if let value = keptInputs[index] { return (value, false) }
    if let value = deferredInputs[index] { return (value, true) }
    preconditionFailure("\(name) reads its input in the backward pass without declaring the need")
  }

  /// The output as it was in the forward pass.
  ///
  /// - Precondition: the rule or operation that reads it declared ``Needs/output``.
  public var output: Tensor {
    guard let keptOutput else {
      preconditionFailure("\(name) reads its output in the backward pass without declaring the need")
    }
    return keptOutput
  }

  /// `operation` as its own type.
  ///
  /// - Precondition: the rule stands at a node of that type.
  func operation<T: Operation>(as type: T.Type) -> T {
    guard let operation = operation as? T else {
      preconditionFailure("\(name) is a \(operation.kind), and the rule is for another operation")
    }
    return operation
  }
}
