import Execution
import Kernels
import Pullbacks
import TestKit
import Testing

/// Networks of sequences, constants and integers: the fast executor against the plain one, and batches against their
/// images.
@Suite(.serialized) struct SequenceTests {
  /// Layers that follow a convolution in every way that the fast executor knows and some that it must not: sums that
  /// broadcast, a convolution of a constant, values taken by two outputs.
  private func network() throws -> Network {
    let graph = try Graph(
      "sequences", inputs: [.init("signal", [3, 70]), .init("words", [70], type: .int64)]
    ) { inputs in
      let words = inputs[1].embedding("embedding", 9, width: 3).transposed([1, 0])
      let first = inputs[0].adding(words, "with_words").convolution1D("first", 8, kernel: 3, padding: 1)
        .batchNorm("first_bn").relu("first_relu")
      let second = first.convolution1D("causal", 8, kernel: 5, padding: Padding(before: 8, after: 0), dilation: 2)
        .adding(first, "residual").gelu("residual_gelu")
      let third = second.convolution1D("depthwise", 8, kernel: 3, padding: 1, groups: 8, bias: false)
        .adding(second.constant(Formula.image("shift", [8, 1]), "shift"), "shifted").relu("shifted_relu")
      let prior = third.constant(Formula.image("prior", [8, 70]), "prior")
        .convolution1D("prior_conv", 8, kernel: 3, padding: 1).adding(third, "with_prior").silu("with_prior_silu")
      let places = prior.constant(Tensor(shape: [40], integers: (0..<40).map { Int64($0 * 7 % 70) }), "places")
      let mask = prior.constant(Tensor(shape: [70], integers: (0..<70).map { Int64($0 % 3) }), "mask")
      let masked = prior.chosen(where: mask, orElse: prior.parameter("filler", [8, 1]), "masked")
      let pooled = masked.maxPool1D("pool", kernel: 3, stride: 2, padding: 1)
      let tokens = masked.gathered(at: places, axis: 1, "taken").transposed([1, 0])
        .multipliedAsMatrix(by: masked.constant(Formula.image("mixing", [8, 8]), "mixing"), "mixed")
      let attended = tokens.attention("attention", keys: tokens, values: tokens, heads: 2, keyHeads: 2, causal: true)
      let features = attended.rmsNorm("norm").reduced(.mean, axes: [0], "mean")
      return [("logits", features.linear("fc", 5)), ("maps", pooled.groupNorm("groups", groups: 2))]
    }
    return try Formula.network(graph)
  }

  private static let ruleSets: [RuleSet] = [.gradient, .hardPullback, .softPullback()]

  private func inputs(_ images: Int) -> [String: Tensor] {
    [
      "signal": Formula.image("signal", [images, 3, 70]),
      "words": Tensor(shape: [images, 70], integers: (0..<images * 70).map { Int64($0 * 31 % 9) }),
    ]
  }

  /// Values, and pullbacks of both outputs by every rule set.
  private func results(_ network: Network, _ inputs: [String: Tensor], _ first: Int = 0) throws -> [Tensor] {
    let trace = try network.trace(at: inputs, rules: Self.ruleSets)
    let count = inputs["signal"]!.shape[0]
    let logits = Formula.image("v", [5, 5]).images(first..<first + count)
    let maps = Formula.image("w", [5, 8, 35]).images(first..<first + count)
    return try [trace.value, trace.output("maps")]
      + Self.ruleSets.flatMap { rules in
        [try trace.pullback(logits, by: rules), try trace.pullback(maps, by: rules, from: "maps")]
      }
  }

  @Test func fastHasTheBitsOfPlain() throws {
    let network = try network()
    let plain = try results(network.run(by: .plain), inputs(3))
    for executor in [FastExecutor.fast, .fused] {
      for (index, pair) in zip(plain, try results(network.run(by: executor), inputs(3))).enumerated() {
        #expect(identicalBits(pair.0, pair.1), "result \(index)")
        #expect(pair.0.imageNorms.allSatisfy { $0 > 1e-4 })
      }
    }
  }

  /// The same bits for an image alone and in a batch, on one thread and on several, also where constants and parameters
  /// go with every image.
  @Test(arguments: [0, 1]) func batchIsItsImages(_ executor: Int) throws {
    defer { Parallel.threads = 0 }
    let network = try network().run(by: NetworkPartsTests.executors[executor])
    let inputs = inputs(5)
    let whole = try results(network, inputs)
    let singles = try (0..<5).map { image in try results(network, inputs.mapValues { $0.image(image) }, image) }
    for threads in [0, 1, 3] {
      Parallel.threads = threads
      for (index, result) in try results(network, inputs).enumerated() {
        #expect(identicalBits(result, whole[index]), "\(threads) threads, result \(index)")
        #expect(identicalBits(result, Tensor(batching: singles.map { $0[index] })), "batch, result \(index)")
      }
    }
  }

  /// Values inside a chain that starts at a convolution along a sequence are handed out.
  @Test(arguments: ["first", "first_bn", "causal", "residual", "shifted", "prior_conv", "with_prior", "pool"])
  func innerNodes(_ name: String) throws {
    let network = try network()
    let rules = RuleSet.softPullback()
    let fast = try network.run(by: .fast).trace(at: inputs(2), rules: [rules], keeping: [name])
    let plain = try network.run(by: .plain).trace(at: inputs(2), rules: [rules], keeping: [name])
    #expect(identicalBits(try fast.activation(name), try plain.activation(name)))
    let v = Formula.image("v", [2, 5])
    let pulled = try fast.pullback(v, by: rules, to: name)
    #expect(identicalBits(pulled, try plain.pullback(v, by: rules, to: name)))
  }

  /// Volumes and resized maps agree too, with ReLUs that the fast executor may leave unwritten.
  @Test func volumes() throws {
    let graph = try Graph("volumes", input: [2, 6, 12, 10]) { x in
      let volume = x.convolution3D("conv3d", 4, SlidingWindow([3, 3, 3], padding: [1, 1, 1, 1, 1, 1])).batchNorm("bn")
        .relu("relu").maxPool3D("pool", SlidingWindow([2, 2, 2], stride: [2, 2, 2]))
      let maps = volume.reduced(.mean, axes: [1], "depth").convolution("conv", 8, kernel: 3, padding: 1)
        .relu("maps_relu")
      let up = maps.maxPool("halved", kernel: 2).transposedConvolution("up", 8, kernel: 2, stride: 2).relu("up_relu")
      return maps.convolution("same", 8, kernel: 3, padding: 1).adding(up.resized(to: [6, 5]), "sum").relu("sum_relu")
        .globalAveragePool("mean").linear("fc", 4)
    }
    let network = try Formula.network(graph)
    let x = Formula.image("x", [3, 2, 6, 12, 10])
    for rules in Self.ruleSets {
      let plain = try network.run(by: .plain).valueWithPullback(at: x, rules: rules)
      let fast = try network.run(by: .fast).valueWithPullback(at: x, rules: rules)
      #expect(identicalBits(plain.value, fast.value))
      let v = Formula.image("v", [3, 4])
      let (a, b) = (try plain.pullback(v), try fast.pullback(v))
      #expect(identicalBits(a, b) && a.imageNorms.allSatisfy { $0 > 1e-5 }, "\(rules.name)")
      let alone = try network.run(by: .fast).valueWithPullback(at: x.image(1), rules: rules)
      let single = try alone.pullback(v.image(1))
      #expect(identicalBits(single, b.image(1)))
    }
  }
}
