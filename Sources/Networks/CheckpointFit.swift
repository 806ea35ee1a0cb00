import Checkpoints
import Execution
import Pullbacks

/// The fit of a checkpoint's tensors to an architecture: the names of its parameters in the checkpoint, the missing
/// parameters, and the tensors that the architecture does not use.
public struct CheckpointFit: Sendable {
  /// A parameter whose tensor has another shape.
  public struct Misfit: Sendable {
    /// The tensor's name in the checkpoint.
    public let name: String
    /// The tensor's shape, and the one that was expected.
    public let shape, expected: [Int]
  }

  /// The architecture that the checkpoint is compared with.
  public let architecture: Architecture
  /// The number of the architecture's parameters.
  public let expected: Int
  /// The prefix of the names of all its tensors: `model.`; empty for most.
  public let prefix: String
  /// Parameters of the graph that the checkpoint lacks.
  public let missing: [String]
  /// Parameters whose tensors have another shape.
  public let misfits: [Misfit]
  /// Tensors that the architecture has no use for and that nobody allowed, but for PyTorch's counters.
  public let leftOver: [String]
  /// Tensors that the architecture has no use for, and that ``Checkpoint/allowedLeftOver`` names.
  public let allowedLeftOver: [String]
  /// The place of the classifier if it is not the usual one: `fc.1`, `head.fc`.
  public let movedClassifier: String?
  /// The prefixes of further networks of the same tensors, for example of an average of the weights.
  public let otherPrefixes: [String]
  /// The numbers of classes and channels that the tensors say; nil as in the architecture.
  public let classes: Int?
  /// See ``classes``.
  public let channels: Int?
  private let stored: [String: String]
  let checkpoint: Checkpoint

  /// Compares `checkpoint` with `architecture`. No tensor is read.
  ///
  /// - Throws: `PullbackError` of kind `data` if the checkpoint holds several networks, neither of them an average.
  public init(of architecture: Architecture, to checkpoint: Checkpoint) throws(PullbackError) {
    try self.init(ArchitectureTemplate(architecture), checkpoint)
  }

  init(_ template: ArchitectureTemplate, _ checkpoint: Checkpoint) throws(PullbackError) {
    let prefixes = Self.prefixes(template, checkpoint)
    let matches = prefixes.map { Match(template, checkpoint, prefix: $0) }
    // Several that fit are several networks in one file; an average of the weights is not the first choice.
    let whole = matches.filter { $0.missing.isEmpty && $0.misfits.isEmpty }
    let raw = whole.filter { !Checkpoint.namesAverage($0.prefix) }
    guard raw.count <= 1 else {
      let names = raw.map { quoted($0.prefix.isEmpty ? "" : String($0.prefix.dropLast())) }
      throw PullbackError(
        .data, checkpoint.path,
        "holds several networks of \(template.architecture.name), under \(names.joined(separator: ", "))",
        advice: "choose one by its name (--key \(raw.map { $0.prefix.dropLast() }.first { !$0.isEmpty } ?? ""))")
    }
    let best = raw.first ?? whole.first ?? matches.min { $0.lost < $1.lost } ?? Match(template, checkpoint, prefix: "")
    let others = whole.filter { $0.prefix != best.prefix }
    let used = Set(best.stored.values).union(best.misfits.map(\.name)).union(others.flatMap(\.stored.values))
    let left = checkpoint.names.filter { !used.contains($0) && !Self.isBuffer($0) && !Checkpoint.isCounter($0) }
    architecture = template.architecture
    expected = template.parameters.count
    prefix = best.prefix
    missing = best.missing
    misfits = best.misfits
    leftOver = left.filter { !checkpoint.allowsLeftOver($0) }
    allowedLeftOver = left.filter { checkpoint.allowsLeftOver($0) }
    movedClassifier = best.movedClassifier
    otherPrefixes = others.map(\.prefix)
    (classes, channels) = (best.classes, best.channels)
    stored = best.stored
    self.checkpoint = checkpoint
  }

  /// Tables that a network computes from its own extents, and that some versions of it save.
  fileprivate static func isBuffer(_ name: String) -> Bool {
    ["relative_position_index", "attn_mask", "relative_coords_table", "position_ids"].contains { name.hasSuffix($0) }
  }

  /// The possible prefixes of the names: the text before the first parameter's name in each tensor of its shape.
  static func prefixes(_ template: ArchitectureTemplate, _ checkpoint: Checkpoint) -> [String] {
    guard let first = template.parameters.first(where: { $0.shape.count > 1 }) else { return [""] }
    var prefixes: [String] = []
    let storedNames = first.storedNames
    for name in checkpoint.names {
      for stored in storedNames where name.hasSuffix(stored) {
        let prefix = String(name.dropLast(stored.count))
        guard prefix.isEmpty || prefix.hasSuffix("."), let shape = checkpoint.entry(name)?.shape,
          shape.count == first.shape.count, shape.first == first.shape.first, !prefixes.contains(prefix)
        else { continue }
        prefixes.append(prefix)
      }
    }
    return prefixes.isEmpty ? [""] : Array(prefixes.prefix(8))
  }

  /// Whether every parameter has its tensor, and every tensor its parameter.
  public var isExact: Bool { distance == 0 }

  /// The number of parameters and tensors that lack their counterpart.
  public var distance: Int { missing.count + misfits.count + leftOver.count }

  /// The tensors that are stored as whole numbers, of those it has a use for.
  var wholeNumbers: [TensorEntry] {
    checkpoint.names.compactMap(checkpoint.entry).filter { $0.dtype.isWhole && stored.values.contains($0.name) }
  }

  /// The checkpoint's name for a parameter of the graph; nil if it has none.
  public func storedName(of parameter: String) -> String? { stored[parameter] }

  /// The network with the checkpoint's parameters.
  ///
  /// - Throws: `PullbackError` of kind `data` if the fit is not exact, or a parameter holds a value that is not finite.
  public func network(resolution: Int? = nil) throws -> Network {
    guard isExact else { throw refusal }
    let graph = try architecture.graph(resolution: resolution, classes: classes, channels: channels ?? 3)
    var parameters: [String: Tensor] = [:]
    for (name, description) in graph.parameters {
      guard let tensor = stored[name] else { continue }
      let entry = checkpoint.entry(tensor)?.shape ?? []
      guard Self.fits(entry, description.shape) else {
        throw PullbackError(
          .data, checkpoint.path,
          "tensor \(tensor) has shape \(entry), \(graph.name) expects \(description.shape)",
          advice: "check that the checkpoint belongs to this model")
      }
      parameters[name] = try checkpoint.tensor(tensor, requireFinite: true).reshaped(description.shape)
    }
    return try Network(graph, parameters: parameters, executor: .fast)
  }

  /// Whether a tensor of shape `stored` can be a parameter of shape `expected`: the same, but for axes of extent 1, or
  /// for axes that a matrix has in one, as where a linear map is stored as a convolution.
  fileprivate static func fits(_ stored: [Int], _ expected: [Int]) -> Bool {
    if stored == expected { return true }
    guard stored.reduce(1, *) == expected.reduce(1, *) else { return false }
    return stored.filter { $0 != 1 } == expected.filter { $0 != 1 }
      || (expected.count == 2 && stored.count == 4 && stored.first == expected.first)
  }
}

/// The tensors under one prefix, as an architecture's parameters.
private struct Match {
  let prefix: String
  private(set) var stored: [String: String] = [:]
  private(set) var missing: [String] = []
  private(set) var misfits: [CheckpointFit.Misfit] = []
  private(set) var movedClassifier: String?
  private(set) var classes: Int?
  private(set) var channels: Int?

  var lost: Int { missing.count + misfits.count }

  init(_ template: ArchitectureTemplate, _ checkpoint: Checkpoint, prefix: String) {
    self.prefix = prefix
    let classifier = ["weight", "bias"].map { "\(template.classifier).\($0)" }
    for parameter in template.parameters {
      let name = parameter.storedNames.first { checkpoint.entry(prefix + $0) != nil }
      guard let name, let shape = checkpoint.entry(prefix + name)?.shape else {
        missing.append(parameter.name)
        continue
      }
      var expected = parameter.shape
      if classifier.contains(parameter.name), let rows = shape.first, rows > 0 { expected[0] = rows }
      if template.readsImage.contains(parameter.name), shape.count == expected.count, [1, 3, 4].contains(shape[1]) {
        expected[1] = shape[1]
        channels = shape[1]
      }
      guard CheckpointFit.fits(shape, expected) else {
        misfits.append(.init(name: prefix + name, shape: shape, expected: expected))
        continue
      }
      stored[parameter.name] = prefix + name
      if parameter.name == classifier[0] { classes = expected[0] }
    }
    if missing.contains(classifier[0]) { findClassifier(template, checkpoint, classifier) }
    if missing.contains(classifier[0]) { findClassifierOutside(template, checkpoint, classifier) }
  }

  /// Looks for one linear map below the classifier's place.
  private mutating func findClassifier(
    _ template: ArchitectureTemplate, _ checkpoint: Checkpoint, _ classifier: [String]
  ) {
    guard let features = template.parameters.first(where: { $0.name == classifier[0] })?.shape.last else { return }
    for place in template.classifierPlaces().map({ prefix + $0 }) {
      let below = checkpoint.names.filter { $0.hasPrefix(place + ".") && $0.hasSuffix(".weight") }
      guard let weight = below.first, below.count == 1 else { continue }
      if take(String(weight.dropLast(".weight".count)), checkpoint, classifier, features) { return }
    }
  }

  /// Takes for the classifier the one linear map that stands outside of the network, where the file holds nothing else
  /// besides: that of a backbone and a head with a prefix each, as those who train a head alone save them.
  private mutating func findClassifierOutside(
    _ template: ArchitectureTemplate, _ checkpoint: Checkpoint, _ classifier: [String]
  ) {
    guard Set(missing).isSubset(of: classifier), misfits.isEmpty,
      let features = template.parameters.first(where: { $0.name == classifier[0] })?.shape.last
    else { return }
    let used = Set(stored.values)
    let rest = checkpoint.names.filter { name in
      !used.contains(name) && !CheckpointFit.isBuffer(name) && !checkpoint.allowsLeftOver(name)
    }
    guard let weight = rest.first(where: { $0.hasSuffix(".weight") }) else { return }
    let layer = String(weight.dropLast(".weight".count))
    // In a Sequential with layers of the network, there may be further ones between them, which have no tensors.
    func sequence(_ name: String) -> Substring { name.dropFirst(prefix.count).prefix { $0 != "." } }
    let isInside = layer.hasPrefix(prefix) && used.contains { sequence($0) == sequence(layer) }
    guard !isInside, Set(rest) == [weight, layer + ".bias"] else { return }
    _ = take(layer, checkpoint, classifier, features)
  }

  /// Takes `layer` for the classifier if it is a linear map of so many features.
  private mutating func take(
    _ layer: String, _ checkpoint: Checkpoint, _ classifier: [String], _ features: Int
  ) -> Bool {
    guard let shape = checkpoint.entry(layer + ".weight")?.shape, shape.count == 2, shape[0] > 0, shape[1] == features,
      checkpoint.entry(layer + ".bias")?.shape == [shape[0]]
    else { return false }
    stored[classifier[0]] = layer + ".weight"
    stored[classifier[1]] = layer + ".bias"
    missing.removeAll(where: classifier.contains)
    movedClassifier = layer
    classes = shape[0]
    return true
  }
}
