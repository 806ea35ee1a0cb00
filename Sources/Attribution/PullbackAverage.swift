import Pullbacks

/// The mean of pullbacks at several points: `sum_i w_i nu(x_i)`, times `x - baseline` if so asked.
///
/// | points | rules of the gradient | soft rules |
/// |---|---|---|
/// | ``TheImage`` | Gradient | Soft Pullback |
/// | ``NoisyImages`` | SmoothGrad | Smooth Pullback |
/// | ``NoisyNetworks`` | FusionGrad | Fusion Pullback |
/// | ``RandomPath``, times the input | GradientShap | Pullback SHAP |
/// | ``StraightPath``, times the input | Integrated Gradients | Integrated Pullbacks |
///
/// Sources: the paper, sections 2 to 4, and those named with the points. Cost: one forward and one backward pass per
/// point; selectors and rule sets at the same points share the forward pass.
public struct PullbackAverage: Explainer {
  public let name: String
  /// How the output is pulled back.
  public let rules: RuleSet
  /// Where, and what each place counts for.
  public let points: any Points
  /// The result is multiplied by the image's distance from here; nil is no multiplication.
  public let multipliedFrom: Baseline?

  /// - Parameters:
  ///   - rules: how the output is pulled back.
  ///   - points: where, and how many times.
  ///   - name: of the explainer.
  ///   - multipliedFrom: the baseline of explainers that multiply by `x - baseline`; nil is no multiplication.
  public init(_ rules: RuleSet, at points: any Points = TheImage(), name: String, multipliedFrom: Baseline? = nil) {
    self.rules = rules
    self.points = points
    self.name = name
    self.multipliedFrom = multipliedFrom
  }

  public var settings: [String: String] {
    points.settings.merging(
      multipliedFrom == nil ? ["rules": rules.name] : ["rules": rules.name, "multiplied by": "x - baseline"]) { $1 }
  }

  public var sharedFrom: Baseline? { multipliedFrom }

  public func cost(for graph: Graph) -> Cost {
    Cost(forward: points.count * points.rounds, backward: points.count * points.rounds)
  }

  public func explain(
    _ x: Tensor, _ selectors: [Selector], of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor] {
    let means = try points.average(of: selectors.map { (rules, $0) }, at: x, of: network, in: context)
    if let multipliedFrom { _ = try multipliedFrom.tensor(network.graph.inputShape) }
    return means.map { finished($0, at: x) }
  }

  /// What becomes of the mean of the pullbacks at `x`: it is multiplied by the distance from the baseline, if so asked.
  package func finished(_ mean: Tensor, at x: Tensor) -> Tensor {
    multipliedFrom.map { $0.distance(to: x) * mean } ?? mean
  }
}

extension Points {
  /// The weighted mean over these points of each selector's pullback by its rules. All share the forward passes: a
  /// gradient and its pullback twin, the classes of one image.
  ///
  /// - Parameters:
  ///   - jobs: the rules and the selector of each mean.
  ///   - x: images `(N, C, H, W)`.
  ///   - network: the network that is explained.
  ///   - context: the random numbers and the size of batches.
  /// - Returns: a tensor of the shape of `x` for each job.
  public func average(
    of jobs: [(rules: RuleSet, selector: Selector)], at x: Tensor, of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor] {
    guard x.rank == network.graph.inputShape.count + 1 else {
      throw PullbackError(
        .usage, "input of \(network.graph.name)",
        "expected images of shape \(network.graph.inputShape), found \(x.shape)")
    }
    if self is TheImage { return try pullbacks(of: jobs, at: x, of: network, in: context) }
    var sums = jobs.map { _ in Tensor(shape: x.shape) }
    for round in 0..<rounds {
      let network = self.network(network, round: round, noise: context.noise)
      // A row is a point of an image. Each image's points are added in their order, however rows fall into batches.
      try context.forEachBatch(of: x.shape[0] * count) { rows throws(PullbackError) in
        let images = rows.map { $0 / count }
        let inputs = rows.map { row in
          let image = row / count
          return point(
            row % count, round: round, of: x.image(image), image: context.firstImage + image, noise: context.noise)
        }
        let pulled = try pullbacks(
          of: jobs.map { ($0.rules, $0.selector[images]) }, at: Tensor(batching: inputs), of: network, in: context)
        for (job, pulled) in pulled.enumerated() {
          for (place, row) in rows.enumerated() {
            sums[job].addToImage(images[place], Float(weight(row % count)), of: pulled, image: place)
          }
        }
      }
    }
    return sums
  }

  private func pullbacks(
    of jobs: [(rules: RuleSet, selector: Selector)], at x: Tensor, of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor] {
    let trace = try network.trace(at: x, rules: jobs.map(\.rules))
    context.report(forward: x.shape[0])
    var results: [Tensor] = []
    for job in jobs {
      results.append(try trace.pullback(job.selector.cotangent(at: trace.value, of: network), by: job.rules))
      context.report(backward: x.shape[0])
    }
    return results
  }
}
