import Attribution
import Pullbacks
import TestKit
import Testing

/// Sums that the theory promises; residuals are relative to the largest logit.
@Suite struct CompletenessTests {
  private func scale(_ values: [Double]) -> Double { values.map(abs).max()! }

  private func sums(_ attribution: Tensor) -> [Double] {
    (0..<attribution.shape[0]).map { attribution.image($0).scalars.reduce(0) { $0 + Double($1) } }
  }

  private func change(_ network: Network) throws -> [Double] {
    let logits = try SmallNetwork.selector.values(of: network(SmallNetwork.images), of: network)
    let grey = try SmallNetwork.selector.values(of: network(Tensor(shape: SmallNetwork.images.shape)), of: network)
    return zip(logits, grey).map { $0 - $1 }
  }

  /// DeepLift sums to f(x) - f(0) exactly, also where windows of a max pool overlap.
  @Test(arguments: [SmallNetwork.convnet, .residual]) func deepLift(_ small: SmallNetwork) throws {
    let network = small.network
    let explainer = DeepLift(name: "deeplift")
    let attribution = try explainer.attribute(SmallNetwork.images, SmallNetwork.selector, of: network)
    let expected = try change(network)
    let reported = try #require(
      try explainer.completeness(
        of: attribution, for: SmallNetwork.selector, at: SmallNetwork.images, of: network))
    #expect(reported.map(\.sum) == sums(attribution) && reported.map(\.change) == expected)
    for report in reported { #expect(abs(report.residual) < 1e-5 * scale(expected)) }
  }

  /// A residual is reported of the methods that multiply by the distance from a baseline, and against that baseline.
  @Test func residualsAreReportedOfSharesOnly() throws {
    let network = SmallNetwork.convnet.network
    var settings = OracleTests.settings(.convnet)
    settings.baseline = .value(0.5)
    let x = SmallNetwork.images
    let logits = try SmallNetwork.selector.values(of: network(x), of: network)
    let starts = try SmallNetwork.selector.values(of: network(Tensor(shape: x.shape, repeating: 0.5)), of: network)
    let shares: Set<Method> = [
      .integratedGradients, .integratedPullbacks, .gradientShap, .pullbackShap, .deepLift,
    ]
    for method in Method.allCases where method != .attentionRollout {
      let explainer = try method.explainer(settings, for: network.graph)
      let reported = try explainer.completeness(of: x, for: SmallNetwork.selector, at: x, of: network)
      #expect(reported?.map(\.change) == (shares.contains(method) ? zip(logits, starts).map { $0 - $1 } : nil))
    }
  }

  @Test func deepLiftWithOverlappingWindows() throws {
    let graph = try Graph("overlap", input: [3, 16, 16]) { image in
      image.convolution("conv0", 8, kernel: 3, padding: 1).relu().maxPool(kernel: 3, stride: 2, padding: 1)
        .convolution("conv1", 8, kernel: 3).relu6().flatten().linear("fc", 10)
    }
    let network = try Formula.network(graph)
    let attribution = try DeepLift(name: "deeplift").attribute(SmallNetwork.images, SmallNetwork.selector, of: network)
    let expected = try change(network)
    for (sum, change) in zip(sums(attribution), expected) { #expect(abs(sum - change) < 1e-5 * scale(expected)) }
  }

  /// The trapezoid's error falls with the square of the step; the released weighting loses a share.
  @Test(arguments: SmallNetwork.allCases) func integratedGradients(_ small: SmallNetwork) throws {
    let network = small.network
    func residual(_ points: Int, _ weighting: StraightPath.Weighting) throws -> Double {
      var settings = MethodSettings()
      settings.integratedGradientsPoints = points
      settings.weighting = weighting
      let explainer = try Method.integratedGradients.explainer(settings, for: network.graph)
      let attribution = try explainer.attribute(SmallNetwork.images, SmallNetwork.selector, of: network)
      let expected = try change(network)
      return zip(sums(attribution), expected).map { abs($0 - $1) }.max()! / scale(expected)
    }
    #expect(try residual(2000, .normalised) < 1e-3)
    #expect(try residual(10, .released) > 0.02)
  }

  /// A network of ReLU and max pooling is `W(x) x + b(x)`: the hard pullback, which is W(x)^T u, paired with x, and the
  /// cotangents of the biases paired with the biases, give the logit.
  @Test(arguments: [SmallNetwork.convnet, .residual]) func hardPullback(_ small: SmallNetwork) throws {
    let network = small.network
    for image in 0..<SmallNetwork.images.shape[0] {
      let parts = try AffineParts(of: network, at: SmallNetwork.images.image(image), SmallNetwork.selector[[image]])
      #expect(abs(parts.residual) < 1e-5, "\(parts)")
      #expect(abs(parts.bias) > 0.01, "without the biases nothing would be tested")
    }
  }

  /// A saturated ReLU6 is a constant.
  @Test func affinePartsWithLimits() throws {
    let network = try Formula.network(
      Graph("limited", input: [3, 16, 16]) { image in
        image.convolution("conv0", 8, kernel: 3, padding: 1).relu6("limit0").maxPool("pool0", kernel: 2)
          .convolution("conv1", 12, kernel: 3, padding: 1).relu6("limit1").flatten().linear("fc", 10)
      })
    let x = Tensor(shape: [1, 3, 16, 16], SmallNetwork.images.image(0).scalars.map { 30 * $0 })
    let trace = try network.trace(at: x, rules: [], keeping: ["limit0", "limit1"])
    for name in ["limit0", "limit1"] { #expect(try trace.activation(name).scalars.contains(6)) }
    let parts = try AffineParts(of: network, at: x, SmallNetwork.selector[[0]])
    #expect(abs(parts.residual) < 1e-5 * max(1, abs(parts.value)), "\(parts)")
  }

  @Test func affinePartsOfATransformer() throws {
    let error = try #require(throws: PullbackError.self) {
      try AffineParts(
        of: SmallNetwork.transformer.network, at: SmallNetwork.images.image(0), SmallNetwork.selector[[0]])
    }
    #expect(error.description.contains("are not known"), "\(error)")
  }
}
