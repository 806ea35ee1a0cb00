import Pullbacks
import TestKit
import Testing

/// Every operation and rule against PyTorch in float64, over the shapes and settings that it takes.
@Suite struct OperationTests {
  static let tolerance = 2e-6

  @Test(arguments: OperationFixture.all) func value(_ fixture: OperationFixture) throws {
    let trace = try fixture.network().trainingTrace(at: fixture.networkInputs, mode: fixture.mode)
    expectClose(trace.value, try #require(fixture.expected("value")), within: Self.tolerance, fixture.name)
  }

  @Test func everyCase() { #expect(OperationFixture.all.count == 102 + 196) }

  /// What reaches the first input, by certain rules.
  private func pulled(_ fixture: OperationFixture, by rules: RuleSet) throws -> Tensor {
    let trace = try fixture.network().trace(at: fixture.networkInputs, rules: [rules])
    return try trace.pullback(fixture.expected("cotangent")!, by: rules)
  }

  @Test(arguments: OperationFixture.all.filter { $0.mode == .evaluation && !$0.floats.isEmpty })
  func gradient(_ fixture: OperationFixture) throws {
    let expected = fixture.floats.map { fixture.expected("gradient\($0)")! }
    expectClose(
      try pulled(fixture, by: .gradient), fixture.join(expected), within: Self.tolerance, fixture.name)
  }

  @Test(arguments: OperationFixture.all.filter { $0.rule != nil })
  func softPullback(_ fixture: OperationFixture) throws {
    let rules = RuleSet.gradient.overriding(.node("op"), with: fixture.rule!)
    let expected = fixture.inputs.enumerated().map { index, input in
      fixture.expected("soft\(index)") ?? Tensor(shape: input.shape)
    }
    expectClose(try pulled(fixture, by: rules), fixture.join(expected), within: Self.tolerance, fixture.name)
  }

  @Test(arguments: OperationFixture.all.filter { $0.expected("released0") != nil })
  func releasedAttention(_ fixture: OperationFixture) throws {
    let temperature: Float = fixture.name.hasSuffix("2.0") ? 2 : 1
    let rules = RuleSet.gradient.overriding(.node("op"), with: ReleasedAttention(temperature: temperature))
    let expected = (0..<3).map { fixture.expected("released\($0)")! }
    expectClose(try pulled(fixture, by: rules), fixture.join(expected), within: Self.tolerance, fixture.name)
  }

  @Test(arguments: OperationFixture.all.filter { !$0.parameters.isEmpty })
  func parameterGradients(_ fixture: OperationFixture) throws {
    let network = try fixture.network()
    let trace = try network.trainingTrace(at: fixture.networkInputs, mode: fixture.mode)
    let gradients = try trace.parameterGradients(fixture.expected("cotangent")!)
    for ((name, description), expected) in zip(network.graph.parameters, fixture.expectedParameterGradients) {
      #expect(description.isLearnable == (expected != nil))
      guard let expected else { continue }
      expectClose(try #require(gradients[name]), expected, within: Self.tolerance, "\(fixture.name) \(name)")
    }
  }

  /// The input's gradient through batch norm in training mode: the input is made by a linear layer, whose weight
  /// gradient then is the input's. Image n enters as the n-th unit vector, which picks column n of the weight.
  @Test(arguments: OperationFixture.all.filter { $0.mode == .training })
  func trainingGradient(_ fixture: OperationFixture) throws {
    let input = fixture.inputs[0]
    let batch = input.shape[0]
    let width = input.count / batch
    let graph = try Graph("seeded", input: [batch]) { unit in
      unit.linear("source", width, bias: false).reshaped(Array(input.shape.dropFirst())).apply(fixture.operation!, "op")
    }
    let columns = input.reshaped([batch, width]).permuted([1, 0])
    let names = graph.parameters.map(\.name)
    let network = try Network(
      graph, parameters: Dictionary(uniqueKeysWithValues: zip(names, [columns] + fixture.parameters)))
    var units = Tensor(shape: [batch, batch])
    for image in 0..<batch { units[image, image] = 1 }
    let gradients = try network.trainingTrace(at: units).parameterGradients(fixture.expected("cotangent")!)
    let expected = fixture.expected("gradient0")!.reshaped([batch, width]).permuted([1, 0])
    expectClose(try #require(gradients["source.weight"]), expected, within: 5e-6, fixture.name)
  }
}
