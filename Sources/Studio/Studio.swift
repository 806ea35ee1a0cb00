import Attribution
import Checkpoints
import ExperimentKit
import Failures
import Foundation
import Imaging
import Kernels
import Networks
import Plotting
import Pullbacks
import Subjects

/// The state behind the page's requests: networks, pictures, cached passes and attributions, and the thread that
/// computes. Everything here but ``Studio/init(_:texts:limits:)`` runs on that thread.
public final class Studio: Sendable {
  let networks: [OfferedNetwork]
  let pictures: PictureStore
  let texts: TextDesk?
  let limits: StudioLimits
  let queue: ComputeQueue
  private let loaded = Locked<[String: LoadedNetwork]>([:])
  private let passes: RecentlyUsed<PassKey, Pass>
  private let maps: RecentlyUsed<MapKey, Tensor>

  private struct PassKey: Hashable {
    let network, picture: String
  }

  /// A picture as a network sees it, and the forward pass there.
  struct Pass: Sendable {
    let input: Tensor
    let kept: KeptPass
  }

  private struct MapKey: Hashable {
    let network, picture: String
    let target: Int
    let method: Method
    let temperature: String?
  }

  /// - Parameters:
  ///   - own: a network of the user's, offered first.
  ///   - textModel: the folder of a sentence encoder; nil offers no texts.
  ///   - textOption: the text model's name on the command line.
  ///   - readsTextModel: whether it is read now, so that what is wrong with it is said at once, and not when it is first
  ///     asked.
  ///   - limits: on what is taken from the page.
  /// - Throws: `PullbackError` of kind `usage` if the user's network takes no pictures or tells no classes; others if the
  ///   encoder cannot be read.
  public init(
    own: OfferedNetwork? = nil, textModel: String? = nil, textOption: String = "minilm",
    readsTextModel: Bool = false, limits: StudioLimits = StudioLimits()
  ) throws {
    if let own { try LoadedNetwork.check(own.load()) }
    networks = (own.map { [$0] } ?? []) + OfferedNetwork.known
    pictures = PictureStore(limits, classNames: Architecture.TrainingImages.imageNet.classNames)
    texts = textModel.map { TextDesk($0, option: textOption) }
    if readsTextModel { try texts?.read() }
    self.limits = limits
    queue = ComputeQueue(limit: limits.waiting)
    passes = RecentlyUsed(limits.passes)
    maps = RecentlyUsed(limits.maps)
  }

  /// A network by its name, loaded when it is first asked for.
  ///
  /// - Throws: `PullbackError` of kind `noInput` if none of this name is offered.
  func network(_ id: String) throws -> LoadedNetwork {
    if let known = loaded.withLock({ $0[id] }) { return known }
    guard let offered = networks.first(where: { $0.id == id }) else {
      throw PullbackError(.noInput, "network", "there is none of this name")
    }
    let network = try LoadedNetwork(offered)
    loaded.withLock { $0[id] = network }
    return network
  }

  /// A picture as a network sees it, with the pass there.
  private func pass(_ network: LoadedNetwork, _ picture: StoredPicture) throws -> Pass {
    try passes.value(PassKey(network: network.offered.id, picture: picture.id)) {
      let photograph = try Photograph(decoding: picture.bytes, name: picture.name, pixels: limits.pixels)
      let input = Tensor(try network.subject.loader.picture(of: photograph))
      return Pass(input: input, kept: KeptPass(of: network.subject.network, at: input, for: network.usualRules))
    }
  }

  // MARK: Predictions

  private struct Seen: Encodable {
    var type = "prediction"
    /// The shape of the picture's numbers that follow, and of the probabilities after them.
    let shape: [Int]
    /// The classes in the order of their logits.
    let ranking: [Int]
  }

  /// Sends what a network sees in a picture: the picture as its input, `(C, H, W)`, and the probability of every class.
  func predict(_ request: Requests.View, _ job: Job) throws {
    let network = try network(request.network)
    let pass = try pass(network, try pictures.picture(request.picture))
    let ranking = Prediction.ranking(try logits(of: network, at: pass))
    var probabilities = [Float](repeating: 0, count: ranking.count)
    for each in ranking { probabilities[each.target] = Float(each.probability) }
    try job.send(Seen(shape: network.graph.inputShape, ranking: ranking.map(\.target)))
    job.send(numbers: pass.input)
    job.send(numbers: Tensor(shape: [probabilities.count], probabilities))
  }

  /// The logits at a picture, by the pass that explanations will use.
  private func logits(of network: LoadedNetwork, at pass: Pass) throws -> [Float] {
    let value = try pass.kept.value
    if let index = Checkpoint.firstNonFinite(in: value) {
      throw PullbackError(
        .data, network.subject.name,
        "the output holds \(value.scalars[index]) at index \(index), expected finite numbers")
    }
    return value.scalars
  }

  // MARK: Attributions

  private struct Explained: Encodable {
    var type = "map"
    let shape: [Int]
    /// The first bytes of the `.npy`, in base 64.
    let head: String
    /// The commands that make the same bytes, by the kind of file.
    let commands: [String: String]
    let milliseconds: Double
  }

  /// Sends an attribution, `(C, H, W)`, and how to make it.
  func map(_ request: Requests.Map, _ job: Job) throws {
    let start = ContinuousClock.now
    let map = try attribution(request, job)
    let network = try network(request.network)
    let picture = try pictures.picture(request.picture)
    try job.send(
      Explained(
        shape: network.graph.inputShape,
        head: Data(try NPY.head(shape: [1] + network.graph.inputShape)).base64EncodedString(),
        commands: try commands(request, network, picture), milliseconds: start.duration(to: .now) / .milliseconds(1)))
    job.send(numbers: map)
  }

  private func attribution(_ request: Requests.Map, _ job: Job) throws -> Tensor {
    let method = try request.explainer
    let network = try network(request.network)
    let picture = try pictures.picture(request.picture)
    let key = MapKey(
      network: request.network, picture: picture.id, target: request.target, method: method,
      temperature: network.temperature(request.temperature, of: method))
    return try maps.value(key) {
      let explainer = try method.explainer(try network.settings(key.temperature), for: network.graph)
      let pass = try pass(network, picture)
      let map = try explainer.attribute(
        pass.input, .classes([request.target]), of: network.subject.network,
        in: context(job, pass, explainer.cost(for: network.graph), network))
      guard Checkpoint.firstNonFinite(in: map) == nil else {
        throw PullbackError(
          .data, method.rawValue, "the attribution is not finite: values overflowed float32 on the way")
      }
      return map
    }
  }

  /// The random numbers of the command line, and the job's say.
  private func context(_ job: Job, _ pass: Pass, _ cost: Cost, _ network: LoadedNetwork) -> Context {
    let total = cost.forward + cost.backward
    let done = Locked(0)
    var context = Context(batchSize: max(1, min(8, network.graph.batchSize(within: Self.memory)))) { passes in
      let sum = done.withLock { done in
        done += passes.forward + passes.backward
        return done
      }
      if total > 4 { job.report(sum, of: total) }
    }
    context.proceed = { () throws(PullbackError) in try job.proceed() }
    context.kept = pass.kept
    return context
  }

  /// For the activations of a batch, in bytes: small batches make way for other work sooner.
  private static let memory = 1 << 28

  private func commands(
    _ request: Requests.Map, _ network: LoadedNetwork, _ picture: StoredPicture
  ) throws -> [String: String] {
    let method = try request.explainer
    let temperature = network.temperature(request.temperature, of: method)
    let stem = "\((picture.name as NSString).deletingPathExtension)-\(method.rawValue)"
    let asked =
      ["attribute"] + network.offered.options
      + ["--input", shellPath(picture.name), "--target", "\(request.target)", "--method", method.rawValue]
      + (temperature.map { ["--temperature", $0] } ?? [])
    return [
      "npy": shellCommand(asked + ["--output", shellPath("\(stem).npy")]),
      "png": shellCommand(asked + ["--figure", shellPath("\(stem).png")]),
      "pdf": shellCommand(asked + ["--figure", shellPath("\(stem).pdf")]),
    ]
  }

  /// The figure that the command line draws of an attribution, as a file's bytes.
  func figure(_ request: Requests.Map, _ job: Job) throws -> [UInt8] {
    guard let format = request.format, ["png", "pdf"].contains(format) else {
      throw PullbackError(.usage, "format", "expected png or pdf")
    }
    let method = try request.explainer
    let map = try attribution(request, job)
    let network = try network(request.network)
    let pass = try pass(network, try pictures.picture(request.picture))
    let seen = Prediction.ranking(try logits(of: network, at: pass)).first { $0.target == request.target }
    let title = seen?.title(network.subject.className(request.target)) ?? "\(request.target)"
    let row = ImageGrid.Row(title, [try Picture(pass.input), try heatMap(map), try rawPicture(map)])
    let figure = Figure.attributions(
      [row], by: [method], try network.settings(network.temperature(request.temperature, of: method)),
      of: ["\(request.target)"], network: network.subject.name)
    return Signature.signed(format == "png" ? try figure.png() : try figure.pdf(), for: "figure.\(format)")
  }

  // MARK: Counterfactuals

  private struct Film: Encodable {
    var type = "film"
    let shape: [Int]
    let steps: Int
    let head: String
    let command: String
  }

  private struct Step: Encodable {
    var type = "step"
    let step: Int
    /// The probabilities of the target, and of the class that the picture began with.
    let probability, first: Double
    let top: Int
    let topProbability: Double
    /// The L2 norm of the change.
    let distance: Double
  }

  /// The most steps of a film.
  static let steps = 1...20

  /// Sends the pictures of an ascent towards a class or away from it, x_0 to x_K, as they come.
  func film(_ request: Requests.Film, _ job: Job) throws {
    let method = try request.explainer
    guard Self.steps.contains(request.steps) else {
      throw PullbackError(.usage, "steps", "expected \(Self.steps.lowerBound) to \(Self.steps.upperBound)")
    }
    let network = try network(request.network)
    let picture = try pictures.picture(request.picture)
    let temperature = network.temperature(request.temperature, of: method)
    var settings = try network.settings(temperature)
    settings.clipping = .everyStep
    guard var ascent = try method.explainer(settings, for: network.graph) as? PullbackAscent else {
      throw PullbackError(.usage, "method", "expected pullback-ascent or gradient-ascent")
    }
    ascent.steps = request.steps
    let target: Target = request.away ? .combination([request.target: -1]) : .logit(request.target)
    try target.check(network.graph.outputShape, of: network.subject.name)
    let pass = try pass(network, picture)
    let context = context(job, pass, Cost(forward: 0, backward: 0), network)
    try job.send(
      Film(
        shape: network.graph.inputShape, steps: request.steps,
        head: Data(try NPY.head(shape: [1, request.steps + 1] + network.graph.inputShape)).base64EncodedString(),
        command: shellCommand(
          ["attribute"] + network.offered.options
            + ["--input", shellPath(picture.name), "--target", "\(request.away ? "-1*" : "")\(request.target)"]
            + ["--method", method.rawValue]
            + (temperature.map { ["--temperature", $0] } ?? [])
            + ["--counterfactual", "\(request.steps)", "--output", "counterfactual"])))
    var iterate = pass.input
    var first: Int?
    for k in 0...request.steps {
      try job.proceed()
      if k > 0 {
        iterate = try ascent.step(
          k - 1, at: iterate, from: pass.input, Selector([target]), of: network.subject.network, in: context)
      }
      let ranking = Prediction.ranking(
        k == 0 ? try logits(of: network, at: pass) : try network.subject.network(iterate).scalars)
      let original = first ?? ranking[0].target
      first = original
      func probability(_ index: Int) -> Double { ranking.first { $0.target == index }?.probability ?? 0 }
      try job.send(
        Step(
          step: k, probability: probability(request.target), first: probability(original), top: ranking[0].target,
          topProbability: ranking[0].probability, distance: (iterate - pass.input).imageNorms[0]))
      job.send(numbers: iterate)
    }
  }
}

/// A file's name that no program takes for an option or for standard input.
private func shellPath(_ name: String) -> String { name.hasPrefix("-") ? "./\(name)" : name }

/// The values that were used last.
final class RecentlyUsed<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private let limit: Int
  /// The one that was used last is the last.
  private let kept = Locked<[(key: Key, value: Value)]>([])

  init(_ limit: Int) { self.limit = limit }

  /// The value of a key, made if it is not kept.
  func value(_ key: Key, _ make: () throws -> Value) rethrows -> Value {
    let known = kept.withLock { kept -> Value? in
      guard let place = kept.firstIndex(where: { $0.key == key }) else { return nil }
      kept.append(kept.remove(at: place))
      return kept.last?.value
    }
    if let known { return known }
    let value = try make()
    kept.withLock { kept in
      kept.removeAll { $0.key == key }
      kept.append((key, value))
      if kept.count > limit { kept.removeFirst() }
    }
    return value
  }
}
