import Pullbacks
import TestKit
import Testing

/// Every operation and rule against the Double twin.
@Suite struct TwinTests {
  @Test(arguments: TwinCase.all) func value(_ item: TwinCase) throws {
    let y = try item.network()(item.joinedInputs)
    let expected = (0..<item.batch).flatMap { item.twin.value(item.image($0)).values }
    expectClose(y.scalars.map(Double.init), expected, within: 2e-6, item.name)
  }

  /// The whole matrix of the pullback, one unit cotangent at a time, against the transpose of the twin's.
  @Test(arguments: TwinCase.all) func matrix(_ item: TwinCase) throws {
    let (y, pullback) = try item.network().valueWithPullback(at: item.joinedInputs, rules: item.rules)
    let outputs = y.count / item.batch
    var found = [[Double]](repeating: [], count: item.batch)
    for unit in 0..<outputs {
      var v = Tensor(shape: y.shape)
      v.withUnsafeMutableBuffer { for image in 0..<item.batch { $0[image * outputs + unit] = 1 } }
      let row = try pullback(v)
      for image in 0..<item.batch { found[image] += row.image(image).scalars.map(Double.init) }
    }
    for image in 0..<item.batch {
      let columns = item.twin.matrix(at: item.image(image), by: item.rule)
      let expected = (0..<outputs).flatMap { unit in columns.map { $0[unit] } }
      expectClose(found[image], expected, within: 3e-6, "\(item.name), image \(image)")
    }
  }

  /// `<J u, v> = <u, J^T v>` with the twin's J and our J^T, over the whole batch at once.
  @Test(arguments: TwinCase.all) func adjoint(_ item: TwinCase) throws {
    let (y, pullback) = try item.network().valueWithPullback(at: item.joinedInputs, rules: item.rules)
    let v = Formula.image("cotangent", y.shape)
    let u = Formula.image("tangent", [item.batch, item.width])
    let pulled = try pullback(v)
    for image in 0..<item.batch {
      let tangent = u.image(image).scalars.map(Double.init)
      let pushed = item.twin.push(item.parted(tangent), at: item.image(image), by: item.rule).values
      let left = zip(pushed, v.image(image).scalars).map { $0 * Double($1) }
      let right = zip(tangent, pulled.image(image).scalars).map { $0 * Double($1) }
      // One image's terms are of order 1; where all of them cancel, only that scale is left.
      let size = max(1, left.map(abs).sum, right.map(abs).sum)
      #expect(abs(left.sum - right.sum) <= 2e-6 * size, "\(item.testDescription): \(left.sum) and \(right.sum)")
    }
  }

  /// The twin's own derivatives against central differences of its values: what the twin says is not just what we say.
  /// Inputs are drawn, so that none lies within a step of a kink.
  @Test(arguments: TwinCase.all.filter { $0.rule is Gradient }) func finiteDifferences(_ item: TwinCase) {
    for image in 0..<item.batch {
      let x = item.image(image)
      let expected = item.twin.finiteDifferences(at: x).flatMap { $0 }
      expectClose(item.twin.matrix(at: x, by: item.rule).flatMap { $0 }, expected, within: 1e-7, item.name)
    }
  }

  /// At tau = 1 the released rule is the plain gradient, and the temperatures of the others tend to the hard rules.
  @Test func limits() throws {
    let attention = TwinCase.cases("a", ScaledDotProductAttention(heads: 1), [[3, 2], [4, 2], [4, 2]])[0]
    let x = attention.image(0)
    expectClose(
      attention.twin.matrix(at: x, by: ReleasedAttention(temperature: 1)).flatMap { $0 },
      attention.twin.matrix(at: x, by: Gradient()).flatMap { $0 }, within: 1e-14)
    let limits: [(any Pullbacks.Operation, any Rule)] = [
      (ReLU(), SoftGate(temperature: 1e-6)), (ReLU6(), SoftGate(temperature: 1e-6)),
      (MaxPool(kernel: 2, stride: 1), SoftMaxPool(temperature: 1e-4)),
    ]
    for (operation, rule) in limits {
      let item = TwinCase("limit", operation, [[2, 4, 4]], batch: 1, spread: 8, rule)
      let network = try item.network()
      let (y, soft) = try network.valueWithPullback(at: item.joinedInputs, rules: item.rules)
      let (_, hard) = try network.valueWithPullback(at: item.joinedInputs, rules: .gradient)
      let v = Formula.image("v", y.shape)
      let (softened, exact) = (try soft(v), try hard(v))
      #expect(identicalBits(softened, exact), "\(operation.kind)")
    }
  }
}
