import Kernels

/// DeepLift's rescale rule: `v (y - y0) / (z - z0)`, the slope between a baseline and the input in place of the
/// derivative; the derivative where `|z - z0| < 1e-10`.
///
/// Source: Shrikumar et al. 2017 (arXiv 1704.02685), threshold as in captum.
struct Rescale: Rule {
  let baseline: BaselineValues

  var equation: String { "v (y - y0) / (z - z0)" }
  var source: String { "Shrikumar et al. 2017, arXiv 1704.02685" }
  func needs(at operation: any Operation) -> Needs { [.inputs, .output] }

  func pull(_ v: Tensor, at site: Site) -> [Tensor?] {
    let images = v.shape[0]
    let change = site.output - baseline.output.repeated(images)
    let slope = site.gradient(v)[0]!
    return [quotient(v * change, site.input() - baseline.input.repeated(images), orElse: slope)]
  }
}

/// DeepLift through max pooling, by the cross maximum: with `m = max(y, y0)` a window's change `y - y0` is split into
/// `m - y0`, which goes to the place of the largest input, and `y - m`, which goes to that of the largest baseline;
/// each place's share, times v, is divided by its `z - z0`. Where windows overlap, shares add up.
///
/// Source: captum's implementation of Shrikumar et al. 2017. captum lets one of several overlapping windows overwrite
/// the others, which loses their shares; it agrees where windows do not overlap.
struct CrossMaximum: Rule {
  let baseline: BaselineValues

  var equation: String { "v (max(y, y0) - y0) at argmax z, v (y - max(y, y0)) at argmax z0, over (z - z0)" }
  var source: String { "captum's implementation of Shrikumar et al. 2017, arXiv 1704.02685" }
  func needs(at operation: any Operation) -> Needs { [.inputs, .output] }

  func pull(_ v: Tensor, at site: Site) -> [Tensor?] {
    let images = v.shape[0]
    let (z, y) = (site.input(), site.output)
    let (z0, y0) = (baseline.input.repeated(images), baseline.output.repeated(images))
    let larger = y.combine(y0) { y, y0, larger, n in for i in 0..<n { larger[i] = max(y[i], y0[i]) } }
    func pooled(_ v: Tensor, at x: Tensor) -> Tensor { site.gradient(v, parameters: nil, inputs: [x])[0]! }
    let shares = pooled(v * (larger - y0), at: z) + pooled(v * (y - larger), at: z0)
    return [quotient(shares, z - z0, orElse: pooled(v, at: z))]
  }
}

/// The inputs and the output of an operation at the baseline, as batches of one. Two baselines are equal if they are
/// the same object.
final class BaselineValues: Hashable, Sendable {
  let input: Tensor
  let output: Tensor

  init(input: Tensor, output: Tensor) {
    self.input = input
    self.output = output
  }

  static func == (a: BaselineValues, b: BaselineValues) -> Bool { a === b }
  func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// `numerator / denominator`, and `other` where the denominator is below 1e-10.
private func quotient(_ numerator: Tensor, _ denominator: Tensor, orElse other: Tensor) -> Tensor {
  Tensor(shape: numerator.shape) { y in
    Tensor.withPointers(numerator, denominator, other) { a, b, other in
      Parallel.forEachBlock(of: y.count) { block in
        for i in block { y[i] = abs(b[i]) < 1e-10 ? other[i] : a[i] / b[i] }
      }
    }
  }
}

extension RuleSet {
  /// DeepLift: the rescale rule for ReLU, ReLU6 and sigmoid, the cross maximum for max pooling, and the gradient of
  /// everything else, GELU, SiLU and attention included. The result times `x - baseline` sums to `f(x) - f(baseline)`
  /// in a network of ReLU, ReLU6 and max pooling.
  ///
  /// - Parameters:
  ///   - network: the network that will be explained; it is run at the baseline here.
  ///   - baseline: one input, `(1, C, H, W)`.
  /// - Complexity: one forward pass, of one image.
  public static func deepLift(of network: Network, baseline: Tensor) throws(PullbackError) -> RuleSet {
    let isRescaled = { (operation: any Operation) in
      operation is ReLU || operation is ReLU6 || operation is Sigmoid || operation is any MaxPooling
    }
    let nodes = network.graph.nodes.filter { isRescaled($0.operation) }
    let trace = try network.trace(
      at: baseline, rules: [], keeping: nodes.flatMap { [network.graph.nodes[$0.inputs[0]].name, $0.name] })
    var entries: [(Pattern, any Rule)] = []
    for node in nodes {
      let values = BaselineValues(
        input: try trace.activation(network.graph.nodes[node.inputs[0]].name), output: try trace.activation(node.name))
      let rule: any Rule = node.operation is any MaxPooling ? CrossMaximum(baseline: values) : Rescale(baseline: values)
      entries.append((.node(node.name), rule))
    }
    return RuleSet("deeplift", entries + [(.any, Gradient())])
  }
}
