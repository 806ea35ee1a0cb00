import Attribution
import Pullbacks

/// An input to be explained, for one or several classes.
struct Explicandum: Sendable {
  /// `(1, C, H, W)`.
  let input: Tensor
  let targets: [Int]
  /// The sample's index in the whole data set: random numbers go by it.
  let index: Int
  /// What tells the random numbers of this input from those of the image itself.
  let purpose: String
}

/// Explainers that evaluate the network at the same points, and so share passes; or one that shares with none.
struct ExplainerFamily: Sendable {
  /// Where the explainers stand among the benchmark's contenders.
  let members: [Int]
  private let explainers: [any Explainer]
  private let points: (any Points)?

  /// The families of `explainers`, in the order of their first members.
  static func families(of explainers: [any Explainer]) -> [ExplainerFamily] {
    var families: [(key: String, members: [Int])] = []
    for (index, explainer) in explainers.enumerated() {
      let key = sharedPoints(of: explainer).map { "\(type(of: $0)) \($0)" } ?? "\(index)"
      if let family = families.firstIndex(where: { $0.key == key }) {
        families[family].members.append(index)
      } else {
        families.append((key, [index]))
      }
    }
    return families.map { family in
      ExplainerFamily(
        members: family.members, explainers: family.members.map { explainers[$0] },
        points: sharedPoints(of: explainers[family.members[0]]))
    }
  }

  /// Where an explainer evaluates the network, if it is an average over points that equal settings determine.
  private static func sharedPoints(of explainer: any Explainer) -> (any Points)? {
    guard let average = average(explainer) else { return nil }
    if case .image? = average.multipliedFrom { return nil }
    return average.points
  }

  private static func average(_ explainer: any Explainer) -> PullbackAverage? {
    if let decorated = explainer as? Decorated { return average(decorated.base) }
    return explainer as? PullbackAverage
  }

  /// The explanations by each member, for each input and each of its targets.
  ///
  /// - Parameter inputs: all with the same number of targets.
  func maps(
    _ inputs: [Explicandum], of network: Network, seed: UInt64, batchSize: Int,
    report: @escaping @Sendable (Cost) -> Void
  ) throws(PullbackError) -> [[[Tensor]]] {
    guard let first = inputs.first else { return explainers.map { _ in [] } }
    var results = [[[Tensor]]](repeating: [], count: explainers.count)
    // Random numbers that all images share are drawn once per call: inputs of different purposes come in calls of their
    // own.
    let together = sharesNumbersAmongImages ? inputs.chunked { $0.purpose == $1.purpose } : [inputs]
    for inputs in together {
      let context = Self.context(inputs, seed: seed, batchSize: batchSize, report: report)
      let batch = Tensor(batching: inputs.map(\.input))
      let selectors = first.targets.indices.map { place in Selector.classes(inputs.map { $0.targets[place] }) }
      let maps = try maps(batch, selectors, of: network, in: context)
      for member in explainers.indices {
        results[member] += inputs.indices.map { input in maps[member].map { $0.image(input) } }
      }
    }
    return results
  }

  private var sharesNumbersAmongImages: Bool { points is NoisyNetworks || explainers[0] is RISE }

  /// Rows count from here in the contexts below, so that requests for numbers that all images share, for image 0, stand
  /// out.
  private static let firstRow = 1 << 24

  private static func context(
    _ inputs: [Explicandum], seed: UInt64, batchSize: Int, report: @escaping @Sendable (Cost) -> Void
  ) -> Context {
    let noise = NoiseSource { request in
      let row = request.image - firstRow
      let input = inputs[max(0, row)]
      let stream = RandomStream(
        seed: seed, request.purpose + input.purpose, image: row < 0 ? 0 : input.index, draw: request.draw)
      return switch request.distribution {
      case .normal: stream.normals(request.shape)
      case .uniform: stream.uniforms(request.shape)
      }
    }
    var context = Context(noise: noise, batchSize: batchSize, report: report)
    context.firstImage = firstRow
    return context
  }

  /// Per member and selector the maps of a batch.
  private func maps(
    _ x: Tensor, _ selectors: [Selector], of network: Network, in context: Context
  ) throws(PullbackError) -> [[Tensor]] {
    guard let points else {
      let explainer = explainers[0]
      guard explainer is PullbackAscent || explainer is DoublePullback else {
        return [try explainer.attribute(x, selectors, of: network, in: context)]
      }
      // Every selector leads elsewhere: as rows of one batch they fill it better.
      let rows = Tensor(batching: selectors.map { _ in x })
      let stacked = try explainer.attribute(rows, Selector(selectors.flatMap(\.targets)), of: network, in: context)
      return [selectors.indices.map { stacked.images($0 * x.shape[0]..<($0 + 1) * x.shape[0]) }]
    }
    let averages = explainers.map { Self.average($0)! }
    var jobs: [(rules: RuleSet, selector: Selector)] = []
    var first: [RuleSet: Int] = [:]
    for average in averages where first[average.rules] == nil {
      first[average.rules] = jobs.count
      jobs += selectors.map { (average.rules, $0) }
    }
    let means = try average(over: points, jobs, at: x, of: network, in: context)
    return zip(explainers, averages).map { explainer, average in
      selectors.indices.map { place in
        Self.finish(explainer, means[first[average.rules]! + place], at: x)
      }
    }
  }

  private func average(
    over points: any Points, _ jobs: [(rules: RuleSet, selector: Selector)], at x: Tensor, of network: Network,
    in context: Context
  ) throws(PullbackError) -> [Tensor] {
    guard points is TheImage, x.shape[0] > context.batchSize else {
      return try points.average(of: jobs, at: x, of: network, in: context)
    }
    var parts = [[Tensor]](repeating: [], count: jobs.count)
    for start in stride(from: 0, to: x.shape[0], by: context.batchSize) {
      let images = start..<min(x.shape[0], start + context.batchSize)
      let batch = try points.average(
        of: jobs.map { ($0.rules, $0.selector[Array(images)]) }, at: x.images(images), of: network, in: context)
      for (job, part) in batch.enumerated() { parts[job].append(part) }
    }
    return parts.map { Tensor(batching: $0) }
  }

  /// What an explainer makes of the mean of its pullbacks.
  private static func finish(_ explainer: any Explainer, _ mean: Tensor, at x: Tensor) -> Tensor {
    if let decorated = explainer as? Decorated { return decorated.finished(finish(decorated.base, mean, at: x), at: x) }
    return (explainer as? PullbackAverage)?.finished(mean, at: x) ?? mean
  }
}

extension Array {
  /// Runs of neighbours that belong together.
  fileprivate func chunked(by belong: (Element, Element) -> Bool) -> [[Element]] {
    var chunks: [[Element]] = []
    for element in self {
      if let last = chunks.last?.last, belong(last, element) {
        chunks[chunks.count - 1].append(element)
      } else {
        chunks.append([element])
      }
    }
    return chunks
  }
}
