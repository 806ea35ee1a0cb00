/// The values as elements of another type: integers as the nearest floats, floats as integers, rounded towards zero.
///
/// No cotangent reaches an integer, so that none passes a cast.
public struct Cast: Operation {
  /// The type of the output's elements.
  public var type: ElementType
  /// - Parameter type: the type of the output's elements.
  public init(to type: ElementType) { self.type = type }

  public var kind: String { "cast" }
  public var character: OperationCharacter { .linear }
  public var settings: String { "to \(type.rawValue)" }
  public func outputType(_ inputs: [ElementType]) throws(PullbackError) -> ElementType { type }
  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    return inputs[0]
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let x = inputs[0]
    switch (x.type, type) {
    case (.int64, .float32): return Evaluation(x.asFloats)
    case (.float32, .int64):
      // A value that no integer represents becomes the nearest integer, and NaN becomes 0.
      return Evaluation(Tensor(shape: x.shape, integers: x.scalars.map { Int64(clamping: $0) }))
    default: return Evaluation(x)
    }
  }

  /// For a cast of floats to floats the gradient is v; integers have none.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { [v] }
}

extension Int64 {
  /// The float rounded towards zero, or the integer nearest to it; 0 for NaN.
  fileprivate init(clamping value: Float) {
    if value.isNaN { self = 0 } else { self = Int64(exactly: value.rounded(.towardZero)) ?? (value < 0 ? .min : .max) }
  }
}
