import Pullbacks
import TestKit
import Testing

/// Operations that say how they are read by a pullback.
@Suite struct OtherReadingTests {
  private static let x = Tensor(shape: [2, 3], [0.5, -1, 2, 1.5, 3, -0.25])
  private static let v = Tensor(shape: [2, 3], [1, 2, -1, 0.5, 1, 4])

  private func pulled(_ rules: RuleSet, _ body: (Signal) -> Signal) throws -> Tensor {
    let network = try Network(Graph("test", input: [3], body), parameters: [:], executor: .plain)
    return try network.trace(at: Self.x, rules: [rules]).pullback(Self.v, by: rules)
  }

  /// A product of two values that both depend on the image has no pullback, unless it is read by its derivative.
  @Test func productsReadByTheirDerivative() throws {
    #expect(throws: PullbackError.self) { try pulled(.hardPullback) { $0.multiplied(by: $0) } }
    let square = try pulled(.hardPullback) { $0.apply(Differentiated(Multiply()), with: $0) }
    expectClose(square, 2 * Self.x * Self.v, within: 1e-7)
    expectClose(square, try pulled(.gradient) { $0.multiplied(by: $0) }, within: 0)
    #expect(throws: PullbackError.self) { try pulled(.hardPullback) { $0.apply(UnaryFunction.exp) } }
    let exponential = try pulled(.hardPullback) { $0.apply(Differentiated(UnaryFunction.exp)) }
    expectClose(exponential, try pulled(.gradient) { $0.apply(UnaryFunction.exp) }, within: 0)
    #expect(Differentiated(UnaryFunction.exp).settings == "by its derivative")
  }

  /// A statistic is the value itself, constant under the pullbacks and not under the derivative.
  @Test func statisticsAreConstant() throws {
    func norm(_ x: Signal) -> Signal {
      x.combined(.divide, with: x.apply(Differentiated(Reduce(.l2, axes: [0], keepingAxes: true))).apply(Statistic()))
    }
    let norms = Tensor(shape: [2, 3], Self.x.imageNorms.flatMap { [Float]([Float($0), Float($0), Float($0)]) })
    expectClose(try pulled(.hardPullback, norm), Self.v / norms, within: 1e-6)
    let plain = try pulled(.gradient) { $0.combined(.divide, with: $0.reduced(.l2, axes: [0], keepingAxes: true)) }
    expectClose(try pulled(.gradient, norm), plain, within: 1e-7)
  }

  @Test(arguments: Comparison.allCases) func comparisons(_ comparison: Comparison) throws {
    let graph = try Graph("test", input: [3]) { x in
      x.apply(comparison, with: x.constant(Tensor(shape: [2, 1], [0.5, 2])))
    }
    let network = try Network(graph, parameters: [:], executor: .plain)
    let function: (Float, Float) -> Bool =
      switch comparison {
      case .equal: { $0 == $1 }
      case .less: { $0 < $1 }
      case .greater: { $0 > $1 }
      case .lessOrEqual: { $0 <= $1 }
      case .greaterOrEqual: { $0 >= $1 }
      }
    let x = Self.x.scalars
    let expected = (0..<2).flatMap { image in
      [Float(0.5), 2].flatMap { bound in (0..<3).map { function(x[3 * image + $0], bound) ? Float(1) : 0 } }
    }
    let trace = try network.trace(at: Self.x, rules: [.gradient])
    #expect(trace.value == Tensor(shape: [2, 2, 3], expected))
    #expect(try trace.pullback(Tensor(shape: [2, 2, 3], repeating: 1), by: .gradient) == Tensor(shape: [2, 3]))
  }

  /// The derivatives of functions, against differences of their values.
  @Test(arguments: [
    UnaryFunction.tan, .asin, .acos, .atan, .sinh, .cosh, .asinh, .atanh, .acosh,
  ]) func derivatives(_ function: UnaryFunction) {
    for z in function == .acosh ? [1.1, 1.7, 4] : [-0.9, -0.3, 0.01, 0.6, 0.95] {
      let step = 1e-6
      let slope = (function.value(z + step) - function.value(z - step)) / (2 * step)
      #expect(abs(function.derivative(z) - slope) <= 1e-7 * (1 + abs(slope)), "\(function) at \(z)")
    }
  }
}
