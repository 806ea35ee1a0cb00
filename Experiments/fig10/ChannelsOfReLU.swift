import ExperimentKit
import Foundation

/// A ReLU over channels with spreads of their own, each looked at along the same range of z / sigma, at places that lie
/// between those of the others: what arrives when ones are pulled back is the gate.
struct ChannelsOfReLU {
  let deviations: [Float] = [0.3, 1, 3]
  /// The noise in units of each channel's deviation.
  let multiple: Float = 1.5
  private let places: Int
  private let network: Network

  /// - Parameter places: the places of each channel.
  init(places: Int) throws {
    self.places = places
    network = try Network(
      Graph("channels", input: [deviations.count, places]) { $0.relu("relu") }, parameters: [:])
  }

  /// The places of each channel, in units of its deviation.
  var units: [[Double]] {
    deviations.indices.map { channel in
      (0..<places).map { 9 * (Double($0 * deviations.count + channel) / Double(places * deviations.count - 1) - 0.5) }
    }
  }

  /// The gates by the relative rule, with the spreads that a batch norm would give.
  func relativeGates() throws -> [[Double]] {
    let spreads = Spreads(["relu": Spread(.batchNorm, deviations)])
    return try gates(at: input, by: .relativePullback(multiple, spreads, over: network.graph))
  }

  /// The gates by the rule with one temperature for all channels.
  func softGates() throws -> [[Double]] { try gates(at: input, by: .softPullback()) }

  /// The hard gates at z + c sigma times a random perturbation.
  func perturbedGates(seed: UInt64, draw: Int) throws -> [[Double]] {
    let noise = RandomStream(seed: seed, "fig10/channels", draw: draw).normals(input.shape)
    let widths = deviations.flatMap { Array(repeating: multiple * $0, count: places) }
    return try gates(at: input + Tensor(shape: input.shape, widths) * noise, by: .hardPullback)
  }

  private var input: Tensor {
    let z = zip(deviations, units).flatMap { deviation, units in units.map { deviation * Float($0) } }
    return Tensor(shape: [1, deviations.count, places], z)
  }

  private func gates(at x: Tensor, by rules: RuleSet) throws -> [[Double]] {
    let pulled = try network.valueWithPullback(at: x, rules: rules).pullback(Tensor(shape: x.shape, repeating: 1))
    let gates = pulled.scalars.map(Double.init)
    return deviations.indices.map { Array(gates[$0 * places..<($0 + 1) * places]) }
  }
}
