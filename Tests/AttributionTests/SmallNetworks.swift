import Attribution
import Pullbacks
import TestKit

/// The networks of Tests/Oracles/attribution.py, with formula weights, and its noise.
enum SmallNetwork: String, CaseIterable, Sendable {
  case convnet, residual, transformer

  /// The layer of the class activation maps.
  var layer: String {
    switch self {
    case .convnet: "conv1"
    case .residual: "conv2"
    case .transformer: "patches"
    }
  }

  static let images = Tensor(batching: (0..<2).map { Formula.image("image\($0)", [1, 3, 16, 16]) })
  static let selector = Selector.classes([3, 7])

  private static let networks: [SmallNetwork: Network] = Dictionary(
    uniqueKeysWithValues: allCases.map { ($0, try! Formula.network($0.graph())) })

  var network: Network { Self.networks[self]! }

  private func graph() throws -> Graph {
    try Graph(rawValue, input: [3, 16, 16]) { image in
      switch self {
      case .convnet:
        return image.convolution("conv0", 8, kernel: 3, padding: 1).relu("relu0").maxPool("pool0", kernel: 2)
          .convolution("conv1", 12, kernel: 3, padding: 1).relu("relu1").maxPool("pool1", kernel: 2)
          .flatten().linear("fc", 10)
      case .residual:
        let x = image.convolution("conv0", 8, kernel: 3, padding: 1, bias: false).batchNorm("bn0").relu("relu0")
          .maxPool("pool", kernel: 3, stride: 3, padding: 1)
        return x.convolution("conv1", 8, kernel: 3, padding: 1, bias: false).batchNorm("bn1").relu("relu1")
          .convolution("conv2", 8, kernel: 3, padding: 1, bias: false).batchNorm("bn2").adding(x).relu("relu2")
          .globalAveragePool().linear("fc", 10)
      case .transformer:
        var x = image.convolution("patches", 16, kernel: 4, stride: 4).reshaped([16, 16]).transposed([1, 0])
        for i in 0..<2 {
          let y = x.layerNorm("norm\(i)")
          x = y.linear("q\(i)", 16).attention(keys: y.linear("k\(i)", 16), values: y.linear("v\(i)", 16), heads: 2)
            .linear("proj\(i)", 16).adding(x)
          x = x.layerNorm("mlpnorm\(i)").linear("fc1_\(i)", 32).gelu().linear("fc2_\(i)", 16).adding(x)
        }
        return x.layerNorm("norm").transposed([1, 0]).reshaped([16, 4, 4]).globalAveragePool().linear("fc", 10)
      }
    }
  }

  private static let fixtures = try! Fixture.tensors("attribution")

  /// What the oracle computed, every third value.
  func expected(_ key: String) throws -> Tensor { try Self.fixtures.tensor("\(rawValue)/\(key)") }

  /// The noise of the oracle.
  static let noise = NoiseSource { request in
    let noise = Formula.image("\(request.purpose)/\(request.image ?? 0)/\(request.draw)", request.shape)
    return switch request.distribution {
    case .normal: 1.7 as Float * noise
    case .uniform: 0.5 as Float * (noise + Tensor(shape: request.shape, repeating: 1))
    }
  }
}

/// Every `step`-th value, as the fixtures keep them.
func every(_ step: Int, of tensor: Tensor) -> Tensor {
  let values = tensor.scalars
  let sampled = stride(from: 0, to: values.count, by: step).map { values[$0] }
  return Tensor(shape: [sampled.count], sampled)
}
