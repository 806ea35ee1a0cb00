import Glibc
import Kernels

// Values combined place by place, broadcast as numpy does.

/// The sum of any number of tensors.
public struct Add: Operation {
  public init() {}
  public var kind: String { "add" }
  public var character: OperationCharacter { .linear }
  public var takesBatchesOfOne: Bool { true }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] { try broadcastShape(inputs, of: kind) }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    Evaluation(
      inputs.dropFirst().reduce(inputs[0]) { sum, x in
        sum.shape == x.shape ? sum + x : sum.combined(with: x, Sum.self)
      })
  }

  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    zip(site.inputShapes, site.wants).map { shape, isWanted in isWanted ? v.summed(to: shape) : nil }
  }
}

/// The product of two tensors.
public struct Multiply: Operation {
  public init() {}
  public var kind: String { "multiply" }
  public var character: OperationCharacter { .product }
  public var takesBatchesOfOne: Bool { true }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 2, of: kind)
    return try broadcastShape(inputs, of: kind)
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    Evaluation(product(inputs[0], inputs[1]))
  }

  public var gradientNeeds: Needs { .inputs }

  /// Each factor's cotangent is v times the other factor, summed over the axes along which that one was repeated.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    [0, 1].map { factor in
      site.wants[factor] ? product(v, site.input(1 - factor)).summed(to: site.inputShapes[factor]) : nil
    }
  }

  private func product(_ a: Tensor, _ b: Tensor) -> Tensor {
    a.shape == b.shape ? a * b : a.combined(with: b, Product.self)
  }
}

/// A function of two tensors, place by place.
public enum BinaryOperation: String, Operation, CaseIterable {
  /// `a - b`
  case subtract
  /// `a / b`: linear in a. Of b it is a product with the reciprocal.
  case divide
  /// `a^b`
  case power
  /// The larger of two; of equal ones each takes half of a cotangent, as in PyTorch.
  case maximum
  /// The smaller of two.
  case minimum
  /// `a - b trunc(a / b)`, exactly: C's fmod, of the sign of a.
  case remainder

  public var kind: String { rawValue }
  public var takesBatchesOfOne: Bool { true }

  public var character: OperationCharacter {
    switch self {
    case .subtract: .linear
    case .divide: .product
    case .power, .remainder: .nonlinear
    case .maximum, .minimum: .selection
    }
  }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 2, of: kind)
    return try broadcastShape(inputs, of: kind)
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let (a, b) = (inputs[0], inputs[1])
    let value =
      switch self {
      case .subtract: a.combined(with: b, Difference.self)
      case .divide: a.combined(with: b, Quotient.self)
      case .power: a.combined(with: b, Power.self)
      case .maximum: a.combined(with: b, Larger.self)
      case .minimum: a.combined(with: b, Smaller.self)
      case .remainder: a.combined(with: b, Remainder.self)
      }
    return Evaluation(value)
  }

  public var gradientNeeds: Needs { self == .subtract ? [] : .inputs }

  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    [0, 1].map { operand in
      site.wants[operand] ? partial(operand, v, at: site).summed(to: site.inputShapes[operand]) : nil
    }
  }

  /// v times the derivative with respect to one operand, place by place.
  private func partial(_ operand: Int, _ v: Tensor, at site: Site) -> Tensor {
    if self == .subtract { return operand == 0 ? v : -1 * v }
    if self == .remainder, operand == 0 { return v }
    let (a, b) = (site.input(0), site.input(1))
    switch (self, operand) {
    case (.divide, 0): return v.combined(with: b, Quotient.self)
    case (.divide, _):
      let square = b * b
      return -1 * v.combined(with: a, Product.self).combined(with: square, Quotient.self)
    case (.power, 0): return v.combined(with: a.combined(with: b, PowerSlope.self), Product.self)
    case (.power, _): return v.combined(with: a.combined(with: b, ExponentSlope.self), Product.self)
    case (.remainder, _): return -1 * v.combined(with: a.combined(with: b, WholeQuotient.self), Product.self)
    case (.maximum, 0), (.minimum, 1): return v.combined(with: a.combined(with: b, IsLarger.self), Product.self)
    default: return v.combined(with: b.combined(with: a, IsLarger.self), Product.self)
    }
  }
}

/// `a` where the condition is not 0, `b` elsewhere. Inputs: the condition, of integers or floats; a; b.
public struct Where: Operation {
  public init() {}
  public var kind: String { "where" }
  public var character: OperationCharacter { .linear }
  public var takesBatchesOfOne: Bool { true }

  public func outputType(_ inputs: [ElementType]) throws(PullbackError) -> ElementType {
    guard inputs.count == 3, inputs[1] == .float32, inputs[2] == .float32 else {
      throw PullbackError(.usage, kind, "expected a condition and two tensors of floats")
    }
    return .float32
  }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] { try broadcastShape(inputs, of: kind) }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    let shape = fullShape(inputs)
    let (a, b) = (inputs[1].broadcast(to: shape), inputs[2].broadcast(to: shape))
    return Evaluation(a.selected(by: inputs[0].asFloats.broadcast(to: shape), orElse: b))
  }

  /// The condition is read again in the backward pass.
  public var gradientNeeds: Needs { .inputs }

  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    let condition = site.input(0).asFloats.broadcast(to: v.shape)
    let zero = Tensor(shape: v.shape)
    return [
      nil,
      site.wants[1] ? v.selected(by: condition, orElse: zero).summed(to: site.inputShapes[1]) : nil,
      site.wants[2] ? zero.selected(by: condition, orElse: v).summed(to: site.inputShapes[2]) : nil,
    ]
  }
}

/// The values repeated along axes of extent 1, and along new axes in front: to a shape that they broadcast to.
public struct Expand: Operation {
  /// The shape of the result, the batch axis not counted.
  public var shape: [Int]
  public init(to shape: [Int]) { self.shape = shape }

  public var kind: String { "expand" }
  public var character: OperationCharacter { .linear }
  public var settings: String { "to \(shape)" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    guard try broadcastShape([inputs[0], shape], of: kind) == shape else {
      throw PullbackError(.usage, kind, "shape \(inputs[0]) cannot be repeated to \(shape)")
    }
    return shape
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    Evaluation(inputs[0].broadcast(to: inputs[0].shape.prefix(1) + shape))
  }

  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] { [v.summed(to: site.inputShapes[0])] }
}

// MARK: Functions of two numbers

private enum Sum: BinaryFunction { static func value(_ a: Float, _ b: Float) -> Float { a + b } }
private enum Difference: BinaryFunction { static func value(_ a: Float, _ b: Float) -> Float { a - b } }
private enum Product: BinaryFunction { static func value(_ a: Float, _ b: Float) -> Float { a * b } }
private enum Quotient: BinaryFunction { static func value(_ a: Float, _ b: Float) -> Float { a / b } }
/// What is no number stays none.
private enum Larger: BinaryFunction { static func value(_ a: Float, _ b: Float) -> Float { a >= b || a != a ? a : b } }
private enum Smaller: BinaryFunction { static func value(_ a: Float, _ b: Float) -> Float { a <= b || a != a ? a : b } }
private enum IsLarger: BinaryFunction {
  static func value(_ a: Float, _ b: Float) -> Float { a > b ? 1 : a == b ? 0.5 : 0 }
}
private enum Remainder: BinaryFunction {
  static func value(_ a: Float, _ b: Float) -> Float { a.truncatingRemainder(dividingBy: b) }
}
/// `trunc(a / b)`
private enum WholeQuotient: BinaryFunction {
  static func value(_ a: Float, _ b: Float) -> Float { ((a - a.truncatingRemainder(dividingBy: b)) / b).rounded() }
}
private enum Power: BinaryFunction {
  static func value(_ a: Float, _ b: Float) -> Float { Float(pow(Double(a), Double(b))) }
}
/// `b a^(b - 1)`
private enum PowerSlope: BinaryFunction {
  static func value(_ a: Float, _ b: Float) -> Float { b == 0 ? 0 : Float(Double(b) * pow(Double(a), Double(b) - 1)) }
}
/// `a^b log a`
private enum ExponentSlope: BinaryFunction {
  static func value(_ a: Float, _ b: Float) -> Float { a == 0 ? 0 : Float(pow(Double(a), Double(b)) * log(Double(a))) }
}

/// The shape, batch axis included, that operands broadcast to.
private func fullShape(_ operands: [Tensor]) -> [Int] {
  let images = operands.map { $0.shape[0] }.max()!
  return [images] + (try! broadcastShape(operands.map { Array($0.shape.dropFirst()) }, of: ""))
}

extension Tensor {
  fileprivate func combined<F: BinaryFunction>(with other: Tensor, _ function: F.Type) -> Tensor {
    broadcast(with: other, to: fullShape([self, other]), function)
  }

  /// These values where the condition is not 0, those of `other` elsewhere.
  fileprivate func selected(by condition: Tensor, orElse other: Tensor) -> Tensor {
    Tensor(shape: shape) { y in
      Tensor.withPointers(condition, self, other) { condition, a, b in
        Parallel.forEachBlock(of: y.count) { block in for i in block { y[i] = condition[i] != 0 ? a[i] : b[i] } }
      }
    }
  }

  /// Integers as floats, floats as they are.
  var asFloats: Tensor { type == .float32 ? self : Tensor(shape: shape, integers.map(Float.init)) }
}

/// A fixed affine map of each channel of `(N, C, H, W)`: `y = scale[c] x + shift[c]`. It has no parameters: input
/// normalisation belongs to the network, but is not learnt.
public struct ChannelAffine: Operation {
  /// One factor per channel.
  public var scale: [Float]
  /// The number then added to each channel.
  public var shift: [Float]

  /// - Parameters:
  ///   - scale: one factor per channel.
  ///   - shift: the number then added, per channel.
  public init(scale: [Float], shift: [Float]) {
    self.scale = scale
    self.shift = shift
  }

  /// Input normalisation: images in `[-1, 1]` to `((x + 1) / 2 - mean) / std`, one mean and deviation per channel.
  public static func normalisation(mean: [Double], std: [Double]) -> ChannelAffine {
    ChannelAffine(
      scale: std.map { Float(0.5 / $0) },
      shift: zip(mean, std).map { mean, std in Float((0.5 - mean) / std) })
  }

  public var kind: String { "affine" }
  public var character: OperationCharacter { .linear }
  public var settings: String { "scale \(scale), shift \(shift)" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    guard let channels = inputs[0].first, channels == scale.count, channels == shift.count else {
      throw PullbackError(
        .usage, kind, "\(scale.count) scales and \(shift.count) shifts do not fit an input of shape \(inputs[0])")
    }
    return inputs[0]
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    Evaluation(apply(inputs[0], shift: shift))
  }

  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    [apply(v, shift: Array(repeating: 0, count: shift.count))]
  }

  private func apply(_ x: Tensor, shift: [Float]) -> Tensor {
    let layout = ChannelLayout(x.shape)
    return Tensor(shape: x.shape) { y in
      x.withUnsafeBuffer { x in
        layout.forEachPlane { _, channel, offset in
          Arrays.affine(x.baseAddress! + offset, scale[channel], shift[channel], y.baseAddress! + offset, layout.plane)
        }
      }
    }
  }
}
