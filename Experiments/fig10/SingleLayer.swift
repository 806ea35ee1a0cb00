import ExperimentKit
import Foundation

/// A network of one layer, looked at along a row of inputs whose first value is z and whose others are zero: what
/// arrives at that value when ones are pulled back is the layer's gate, or its share of the maximum.
struct SingleLayer {
  enum Noise: String { case gaussian, gumbel }

  let name: String
  let z: [Float]
  private let network: Network
  private let temperature: Float
  private let noise: Noise

  init(
    _ name: String, _ kind: Temperatures.Kind, z: [Float], input: [Int], noise: Noise, _ layer: (Signal) -> Signal
  ) throws {
    (self.name, self.z, self.noise) = (name, z, noise)
    temperature = Temperatures()[kind]
    network = try Network(Graph(name, input: input) { layer($0) }, parameters: [:])
  }

  func softGates() throws -> [Double] { try gates(at: input, by: .softPullback(border: .excluded)) }

  /// The hard gates at z + tau times a random perturbation.
  func perturbedGates(seed: UInt64, draw: Int) throws -> [Double] {
    let stream = RandomStream(seed: seed, "fig10/\(name)", draw: draw)
    let perturbation =
      switch noise {
      case .gaussian: stream.normals(input.shape)
      case .gumbel:
        Tensor(
          shape: input.shape, stream.uniforms(input.shape).scalars.map { Float(-log(-log(Double($0) + 0x1p-25))) })
      }
    return try gates(at: input + temperature * perturbation, by: .hardPullback)
  }

  private var input: Tensor {
    let size = network.graph.inputShape.reduce(1, *)
    return Tensor(
      shape: [z.count] + network.graph.inputShape,
      (0..<z.count * size).map { $0 % size == 0 ? z[$0 / size] : 0 })
  }

  private func gates(at x: Tensor, by rules: RuleSet) throws -> [Double] {
    let (value, pullback) = try network.valueWithPullback(at: x, rules: rules)
    let pulled = try pullback(Tensor(shape: value.shape, repeating: 1)).scalars
    return z.indices.map { Double(pulled[$0 * pulled.count / z.count]) }
  }
}
