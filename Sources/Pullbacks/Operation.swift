/// One kind of layer: its forward map, its gradient, and what it needs to know for them.
///
/// Operations are values without state; parameters are handed in. They are defined for one image and applied to every
/// image of a batch: shapes in ``outputShape(_:)``, and axes in settings, leave the batch axis out; tensors have it in
/// front.
public protocol Operation: Sendable {
  /// The name of the kind, as rule tables and the command line write it: `relu`, `maxpool`, `conv`.
  var kind: String { get }

  /// The kind of map; rule tables match operations by it.
  var character: OperationCharacter { get }

  /// The settings, for people: `3x3, stride 2`. Empty where there are none.
  var settings: String { get }

  /// The shape of the output for inputs of these shapes, without the batch axis.
  ///
  /// - Throws: `PullbackError` where the shapes do not fit the operation, ranks included.
  func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int]

  /// The element type of the output for inputs of these types. By default floats for floats.
  ///
  /// - Throws: `PullbackError` where the operation does not take inputs of these types.
  func outputType(_ inputs: [ElementType]) throws(PullbackError) -> ElementType

  /// The parameters, in the order in which they are handed in.
  func parameters(_ inputs: [[Int]]) -> [ParameterDescription]

  /// Whether the forward map takes inputs without a row for each image, as batches of one, beside batches. For others
  /// they are repeated.
  var takesBatchesOfOne: Bool { get }

  /// The value at `inputs`, and what the backward passes read again of the computation.
  func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation

  /// The values of the forward pass that ``gradient(_:at:)`` reads.
  var gradientNeeds: Needs { get }

  /// The vector-Jacobian product `J^T v` for each input, exact and not softened. For a linear operation this is the
  /// ordinary adjoint.
  ///
  /// - Returns: a cotangent per input, which may be nil where ``Site/wants`` is false.
  func gradient(_ v: Tensor, at site: Site) -> [Tensor?]

  /// The gradient of `<v, forward>` with respect to each parameter, nil for those that are not learnable. It reads the
  /// inputs, and may read the output's kept values.
  func parameterGradients(_ v: Tensor, at site: Site) -> [Tensor?]
}

/// The kind of map that an operation is. Rule tables match operations by it, so that a new operation falls under a rule
/// by stating its kind.
public enum OperationCharacter: String, Sendable, CaseIterable {
  /// Affine at fixed parameters: convolution, sums, reshaping. The ordinary adjoint.
  case linear
  /// `y = g(z) z + b(z)`, place by place, with a gate g: see ``Gate``.
  case gate
  /// Some inputs are handed on and others not: maxima.
  case selection
  /// Divided by a statistic of the input itself, which is routing: see ``Normalisation``.
  case normalisation
  /// Bounded weights of other values: softmax, sigmoid.
  case routing
  /// Products of values, linear in each.
  case product
  /// None of these: no pullback is defined unless a rule is named.
  case nonlinear
}

extension Operation {
  public var settings: String { "" }
  public func outputType(_ inputs: [ElementType]) throws(PullbackError) -> ElementType {
    guard !inputs.contains(.int64) else { throw PullbackError(.usage, kind, "expected floats, found integers") }
    return .float32
  }
  public func parameters(_ inputs: [[Int]]) -> [ParameterDescription] { [] }
  public var takesBatchesOfOne: Bool { false }
  public var gradientNeeds: Needs { [] }
  public func parameterGradients(_ v: Tensor, at site: Site) -> [Tensor?] { [] }
}

/// A parameter of an operation: its name within the node, as in PyTorch checkpoints (`weight`, `running_mean`); empty
/// for a parameter that belongs to no layer there (`class_token`), and whose name the node bears.
public struct ParameterDescription: Hashable, Sendable {
  /// Its name within the node: `weight`.
  public let name: String
  /// The shape, without a batch axis.
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

/// The mode of a network: running statistics, or statistics of the batch.
public enum Mode: Sendable {
  /// `evaluation` with running statistics, `training` with those of the batch.
  case evaluation, training
}

/// The outcome of one operation's forward map.
public struct Evaluation: Sendable {
  /// The value, batch axis first.
  public let output: Tensor
  /// Tensors that the operation reads again in its backward passes, such as statistics.
  public let saved: [Tensor]

  /// - Parameters:
  ///   - output: the value.
  ///   - saved: tensors that the backward passes read again.
  public init(_ output: Tensor, saved: [Tensor] = []) {
    self.output = output
    self.saved = saved
  }
}

/// The values of the forward pass that a backward pass reads. Everything else is released as soon as the forward pass
/// is done with it.
public struct Needs: OptionSet, Sendable {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }
  /// The values that came in.
  public static let inputs = Needs(rawValue: 1)
  /// The value that went out.
  public static let output = Needs(rawValue: 2)
}
