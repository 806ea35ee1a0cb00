import Attribution
import Networks
import Pullbacks
import TestKit
import Testing

/// Explainers on the paper's networks with formula weights, against captum and PyTorch in float64
/// (Tests/Oracles/attribution_networks.py). One network at a time: the weights of a VGG take half a gigabyte.
///
/// The gradient of a ReLU network jumps where a pre-activation changes sign or two values of a pooling window change
/// places. The images lie far from such kinks, but noisy images, noisy networks, paths and iterates lie where they lie,
/// and of their millions of pre-activations some are within float32's rounding error of one. There any float32 program
/// differs from float64; the soft rules, which have no kinks, keep the tight tolerance at the same points.
@Suite(.serialized) struct NetworkOracleTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let architecture: String
    var resolution = 64
    /// The numbers of the formula images.
    let images: [Int]
    var targets = [3, 7]
    /// Of the class activation maps.
    var layer: String?
    let items: [Item]
    var testDescription: String { architecture }
  }

  static let tolerance = 2e-5

  struct Item: Sendable {
    let key: String
    let method: Method
    var change: @Sendable (inout MethodSettings) -> Void = { _ in }
    /// Of a network with kinks; five times what is measured.
    var kinkTolerance = tolerance
  }

  static let cases = [
    Case(
      architecture: "resnet50", images: [46, 24], layer: "layer4.2.conv3", items: shared + many + classActivationMaps),
    Case(
      architecture: "vgg11_bn", images: [76, 38], layer: "avgpool",
      items: shared + classActivationMaps + [
        Item(key: "deeplift", method: .deepLift), Item(key: "lrp-epsilon", method: .lrpEpsilon),
      ]),
    Case(architecture: "pvt_v2_b1", images: [0, 1], items: shared + many),
    Case(
      architecture: "vit_b_16", resolution: 224, images: [0], targets: [3],
      items: [
        Item(key: "rollout", method: .attentionRollout),
        Item(key: "soft/released-mha", method: .softPullback, change: { $0.attention = .released }),
      ]),
  ]

  private static let shared = [
    Item(
      key: "integrated-gradients", method: .integratedGradients,
      kinkTolerance: addsToProductsInOneRounding ? 2e-3 : 6e-3),
    Item(key: "gradient/once", method: .gradient),
    Item(key: "gradient/ascent", method: .gradientAscent, kinkTolerance: 1.5e-4),
    Item(key: "soft/once", method: .softPullback),
    Item(key: "soft/double-1", method: .doublePullback),
    Item(key: "soft/integrated-released", method: .integratedPullbacks),
    Item(key: "soft/ascent", method: .pullbackAscent),
  ]

  /// What takes many passes or many weights, too slow for a VGG in a test.
  private static let many = [
    Item(key: "occlusion", method: .occlusion, change: { $0.occlusionDivisor = 4 }),
    Item(key: "gradient/smooth", method: .smoothGrad),
    Item(key: "gradient/fusion", method: .fusionGrad, kinkTolerance: 1e-2),
    Item(key: "gradient/shap", method: .gradientShap, kinkTolerance: 1.5e-3),
    Item(key: "soft/smooth", method: .smoothPullback),
    Item(key: "soft/fusion", method: .fusionPullback),
    Item(key: "soft/shap", method: .pullbackShap),
  ]

  private static let classActivationMaps = [
    Item(key: "grad-cam", method: .gradCAM),
    Item(key: "guided-backprop", method: .guidedBackprop),
    Item(key: "deconvolution", method: .deconvolution),
    Item(key: "guided-grad-cam", method: .guidedGradCAM),
    Item(key: "soft/guided-cam", method: .guidedPullbackCAM),
  ]

  private static let fixtures = try! Fixture.tensors("attribution-networks")

  @Test(arguments: cases) func agrees(_ test: Case) throws {
    let network = try Formula.network(Architecture.named(test.architecture).graph(resolution: test.resolution))
    let x = Tensor(
      batching: test.images.map { Formula.image("image\($0)", [1, 3, test.resolution, test.resolution]) })
    let hasKinks = network.graph.nodes.contains { $0.operation.kind == "relu" }
    var settings = MethodSettings()
    settings.baseline = .image(Formula.image("baseline", [1] + network.graph.inputShape))
    settings.camLayer = test.layer
    settings.smoothGrad.count = 3
    settings.fusionGrad = NoisyNetworks(networks: 2, deviation: 0.1, images: 2, imageDeviation: 0.15)
    for item in test.items {
      var settings = settings
      item.change(&settings)
      let explainer = try item.method.explainer(settings, for: network.graph)
      let attribution = try explainer.attribute(
        x, .classes(test.targets), of: network, in: OracleTests.context(images: x.shape[0]))
      let expected = try Self.fixtures.tensor("\(test.architecture)/\(item.key)")
      expectClose(
        every(37, of: attribution), expected, within: hasKinks ? item.kinkTolerance : Self.tolerance,
        "\(test.architecture) \(item.key)")
    }
  }
}
