// Nodes that take nothing: what comes into a network, and tensors that are part of it.

/// A value that comes in: it is given when the network is run.
struct Input: Operation {
  let shape: [Int]
  let type: ElementType
  var kind: String { "input" }
  var character: OperationCharacter { .linear }
  func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] { shape }
  func outputType(_ inputs: [ElementType]) throws(PullbackError) -> ElementType { type }
  func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    preconditionFailure("the value of an input is given")
  }
  func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { [] }
}

/// A learned tensor that stands alone, such as a class token or a position embedding. Its node bears the parameter's
/// own name.
public struct Parameter: Operation {
  /// The shape of the parameter, without a batch axis.
  public var shape: [Int]
  public init(_ shape: [Int]) { self.shape = shape }

  public var kind: String { "parameter" }
  public var character: OperationCharacter { .linear }
  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 0, of: kind)
    return shape
  }
  public func parameters(_ inputs: [[Int]]) -> [ParameterDescription] { [ParameterDescription("", shape)] }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    Evaluation(parameters[0].reshaped([1] + shape))
  }

  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { [] }
  public func parameterGradients(_ v: Tensor, at site: Site) -> [Tensor?] { [v.reshaped(shape)] }
}

/// A tensor that is part of the network's description: a mask, indices, a scale that is not learnt.
public struct Constant: Operation {
  /// The value, without a batch axis.
  public var value: Tensor
  public init(_ value: Tensor) { self.value = value }

  public var kind: String { "constant" }
  public var character: OperationCharacter { .linear }
  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 0, of: kind)
    return value.shape
  }
  public func outputType(_ inputs: [ElementType]) throws(PullbackError) -> ElementType { value.type }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    Evaluation(value.reshaped([1] + value.shape))
  }

  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { [] }
}
