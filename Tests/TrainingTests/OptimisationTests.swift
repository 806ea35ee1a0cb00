import Foundation
import Networks
import Pullbacks
import TestKit
import Testing
import Training

/// The arithmetic of a training step against PyTorch in float64 (Tests/Oracles/optimisation.py).
@Suite struct OptimisationTests {
  static let expected = try! Fixture.tensors("optimisation")
  static let schedule = CosineSchedule(peak: 0.02, steps: 40, warmUp: 8)

  /// Forty steps of a matrix, which decays, and of a vector, which does not, with gradients from 1e-6 to 100.
  @Test func adamW() throws {
    var optimiser = AdamW(decay: 0.3)
    var parameters = ["matrix": Formula.image("matrix", [5, 7]), "vector": Formula.image("vector", [11])]
    let sizes = (0..<11).map { pow(10, -6 + 0.8 * Double($0)) }
    for step in 0..<40 {
      let gradients = [
        "matrix": Formula.image("matrix gradient \(step)", [5, 7]),
        "vector": Formula.image("vector gradient \(step)", [11]).scaled(perImage: sizes),
      ]
      optimiser.update(&parameters, gradients: gradients, rate: Self.schedule[step])
      if [0, 1, 39].contains(step) {
        for name in ["matrix", "vector"] {
          expectClose(parameters[name]!, try Self.expected.tensor("\(step)/\(name)"), within: 5e-6, "\(step) \(name)")
        }
      }
    }
    #expect(optimiser.step == 40)
  }

  @Test func parametersWithoutGradientStay() {
    var parameters = ["kept": Tensor(shape: [2, 2], repeating: 3), "moved": Tensor(shape: [2, 2], repeating: 3)]
    var optimiser = AdamW(decay: 0.1)
    optimiser.update(&parameters, gradients: ["moved": Tensor(shape: [2, 2], repeating: 1)], rate: 0.5)
    #expect(parameters["kept"]!.scalars == [3, 3, 3, 3])
    // 3 (1 - 0.5 * 0.1) - 0.5: the first step of Adam is one rate long, whatever the gradient.
    expectClose(parameters["moved"]!, Tensor(shape: [2, 2], repeating: 2.35), within: 5e-6)
  }

  @Test func warmUpAndCosine() throws {
    let rates = (0..<40).map { Self.schedule[$0] }
    expectClose(rates, try Self.expected.tensor("rates").scalars.map(Double.init), within: 1e-7)
    #expect(CosineSchedule(peak: 1, steps: 10, warmUp: 0)[0] == 1)
  }

  @Test(arguments: [0.0, 0.1, 0.6]) func crossEntropy(smoothing: Double) throws {
    let logits = 8 * Formula.image("logits", [6, 10])
    let labels = [3, 0, 9, 9, 4, 1]
    let value = try CrossEntropy(smoothing: smoothing)(logits, labels)
    expectClose([value.loss], [Double(try Self.expected.tensor("\(smoothing)/loss").scalars[0])], within: 1e-6)
    expectClose(value.cotangent, try Self.expected.tensor("\(smoothing)/cotangent"), within: 1e-6)
    let rows = (0..<6).map { logits.image($0).scalars }
    #expect(value.correct == zip(rows, labels).count { $0.firstIndex(of: $0.max()!) == $1 })
  }

  @Test func crossEntropyOfGreatLogitsIsFinite() throws {
    let value = try CrossEntropy()(Tensor(shape: [1, 3], [1e4, 0, -1e4]), [1])
    #expect(value.loss == 1e4)
    #expect(value.cotangent.scalars == [1, -1, 0])
  }

  @Test func unfitLabels() {
    let logits = Tensor(shape: [2, 3])
    for labels in [[], [0], [0, 3], [0, -1]] {
      #expect(throws: PullbackError.self) { try CrossEntropy()(logits, labels) }
    }
  }

  /// Deviations of the initial parameters by their shapes, and names that do not share their numbers.
  @Test func initialParameters() throws {
    let graph = try Graph("initial", input: [16, 8, 8]) { image in
      image.convolution("dense", 64, kernel: 3, padding: 1).batchNorm("bn").relu()
        .convolution("depthwise", 64, kernel: 3, padding: 1, groups: 64).convolution("twin", 64, kernel: 3, padding: 1)
        .layerNorm("norm")
        .globalAveragePool("pool").linear("fc", 200)
    }
    let parameters = try Network(untrained: graph, seed: 5).parameters
    func deviation(_ name: String) -> Double {
      let values = parameters[name]!.scalars.map(Double.init)
      return (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
    }
    #expect(abs(deviation("dense.weight") / (2.0 / (64 * 9)).squareRoot() - 1) < 0.03)
    #expect(abs(deviation("depthwise.weight") / (2.0 / 9).squareRoot() - 1) < 0.1)
    #expect(abs(deviation("fc.weight") / (2.0 / 264).squareRoot() - 1) < 0.03)
    #expect(parameters["bn.weight"]!.scalars == [Float](repeating: Float(Recipe.usualNormScale), count: 64))
    #expect(parameters["norm.weight"]!.scalars == [Float](repeating: 1, count: 8))
    #expect(parameters["bn.running_var"]!.scalars == [Float](repeating: 1, count: 64))
    for name in ["dense.bias", "bn.bias", "bn.running_mean", "fc.bias"] {
      #expect(parameters[name]!.scalars.allSatisfy { $0 == 0 }, "\(name)")
    }
    #expect(parameters["dense.weight"]!.scalars[0] != parameters["twin.weight"]!.scalars[0])
    let again = try Network(untrained: graph, seed: 5).parameters
    #expect(again == parameters)
    #expect(try Network(untrained: graph, seed: 6).parameters != parameters)
  }
}
