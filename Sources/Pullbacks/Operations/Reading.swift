// A reading tells a pullback how to treat an operation whose character alone does not say it.

/// An operation that a pullback reads by its derivative, whatever its character would have it be: a product of two
/// values that both depend on the image, each of which is held constant in turn for the other; or a function that no
/// rule is made for.
public struct Differentiated: Operation {
  /// The wrapped operation.
  public let operation: any Operation
  public init(_ operation: any Operation) { self.operation = operation }

  public var kind: String { operation.kind }
  public var character: OperationCharacter { .linear }
  public var settings: String { operation.settings + (operation.settings.isEmpty ? "" : ", ") + "by its derivative" }
  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] { try operation.outputShape(inputs) }
  public func outputType(_ inputs: [ElementType]) throws(PullbackError) -> ElementType {
    try operation.outputType(inputs)
  }
  public func parameters(_ inputs: [[Int]]) -> [ParameterDescription] { operation.parameters(inputs) }
  public var takesBatchesOfOne: Bool { operation.takesBatchesOfOne }
  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    operation.forward(inputs, parameters, mode: mode)
  }
  public var gradientNeeds: Needs { operation.gradientNeeds }
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { operation.gradient(v, at: site) }
  public func parameterGradients(_ v: Tensor, at site: Site) -> [Tensor?] {
    operation.parameterGradients(v, at: site)
  }
}

/// The input itself, which pullbacks hold constant: a statistic that values are divided by, outside a layer that is a
/// ``Normalisation``. The derivative passes.
public struct Statistic: Operation {
  public init() {}
  public var kind: String { "statistic" }
  public var character: OperationCharacter { .routing }
  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    return inputs[0]
  }
  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation { Evaluation(inputs[0]) }
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { [v] }
}

/// Two values compared, place by place: 1 where the comparison holds, 0 elsewhere. Its derivative is 0.
public enum Comparison: String, Operation, CaseIterable {
  case equal, less, greater
  case lessOrEqual = "less_or_equal"
  case greaterOrEqual = "greater_or_equal"

  public var kind: String { rawValue }
  public var character: OperationCharacter { .routing }
  public var takesBatchesOfOne: Bool { true }
  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 2, of: kind)
    return try broadcastShape(inputs, of: kind)
  }
  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let (a, b) = (inputs[0], inputs[1])
    let shape =
      [max(a.shape[0], b.shape[0])]
      + (try! outputShape(inputs.map { Array($0.shape.dropFirst()) }))
    let value =
      switch self {
      case .equal: a.broadcast(with: b, to: shape, IsEqual.self)
      case .less: a.broadcast(with: b, to: shape, IsLess.self)
      case .greater: b.broadcast(with: a, to: shape, IsLess.self)
      case .lessOrEqual: a.broadcast(with: b, to: shape, IsAtMost.self)
      case .greaterOrEqual: b.broadcast(with: a, to: shape, IsAtMost.self)
      }
    return Evaluation(value)
  }
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    zip(site.inputShapes, site.wants).map { shape, isWanted in isWanted ? Tensor(shape: shape) : nil }
  }
}

private enum IsEqual: BinaryFunction { static func value(_ a: Float, _ b: Float) -> Float { a == b ? 1 : 0 } }
private enum IsLess: BinaryFunction { static func value(_ a: Float, _ b: Float) -> Float { a < b ? 1 : 0 } }
private enum IsAtMost: BinaryFunction { static func value(_ a: Float, _ b: Float) -> Float { a <= b ? 1 : 0 } }
