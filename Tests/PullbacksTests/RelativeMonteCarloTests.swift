import Execution
import Foundation
import Pullbacks
import TestKit
import Testing

/// The relative rules against what they are said to be: the average of the hard rule over noise of c times each
/// channel's deviation.
@Suite struct RelativeMonteCarloTests {
  static let gates: [any Pullbacks.Operation] = [
    ReLU(), ReLU6(), Clip(-1, 2), ChannelClip(low: [-1, 0, -3], high: [0.5, 6, 3]), LeakyReLU(slope: 0.2),
    PReLU(slopes: 3), GELU(), TanhGELU(), SiLU(), HardSwish(), Mish(), ELU(), Softplus(), HardSigmoid(),
  ]
  private static let deviations: [Float] = [0.3, 1, 2.5]

  private func network(_ operation: any Pullbacks.Operation, _ shape: [Int]) throws -> Network {
    let graph = try Graph("one", input: shape) { $0.apply(operation, "op") }
    let slopes = ["op.weight": Tensor(shape: [3], [0.1, 0.25, -0.3])]
    return try Network(graph, parameters: operation is PReLU ? slopes : [:])
  }

  private func pulled(_ network: Network, by rule: any Rule, at x: Tensor, _ v: Tensor) throws -> Tensor {
    try network.valueWithPullback(at: x, rules: .gradient.overriding(.node("op"), with: rule)).pullback(v)
  }

  /// Three channels of 7 places: each place's average of 20,000 hard gates within five of its standard errors.
  @Test(arguments: gates.indices) func gate(_ index: Int) throws {
    let operation = Self.gates[index]
    let (network, c, places, draws, batch) = (try network(operation, [3, 7]), Float(1.5), 7, 20_000, 500)
    let z = Tensor(shape: [1, 3, places], (0..<21).map { Float($0 % places - 3) * 1.3 + 0.11 })
    let widths = Tensor(shape: [1, 3, places], (0..<21).map { c * Self.deviations[$0 / places] })
    let ones = Tensor(shape: [1, 3, places], repeating: 1)
    let soft = try pulled(network, by: RelativeGate(c, of: Spread(.calibration, Self.deviations)), at: z, ones)
    var (sums, squares) = ([Double](repeating: 0, count: 21), [Double](repeating: 0, count: 21))
    for draw in 0..<draws / batch {
      let noise = RandomStream(seed: 7, "relative \(operation.kind)", draw: draw).normals([batch, 3, places])
      let x = z.repeated(batch) + widths.repeated(batch) * noise
      let gates = try pulled(network, by: HardGate(), at: x, ones.repeated(batch))
      for (place, gate) in gates.scalars.enumerated() {
        sums[place % 21] += Double(gate)
        squares[place % 21] += Double(gate) * Double(gate)
      }
    }
    let isApproximate = operation is SiLU || operation is Softplus
    for place in 0..<21 {
      let mean = sums[place] / Double(draws)
      // As if one draw more had differed by 1: what is rarer than the draws may not be among them.
      let variance = max(0, squares[place] / Double(draws) - mean * mean) + 1 / Double(draws)
      let bound = 5 * (variance / Double(draws)).squareRoot() + (isApproximate ? 0.0177 : 0)
      #expect(abs(mean - Double(soft.scalars[place])) <= bound, "\(operation.kind), place \(place)")
    }
  }

  /// Max pools with overlapping windows and a padded border that takes no share: hard pools under Gumbel noise, drawn
  /// for each window and place, of deviation c sigma.
  @Test func maxPool() throws {
    let (draws, c, deviations) = (40_000, 1.5, [0.4, 1.2])
    let pool = MaxPool(kernel: 3, stride: 2, padding: 1)
    let x = 2 * Formula.image("x", [1, 2, 4, 3])
    let v = Formula.image("v", [1, 2, 2, 2])
    let rule = RelativeMaxPool(Float(c), of: Spread(.calibration, deviations.map(Float.init)), border: .excluded)
    let soft = try pulled(network(pool, [2, 4, 3]), by: rule, at: x, v)
    var expected = [Double](repeating: 0, count: 24)
    var errors = expected
    for output in 0..<8 {
      let (channel, row, column) = (output / 4, output / 2 % 2, output % 2)
      let places = (0..<9).map { (2 * row - 1 + $0 / 3, 2 * column - 1 + $0 % 3) }
        .filter { (0..<4).contains($0.0) && (0..<3).contains($0.1) }.map { channel * 12 + $0.0 * 3 + $0.1 }
      let uniforms = RandomStream(seed: 5, "gumbel \(output)").uniforms([draws, places.count]).scalars
      let scale = c * deviations[channel] * 6.0.squareRoot() / Double.pi
      var wins = [Double](repeating: 0, count: places.count)
      for draw in 0..<draws {
        let noisy = places.indices.map { place in
          let uniform = Double(uniforms[draw * places.count + place]) + 0x1p-25
          return Double(x.scalars[places[place]]) - scale * log(-log(uniform))
        }
        wins[noisy.firstIndex(of: noisy.max()!)!] += 1
      }
      let cotangent = Double(v.scalars[output])
      for (place, wins) in zip(places, wins) {
        let share = wins / Double(draws)
        expected[place] += cotangent * share
        errors[place] += cotangent * cotangent * (share * (1 - share) + 1 / Double(draws)) / Double(draws)
      }
    }
    for place in 0..<24 {
      #expect(abs(Double(soft.scalars[place]) - expected[place]) <= 5 * errors[place].squareRoot(), "place \(place)")
    }
  }
}
