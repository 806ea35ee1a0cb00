@testable import Networks
import Pullbacks
import TestKit
import Testing

/// Every architecture with formula weights against PyTorch in float64 (Tests/Oracles/networks.py). One at a time: the
/// weights of a VGG take half a gigabyte. Tolerances are five times what is measured.
@Suite(.serialized) struct ArchitectureTests {
  static let fixtures = try! Fixture.tensors("networks")

  struct Case: Sendable, CustomStringConvertible {
    let name: String
    let resolution: Int
    let compared: [Comparison]
    var description: String { "\(name) at \(resolution)" }

    init(_ name: String, _ resolution: Int, _ compared: [Comparison] = [.gradient, .soft]) {
      self.name = name
      self.resolution = resolution
      self.compared = compared
    }
  }

  enum Comparison: String, Sendable {
    /// The derivative, and the soft pullback nu(x).
    case gradient, soft
    /// The double pullback, nu(x + nu(x)).
    case double
    /// The soft pullback with the derivative of attention in place of the frozen one.
    case released
  }

  static let cases = [
    Case("resnet18", 64), Case("resnet34", 32), Case("resnet50", 224, [.soft]), Case("resnet50", 64),
    Case("resnet101", 32), Case("resnet152", 32),
    Case("vgg11_bn", 224, [.soft]), Case("vgg11_bn", 64), Case("vgg13", 32), Case("vgg16_bn", 32), Case("vgg19", 32),
    Case("vgg19_bn", 32),
    Case("pvt_v2_b0", 64, [.gradient, .soft, .double]), Case("pvt_v2_b1", 224, [.gradient, .soft, .double]),
    Case("pvt_v2_b2", 96, [.gradient, .soft, .double]), Case("pvt_v2_b3", 32, [.gradient, .soft, .double]),
    Case("pvt_v2_b4", 32, [.gradient, .soft, .double]), Case("pvt_v2_b5", 32, [.gradient, .soft, .double]),
    Case("densenet121", 64), Case("convnext_tiny", 64),
    Case("vit_b_16", 224, [.gradient, .soft, .double, .released]),
    Case("efficientnet-lite0", 224), Case("efficientnet-lite1", 96), Case("efficientnet-lite2", 75),
    Case("resnet-scenes", 96), Case("vgg-scenes", 96), Case("pvt-scenes", 96, [.gradient, .soft, .double]),
  ]

  @Test(arguments: cases) func agreesWithPyTorch(_ test: Case) throws {
    func expected(_ what: String) throws -> Tensor {
      try Self.fixtures.tensor("\(test.name)-\(test.resolution)/\(what)")
    }
    let side = test.resolution
    let network = try Formula.network(Architecture.named(test.name).graph(resolution: side))
    let numbers = try expected("images").scalars
    let images = Tensor(batching: numbers.map { Formula.image("image\(Int($0))", [1, 3, side, side]) })
    let soft = RuleSet.softPullback()
    let released = soft.overriding(.kind("attention"), with: ReleasedAttention(temperature: 1))
    let selector = try network.oneHot([3, 7])

    let trace = try network.trace(at: images, rules: [.gradient, soft, released])
    expectClose(trace.value, try expected("logits"), within: 3e-6, "\(test) logits")
    for comparison in test.compared {
      let pulled =
        switch comparison {
        case .gradient: try trace.pullback(selector, by: .gradient)
        case .soft: try trace.pullback(selector, by: soft)
        case .released: try trace.pullback(selector, by: released)
        case .double:
          try network.trace(at: images + trace.pullback(selector, by: soft), rules: [soft]).pullback(selector, by: soft)
        }
      let values = sample(pulled)
      let reference = try expected(comparison.rawValue)
      expectClose(values, reference, within: 1.5e-5, "\(test) \(comparison)")
      let cosine = cosine(values, reference)
      #expect(cosine >= 0.99999, "\(test) \(comparison): cosine \(cosine)")
    }
  }

  /// One ReLU module that a block of PyTorch's calls three times is three nodes here, and each is softened at its own
  /// pre-activations.
  @Test func sharedActivationIsSoftenedAtEachUse() throws {
    let graph = try Graph("block", input: [16, 6, 6]) { $0.bottleneck("block", width: 4) }
    let activations = graph.nodes.filter { $0.operation.kind == "relu" }
    #expect(activations.map(\.name) == ["block.relu", "block.relu_1", "block.relu_2"])
    let soft = RuleSet.softPullback()
    let trace = try Formula.network(graph).trace(at: Formula.image("map", [2, 16, 6, 6]), rules: [.gradient, soft])
    let cotangent = Formula.image("cotangent", [2, 16, 6, 6])
    func expected(_ what: String) throws -> Tensor { try Self.fixtures.tensor("shared-relu/\(what)") }
    expectClose(trace.value, try expected("value"), within: 2e-6)
    expectClose(try trace.pullback(cotangent, by: .gradient), try expected("gradient"), within: 2e-6)
    expectClose(try trace.pullback(cotangent, by: soft), try expected("soft"), within: 2e-6)
  }

  /// Every 37th value, as the fixtures keep them.
  private func sample(_ tensor: Tensor) -> Tensor {
    let values = tensor.scalars
    let sampled = stride(from: 0, to: values.count, by: 37).map { values[$0] }
    return Tensor(shape: [sampled.count], sampled)
  }

  private func cosine(_ a: Tensor, _ b: Tensor) -> Double {
    func dot(_ a: Tensor, _ b: Tensor) -> Double {
      zip(a.scalars, b.scalars).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
  }
}
