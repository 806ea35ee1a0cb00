import Networks
import Pullbacks
import TestKit
import Testing

/// Multiples of each channel's spread by kind, spreads that are measured and kept, and where they come from.
struct RelativeTemperatureTests {
  @Test func multiplesOfKinds() {
    let all = RelativeTemperatures(1.5)
    #expect(all[.relu] == 1.5 && all[.maxpool] == 1.5 && all[.attention] == nil && !all.isEmpty)
    let some = RelativeTemperatures([.relu: 1, .maxpool: 2])
    #expect(some[.relu] == 1 && some[.maxpool] == 2 && some[.gelu] == nil && some.others == nil)
    let but = RelativeTemperatures(1.5, [.relu: 1])
    #expect(but[.relu] == 1 && but[.gelu] == 1.5 && but.kinds == [.relu: 1])
    #expect(RelativeTemperatures(1.5, [.relu: 1.5]) == all)
    #expect(RelativeTemperatures().isEmpty && RelativeTemperatures(nil).isEmpty && RelativeTemperatures([:]).isEmpty)
  }

  /// A kind's multiple is that of its own nodes; others keep the rule that they have without it.
  @Test func kindsAreChangedAlone() throws {
    let network = try MixedNetwork.network()
    let spreads = Spreads(of: network)
    var temperatures = Temperatures()
    temperatures[.gelu] = 0.7
    let rules = RuleSet.relativePullback(
      RelativeTemperatures([.relu: 1, .maxpool: 2]), spreads, over: network.graph, else: temperatures,
      border: .excluded, attention: .released)
    let soft = RuleSet.softPullback(temperatures, border: .excluded, attention: .released)
    for node in network.graph.nodes.dropFirst() {
      let found = try rules.rule(for: node)
      let spread = spreads[node.name] ?? .ofImage(channelAxis: .first)
      let expected: any Rule =
        switch node.operation.kind {
        case "relu": RelativeGate(1, of: spread)
        case "maxpool": RelativeMaxPool(2, of: spread, border: .excluded)
        default: try soft.rule(for: node)
        }
      #expect(AnyHashable(found) == AnyHashable(expected), "\(node.name)")
    }
    let relative = try rules.spreads(over: network.graph)
    #expect(relative.map(\.node.name) == ["stem_relu", "dense_relu", "pool"])
    #expect(relative[0].spread.source == .batchNorm && relative[1].spread.source == .image)

    let but = RuleSet.relativePullback(RelativeTemperatures(1.5, [.relu: 1]), spreads, over: network.graph)
    for node in network.graph.nodes {
      guard let rule = try but.rule(for: node) as? any RelativeRule else { continue }
      #expect(rule.multiple == (node.operation is ReLU ? 1 : 1.5), "\(node.name)")
    }
    #expect(
      RuleSet.relativePullback(RelativeTemperatures(1.5), spreads, over: network.graph)
        == .relativePullback(1.5, spreads, over: network.graph))
  }

  /// A gate of a kind without a released temperature follows the multiple of all.
  @Test func gatesWithoutATemperature() throws {
    let graph = try Graph("gates", input: [2, 3, 3]) { $0.relu("relu").apply(HardSwish(), "hardswish") }
    func multiple(_ multiples: RelativeTemperatures) throws -> Float? {
      let rules = RuleSet.relativePullback(multiples, Spreads(), over: graph)
      return (try rules.rule(for: graph.nodes[2]) as? any RelativeRule)?.multiple
    }
    #expect(try multiple(RelativeTemperatures(1.5, [.relu: 1])) == 1.5)
    #expect(try multiple(RelativeTemperatures([.relu: 1])) == nil)
  }

  // MARK: Spreads

  private static func network(_ body: (Signal) -> Signal) throws -> Network {
    try Formula.network(Graph("spreads", input: [2, 6, 5], body))
  }

  /// A sum of batch norms is told from a single one, also behind an activation or where channels are joined.
  @Test func sumsAreToldFromBatchNorms() throws {
    let spreads = Spreads(
      of: try Self.network { x in
        func norm(_ name: String) -> Signal { x.convolution("\(name)_conv", 2, kernel: 1).batchNorm(name) }
        let sum = norm("a").adding(norm("b")).relu("sum")
        let joined = Signal.concatenate([norm("c"), sum.maxPool("pool", kernel: 1)]).relu("joined")
        return joined.convolution("conv", 2, kernel: 1).batchNorm("d").relu("single")
      })
    for name in ["sum", "pool", "joined"] { #expect(spreads[name]?.source == .batchNorms, "\(name)") }
    #expect(spreads["single"]?.source == .batchNorm)
    let sum = try #require(spreads["sum"])
    #expect(sum.description == "sum of batch norms, \(sum.deviations.min()!) to \(sum.deviations.max()!)")
    #expect(Spread.ofImage(channelAxis: .first).description == "this image")
    #expect(Spread(.calibration, [3, 1, 8, 2]).median == 2.5 && Spread(.calibration, [3, 1, 8]).median == 3)
  }

  /// Measured at the images that a batch norm has its statistics from, a channel's deviation is |gamma|.
  @Test func measuredSpreadsAgreeWithBatchNorms() throws {
    let x = Formula.image("images", [64, 2, 6, 5])
    let raw = try Self.network { $0.convolution("conv", 3, kernel: 3).batchNorm("bn").relu("relu") }
    let z = try raw.truncated(at: "conv")(x)
    var parameters = raw.parameters
    let values = z.scalars.map(Double.init)
    let channels = (0..<3).map { channel in values.indices.filter { $0 / 12 % 3 == channel }.map { values[$0] } }
    parameters["bn.running_mean"] = Tensor(shape: [3], channels.map { Float($0.reduce(0, +) / Double($0.count)) })
    parameters["bn.running_var"] = Tensor(shape: [3], channels.map { Float($0.variance) })
    let network = try Network(raw.graph, parameters: parameters)
    let measured = try #require(try Spreads.measured(of: network, at: [x])["relu"])
    let told = try #require(Spreads(of: network)["relu"])
    expectClose(measured.deviations.map(Double.init), told.deviations.map(Double.init), within: 1e-3)
    // Half of the images are a sample of them.
    let half = try #require(try Spreads.measured(of: network, at: [x.images(0..<32)])["relu"])
    expectClose(half.deviations.map(Double.init), told.deviations.map(Double.init), within: 0.1)
  }

  /// Images in batches of any size, the same bits; a channel that never changes has no spread.
  @Test func batchesDoNotMatter() throws {
    let network = try MixedNetwork.network()
    let x = MixedNetwork.images(5)
    let together = try Spreads.measured(of: network, at: [x])
    #expect(together == (try Spreads.measured(of: network, at: [x.images(0..<2), x.images(2..<5)])))
    #expect(network.graph.nodes.allSatisfy { (together[$0.name] != nil) == isSoftened($0) })
    let constant = try Self.network { $0.convolution("conv", 3, kernel: 1).relu("relu") }
    let gray = Tensor(shape: [3, 2, 6, 5], repeating: 0.1)
    #expect(try Spreads.measured(of: constant, at: [gray])["relu"] == Spread(.calibration, [0, 0, 0]))
    let overflowing = try Self.network { $0.convolution("conv", 3, kernel: 1).relu("relu") }
    let error = try #require(throws: PullbackError.self) {
      try Spreads.measured(of: overflowing, at: [Tensor(shape: [1, 2, 6, 5], repeating: .infinity)])
    }
    #expect(error.kind == .data && error.subject == "node conv")
  }

  private func isSoftened(_ node: Graph.Node) -> Bool {
    ["relu", "relu6", "gelu", "silu", "maxpool"].contains(node.operation.kind)
  }

  /// Channels are the last axis behind linear layers, the first behind convolutions and in pools, for sequences too.
  @Test func channelsAreWhereLayersHaveThem() throws {
    let maps = try Graph("maps", input: [2, 6, 5]) { x in
      x.convolution("conv", 3, kernel: 1).transposed([1, 2, 0]).linear("linear", 4).gelu("last")
        .transposed([2, 0, 1]).gelu("first")
    }
    let sequence = try Graph("sequence", input: [2, 8]) { x in
      x.convolution1D("conv", 3, kernel: 3).relu("relu").maxPool1D("pool", kernel: 2)
        .transposed([1, 0]).linear("linear", 4).gelu("gelu")
    }
    let tokens = try Graph("tokens", input: [7, 4]) { $0.layerNorm("ln").gelu("gelu").maxPool1D("pool", kernel: 2) }
    let cases: [(Graph, [String: (Spread.ChannelAxis, Int)])] = [
      (maps, ["last": (.last, 4), "first": (.first, 4)]),
      (sequence, ["relu": (.first, 3), "pool": (.first, 3), "gelu": (.last, 4)]),
      (tokens, ["gelu": (.last, 4), "pool": (.first, 7)]),
    ]
    for (graph, expected) in cases {
      let network = try Formula.network(graph)
      let x = Formula.image("images", [3] + graph.inputShape)
      let spreads = try Spreads.measured(of: network, at: [x])
      for (name, (axis, count)) in expected {
        #expect(spreads[name]?.channelAxis == axis && spreads[name]?.deviations.count == count, "\(name)")
      }
      // The rules take them as they are, and those of the image.
      for spreads in [spreads, Spreads()] {
        let rules = RuleSet.relativePullback(1.5, spreads, over: graph)
        #expect(try rules.spreads(over: graph).allSatisfy { $0.spread.channelAxis == expected[$0.node.name]?.0 })
        _ = try network.trace(at: x, rules: [rules])
      }
    }
  }

  /// Kept numbers are taken back as they were, and refused where they do not fit the network.
  @Test func keptSpreadsMustFit() throws {
    let network = try Self.network { $0.convolution("conv", 2, kernel: 3).relu("relu").maxPool("pool", kernel: 2) }
    let measured = try Spreads.measured(of: network, at: [Formula.image("images", [4, 2, 6, 5])])
    let kept = ["relu": try #require(measured["relu"]).deviations, "pool": try #require(measured["pool"]).deviations]
    #expect(try Spreads(measured: kept, for: network.graph) == measured)
    let refused: [(String, [Float]?, String)] = [
      ("relu", nil, "node relu: there are no deviations of what this relu takes"),
      ("relu", [1], "node relu: expected a deviation for each of 2 channels, found 1"),
      ("pool", [1, -0.5], "node pool: expected finite deviations that are not below zero, found -0.5 for channel 1"),
      ("pool", [.nan, 1], "node pool: expected finite deviations that are not below zero, found nan for channel 0"),
      ("conv", [1, 1], "node conv: it is no activation and no max pool, and has no spread"),
      ("relu2", [1, 1], "node relu2: spreads has no node of this name"),
    ]
    for (name, deviations, message) in refused {
      var wrong = kept
      wrong[name] = deviations
      let error = #expect(throws: PullbackError.self) { try Spreads(measured: wrong, for: network.graph) }
      #expect(error?.kind == .data && error?.description == message)
    }
  }

  // MARK: Names of nodes

  /// A table that names a node which there is not is refused; parts of a network know the names of the whole.
  @Test func tablesNameNodesThatThereAre() throws {
    let network = try Self.network { $0.convolution("conv", 2, kernel: 3).relu("act.relu").maxPool("pool", kernel: 2) }
    let x = Formula.image("images", [1, 2, 6, 5])
    let error = #expect(throws: PullbackError.self) {
      try network.trace(at: x, rules: [RuleSet.softPullback().overriding(.node("relu"), with: Gradient())])
    }
    #expect(
      error?.description == "node relu: spreads has no node of this name; similar names are act.relu")
    let rules = RuleSet.softPullback().overriding(.node("pool"), with: Gradient())
    #expect(throws: Never.self) { try network.trace(at: x, rules: [rules]) }
    let part = try network.truncated(at: "act.relu")
    #expect(throws: Never.self) { try part.trace(at: x, rules: [rules]) }
    let rest = try network.starting(at: "act.relu").mergingBatchNorms()
    let conv = RuleSet.softPullback().overriding(.node("conv"), with: Gradient())
    #expect(throws: Never.self) { try rest.trace(at: Formula.image("maps", [1, 2, 4, 3]), rules: [conv]) }
  }
}
