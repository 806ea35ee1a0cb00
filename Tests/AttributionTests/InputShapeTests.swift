import Pullbacks
import TestKit
import Testing

@testable import Attribution

/// Inputs that are no square colour pictures.
@Suite struct InputShapeTests {
  enum Kind: String, CaseIterable, Sendable {
    case features, signal, volume, grey, fourChannels

    /// Of one input.
    var shape: [Int] {
      switch self {
      case .features: [30]
      case .signal: [2, 40]
      case .volume: [2, 3, 4, 5]
      case .grey: [1, 12, 28]
      case .fourChannels: [4, 16, 16]
      }
    }

    var isPicture: Bool { shape.count == 3 }

    func network() throws -> Network {
      try Formula.network(
        Graph(rawValue, input: shape) { x in
          guard isPicture else {
            return x.reshaped([shape.reduce(1, *)]).linear("fc1", 24).relu("relu1").linear("fc2", 5)
          }
          return x.convolution("conv0", 6, kernel: 3, padding: 1).relu("relu0").maxPool("pool0", kernel: 2)
            .convolution("conv1", 8, kernel: 3, padding: 1).relu("relu1").globalAveragePool().linear("fc", 5)
        })
    }
  }

  static var settings: MethodSettings {
    var settings = MethodSettings()
    settings.smoothGrad.count = 3
    settings.fusionGrad = NoisyNetworks(networks: 2, deviation: 0.1, images: 2, imageDeviation: 0.15)
    settings.camLayer = "conv1"
    settings.occlusionDivisor = 4
    settings.riseMasks = 30
    return settings
  }

  private static let needPictures: Set<Method> = [
    .gradCAM, .guidedGradCAM, .guidedPullbackCAM, .occlusion, .rise, .lrpEpsilonGammaBox,
  ]

  @Test(arguments: Kind.allCases, Method.allCases.filter { $0 != .attentionRollout })
  func everyMethodWorksOrRefuses(_ kind: Kind, _ method: Method) throws {
    let network = try kind.network()
    let x = Formula.image("image", [2] + kind.shape)
    guard kind.isPicture || !Self.needPictures.contains(method) else {
      let error = try #require(throws: PullbackError.self) { try method.explainer(Self.settings, for: network.graph) }
      #expect(error.description.contains("pictures (C, H, W), found inputs of shape \(kind.shape)"), "\(error)")
      return
    }
    let explainer = try method.explainer(Self.settings, for: network.graph)
    #expect((explainer.requirement == .pictures) == Self.needPictures.contains(method))
    let map = try explainer.attribute(x, .classes([1, 4]), of: network)
    #expect(map.shape == x.shape && map.scalars.allSatisfy(\.isFinite) && map.scalars.contains { $0 != 0 })
  }

  /// An explainer that is made by hand refuses too.
  @Test(arguments: Kind.allCases) func explainersRefuse(_ kind: Kind) throws {
    let network = try kind.network()
    let explainers: [any Explainer] = [
      Occlusion(name: "occlusion", divisor: 4), RISE(name: "rise", masks: 2),
      ClassActivationMap(.gradient, layer: "conv1", name: "grad-cam"),
    ]
    for explainer in explainers {
      let x = Formula.image("image", [1] + kind.shape)
      if kind.isPicture {
        _ = try explainer.attribute(x, .classes([0]), of: network)
      } else {
        #expect(throws: PullbackError.self) { try explainer.attribute(x, .classes([0]), of: network) }
      }
    }
    #expect(throws: PullbackError.self) {
      try AttentionRollout(name: "rollout").attribute(
        Formula.image("image", [1] + kind.shape), .classes([0]), of: network)
    }
  }

  @Test func inputsOfAnotherShapeAreRefused() throws {
    let network = try Kind.signal.network()
    for shape in [[2, 40], [1, 2, 41], [1, 80], [0, 2, 40]] {
      let error = try #require(throws: PullbackError.self) {
        try Method.gradient.explainer(for: network.graph)
          .attribute(Tensor(shape: shape), .classes([Int](repeating: 0, count: shape[0])), of: network)
      }
      #expect(error.description.contains("expected shape (N, 2, 40)"), "\(error)")
    }
  }

  /// Windows, cells and enlargement go by each side.
  @Test func sidesAreTakenByThemselves() throws {
    let windows = Occlusion(name: "occlusion", divisor: 4).windows([1, 12, 28])
    #expect(windows[0].rows == 0..<3 && windows[0].columns == 0..<7)
    #expect(windows.last?.rows == 9..<12 && windows.last?.columns == 21..<28)
    for row in 0..<12 {
      for column in 0..<28 {
        #expect(windows.contains { $0.rows.contains(row) && $0.columns.contains(column) })
      }
    }
    let mask = RISE(name: "rise", cells: 3).mask(0, height: 12, width: 28, noise: .streams(seed: 1))
    #expect(mask.count == 12 * 28 && mask.allSatisfy { (0...1).contains($0) })
    let map = Tensor(shape: [1, 1, 2, 4], (0..<8).map(Float.init)).enlarged(to: [1, 3, 4, 12])
    #expect(map[0, 2, 0, 0] == 0 && map[0, 1, 3, 11] == 7 && map[0, 0, 1, 5] == 1 && map[0, 0, 2, 6] == 6)
  }

  /// A rollout over patches of a picture that is not square.
  @Test func rolloutOverARectangle() throws {
    let graph = try Graph("wide", input: [3, 8, 24]) { image in
      let x = image.convolution("patches", 8, kernel: 4, stride: 4).reshaped([8, 12]).transposed([1, 0])
      let y = x.attention(keys: x.linear("k", 8), values: x.linear("v", 8), heads: 2).adding(x)
      return y.transposed([1, 0]).reshaped([8, 2, 6]).globalAveragePool().linear("fc", 5)
    }
    let network = try Formula.network(graph)
    let x = Formula.image("image", [1, 3, 8, 24])
    let map = try Method.attentionRollout.explainer(for: graph).attribute(x, .classes([0]), of: network)
    #expect(map.shape == x.shape)
    // A patch has one value, its neighbours another.
    #expect(map[0, 0, 0, 0] == map[0, 0, 3, 3] && map[0, 0, 0, 0] != map[0, 0, 0, 4])
    #expect(map[0, 0, 0, 0] != map[0, 0, 4, 0] && map[0, 0, 4, 20] == map[0, 0, 7, 23])
  }

  /// The preset's step goes by the number of values, whatever their shape.
  @Test(arguments: Kind.allCases) func presetStepGoesByTheNumberOfValues(_ kind: Kind) throws {
    let network = try kind.network()
    let x = Formula.image("image", [1] + kind.shape)
    var settings = MethodSettings()
    settings.steps = 1
    let change = try Method.gradientAscent.explainer(settings, for: network.graph)
      .attribute(x, .classes([1]), of: network)
    let expected = 20 * (Double(x.count) / 150_528).squareRoot()
    #expect(abs(change.imageNorms[0] - expected) < 1e-5 * expected)
    #expect(PullbackAscent.length(20, forValues: x.count) == expected)
    #expect(PullbackAscent.length(20, forValues: 150_528) == 20)
  }

  @Test func aLayerMustBeNamed() throws {
    let graph = try Graph("deep", input: [3, 16, 16]) { image in
      (0..<5).reduce(image) { $0.convolution("conv\($1)", 4, kernel: 3, padding: 1).relu("relu\($1)") }.flatten()
        .linear("fc", 3)
    }
    for method in [Method.gradCAM, .guidedGradCAM, .guidedPullbackCAM] {
      let error = try #require(throws: PullbackError.self) { try method.explainer(for: graph) }
      #expect(error.description.contains("conv2, conv3, conv4"), "\(error)")
    }
    let network = try Formula.network(graph)
    let x = Formula.image("image", [1, 3, 16, 16])
    for (layer, mentions) in [("fc", "expected channels of planes"), ("nowhere", "nowhere")] {
      let map = ClassActivationMap(.gradient, layer: layer, name: "grad-cam")
      let error = try #require(throws: PullbackError.self) { try map.attribute(x, .classes([0]), of: network) }
      #expect(error.description.contains(mentions), "\(error)")
    }
  }
}
