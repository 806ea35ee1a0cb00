import Attribution
import Foundation
import Pullbacks
import TestKit
import Testing

/// What is explained: logits, combinations, the cross-entropy, and inner layers.
@Suite struct SelectorTests {
  let network = SmallNetwork.convnet.network
  let x = SmallNetwork.images.image(0)

  private func gradient(_ target: Target, of network: Network) throws -> Tensor {
    try Method.gradient.explainer(for: network.graph).attribute(x, Selector([target]), of: network)
  }

  /// The gradient is linear in the selector.
  @Test func combinations() throws {
    let (a, b) = (try gradient(.logit(3), of: network), try gradient(.logit(7), of: network))
    expectClose(try gradient(.contrast(3, 7), of: network), a - b, within: 1e-6)
    expectClose(try gradient(.combination([3: 0.5, 7: 2]), of: network), 0.5 * a + 2 * b, within: 1e-6)
    #expect(try gradient(.contrast(3, 3), of: network).scalars.allSatisfy { $0 == 0 })
  }

  /// `d log p_c = d y_c - sum_k p_k d y_k`.
  @Test func logProbability() throws {
    let predictions = Prediction.ranking(try network(x).scalars)
    var expected = try gradient(.logit(3), of: network)
    for prediction in predictions {
      expected += Float(-prediction.probability) * (try gradient(.logit(prediction.target), of: network))
    }
    expectClose(try gradient(.logProbability(3), of: network), expected, within: 1e-5)
    let value = try Selector([.logProbability(3)]).values(of: network(x), of: network)[0]
    #expect(abs(value - log(predictions.first { $0.target == 3 }!.probability)) < 1e-12)
  }

  /// A neuron's derivative by differences, and a channel as the sum of its neurons.
  @Test func innerLayers() throws {
    let inner = try network.truncated(at: "relu1")
    #expect(inner.graph.outputShape == [12, 8, 8])
    let trace = try network.trace(at: x, rules: [], keeping: ["relu1"])
    #expect(identicalBits(try inner(x), try trace.activation("relu1")))
    let neurons = try (0..<64).map { try gradient(.logit(5 * 64 + $0), of: inner) }
    expectClose(
      try gradient(.channel(5), of: inner), neurons.dropFirst().reduce(neurons[0]) { $0 + $1 }, within: 1e-5)
    let place = 5 * 64 + 27
    let direction = try gradient(.logit(place), of: inner)
    let step: Float = 1e-2
    let change = Double(try inner(x + step * direction).scalars[place]) - Double(try inner(x).scalars[place])
    let expected = direction.scalars.reduce(0) { $0 + Double($1) * Double($1) } * Double(step)
    #expect(abs(change - expected) <= 0.05 * expected)
  }

  /// Pulled back to an inner node, then through the layers before it: the same as at once.
  @Test func stopsAtAnInnerNode() throws {
    let soft = RuleSet.softPullback()
    let inner = try network.truncated(at: "relu0")
    let trace = try network.trace(at: x, rules: [soft])
    let cotangent = try network.oneHot([3])
    let halfway = try trace.pullback(cotangent, by: soft, to: "relu0")
    let rest = try inner.trace(at: x, rules: [soft]).pullback(halfway, by: soft)
    #expect(identicalBits(rest, try trace.pullback(cotangent, by: soft)))
  }

  @Test func refusesWhatDoesNotExist() throws {
    let inner = try network.truncated(at: "relu1")
    #expect(throws: PullbackError.self) { try gradient(.logit(10), of: network) }
    #expect(throws: PullbackError.self) { try gradient(.logit(-1), of: network) }
    #expect(throws: PullbackError.self) { try gradient(.combination([0: .nan]), of: network) }
    #expect(throws: PullbackError.self) { try gradient(.channel(12), of: inner) }
    #expect(throws: PullbackError.self) { try gradient(.logProbability(0), of: inner) }
    #expect(throws: PullbackError.self) { try network.truncated(at: "relu2") }
    let trace = try network.trace(at: x, rules: [])
    #expect(throws: PullbackError.self) { try trace.activation("relu0") }
    #expect(throws: PullbackError.self) {
      try Method.attentionRollout.explainer(for: network.graph)
    }
    #expect(throws: PullbackError.self) { try Method.gradCAM.explainer(for: network.graph) }
  }
}

/// Places by numpy's indices against numpy (Tests/Oracles/array_index.py).
struct ArrayIndexTests {
  private struct Case: Decodable {
    let shape: [Int]
    let index: String
    let places: [Int]?
  }

  @Test func numpysPlaces() throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixture.path("array-index.json")))
    let cases = try JSONDecoder().decode([Case].self, from: data)
    #expect(cases.count == 484)
    for test in cases {
      let index = try #require(ArrayIndex(test.index), "\(test.index)")
      guard let places = test.places else {
        #expect(throws: PullbackError.self, "\(test)") { try index.target(in: test.shape) }
        continue
      }
      switch try index.target(in: test.shape) {
      case .weights(let weights):
        #expect(
          weights.shape == test.shape && weights.scalars.indices.filter { weights.scalars[$0] == 1 } == places,
          "\(test)")
      case let target: #expect(target == .logit(places[0]) && places.count == 1, "\(test)")
      }
    }
    for text in ["", "a", "1:b", "1,,2", "...,...", "1:2:3:4", "1.5", "1 2"] {
      #expect(ArrayIndex(text) == nil, "\(text)")
    }
    #expect(throws: PullbackError(.usage, "index ::0", "has a step of 0")) { try ArrayIndex("::0")!.target(in: [4]) }
    let spaced = try #require(ArrayIndex(" 1, 2 : 4 ")).target(in: [2, 5])
    #expect(try spaced == ArrayIndex("1,2:4")!.target(in: [2, 5]))
  }
}
