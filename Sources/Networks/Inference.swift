import Checkpoints
import Execution
import Pullbacks

/// The architecture that a checkpoint is recognised as, and the settings that its tensors cannot tell.
public struct Recognition: Sendable {
  /// The fit of the tensors to the recognised architecture.
  public let fit: CheckpointFit
  /// Architectures whose tensors are the same: they differ in strides, pools, padding or epsilons.
  public let alternatives: [Architecture]

  /// The architecture that the checkpoint is taken for.
  public var architecture: Architecture { fit.architecture }

  /// Recognises the architecture that `checkpoint` belongs to: the one whose parameters have the names and shapes of
  /// its tensors, all of them and no others. The numbers of classes and of the images' channels are free.
  ///
  /// - Throws: `PullbackError` that says which architectures come closest, and what they lack and leave over.
  /// - Complexity: builds every graph and reads no tensor.
  public init(of checkpoint: Checkpoint) throws(PullbackError) {
    // Nearly all of them lack the name of one of their first parameters.
    var exact: [CheckpointFit] = []
    for template in ArchitectureTemplate.all where template.mayFit(checkpoint) {
      let fit = try CheckpointFit(template, checkpoint)
      if fit.isExact { exact.append(fit) }
    }
    guard let first = exact.first else {
      var fits: [CheckpointFit] = []
      for template in ArchitectureTemplate.all { fits.append(try CheckpointFit(template, checkpoint)) }
      throw Self.refusal(of: checkpoint, fits)
    }
    fit = first
    alternatives = exact.dropFirst().map(\.architecture)
  }

  /// Begins what recognition needs of the architectures, and returns at once: worth while before a checkpoint is read.
  public static func prepare() { ArchitectureTemplate.prepare() }

  private static func refusal(of checkpoint: Checkpoint, _ fits: [CheckpointFit]) -> PullbackError {
    // A few layers of the same name are no likeness.
    let alike = fits.filter { 4 * ($0.missing.count + $0.misfits.count) < 3 * $0.expected }
    // A stable order: of equals, the first.
    let sorted = alike.enumerated().sorted { ($0.element.distance, $0.offset) < ($1.element.distance, $1.offset) }
    var seen: Set<[String]> = []
    // Networks of the same tensors differ from the file in the same ones: one of them is enough.
    let closest = sorted.map(\.element).filter {
      seen.insert($0.missing + $0.misfits.map(\.name) + $0.leftOver).inserted
    }
    guard let first = closest.first else {
      let name = Relatives.name(of: checkpoint).map { ", and look like those of \($0) that is not built in" } ?? ""
      return PullbackError(
        .data, checkpoint.path, "its tensors\(examples(checkpoint.names)) are those of no architecture\(name)",
        advice: "export the network to ONNX (\(CheckpointFit.export)); there are \(Architecture.families)")
    }
    let others = closest.dropFirst().prefix(2).map(\.shortSummary)
    let then = others.isEmpty ? "" : "; then \(others.joined(separator: ", then "))"
    return PullbackError(
      .data, checkpoint.path, "its tensors are those of no architecture; closest is \(first.summary)\(then)",
      advice: first.advice)
  }
}

extension Architecture {
  /// The architecture that `checkpoint` belongs to, as ``Recognition/init(of:)`` finds it.
  public static func infer(from checkpoint: Checkpoint) throws(PullbackError) -> Architecture {
    try Recognition(of: checkpoint).architecture
  }

  /// The number of classes that `checkpoint` tells apart, the rows of its classifier; nil if it has none.
  public func classes(in checkpoint: Checkpoint) throws(PullbackError) -> Int? {
    try CheckpointFit(of: self, to: checkpoint).classes
  }
}

extension Network {
  /// The network `architecture` with the parameters of `checkpoint`, and with as many classes and channels as the
  /// checkpoint says.
  ///
  /// - Throws: `PullbackError` if a tensor is missing, has another shape, or holds a value that is not finite; and if
  ///   one is left over that ``Checkpoint/allowedLeftOver`` does not name: whatever needs it is another network.
  public init(_ architecture: Architecture, checkpoint: Checkpoint, resolution: Int? = nil) throws {
    self = try CheckpointFit(of: architecture, to: checkpoint).network(resolution: resolution)
  }
}

extension CheckpointFit {
  /// The error for a checkpoint that does not fit.
  public var refusal: PullbackError {
    var problems: [String] = []
    if !missing.isEmpty {
      problems.append("\(missing.count) of its \(expected) tensors are missing\(examples(missing))")
    }
    if let first = misfits.first {
      let more = misfits.count > 1 ? ", as have \(misfits.count - 1) more" : ""
      problems.append("tensor \(first.name) has shape \(first.shape), expected \(first.expected)\(more)")
    }
    if !leftOver.isEmpty {
      problems.append("\(leftOver.count) tensors of the file are left over\(examples(leftOver))")
    }
    let other = try? Recognition(of: checkpoint).architecture
    return PullbackError(
      .data, checkpoint.path, "as \(architecture.name): \(problems.joined(separator: ", and "))",
      advice: other.map { "the tensors are those of \($0.name)" } ?? advice)
  }

  /// Advice for a checkpoint with this fit.
  var advice: String {
    let export = "export the network to ONNX (\(Self.export))"
    if missing.isEmpty && misfits.isEmpty && !leftOver.isEmpty {
      return "if the network computes nothing with them, allow them to be left over (--allow-leftover "
        + "\(Self.pattern(of: leftOver))); otherwise it is another network: \(export)"
    }
    if missing.count <= 2, let place = headPlace {
      return "its classifier is not one linear layer under \(quoted(place)): \(export)"
    }
    return export
  }

  /// A line of Python, and what is said here afterwards.
  static let export =
    "in Python torch.onnx.export(model.eval(), torch.zeros(1, 3, 224, 224), \"model.onnx\"), with the size of its own "
    + "images; here --model model.onnx"

  /// The classifier's place where something else than one linear map stands in it.
  private var headPlace: String? {
    guard let name = missing.first(where: { $0.hasSuffix(".weight") }) else { return nil }
    let place = String(name.dropLast(".weight".count))
    return leftOver.contains { $0.hasPrefix(prefix + place + ".") } ? prefix + place : nil
  }

  /// A pattern of the names' common beginning.
  private static func pattern(of names: [String]) -> String {
    guard let first = names.first, names.count > 1 else { return names.first.map { "'\($0)'" } ?? "" }
    let common = names.dropFirst().reduce(first) { $0.commonPrefix(with: $1) }
    return "'\(common)*'"
  }

  var summary: String {
    let lost = missing.map(quoted) + misfits.map { "\(quoted($0.name)) is \($0.shape), expected \($0.expected)" }
    return """
      \(architecture.name): of its \(expected) tensors \(lost.count) are missing or of another shape\
      \(list(lost)), and \(leftOver.count) of the file's are left over\(examples(leftOver))
      """
  }

  var shortSummary: String {
    "\(architecture.name) (\(missing.count + misfits.count) missing or of another shape, \(leftOver.count) left over)"
  }
}

func examples(_ names: [String]) -> String { list(names.map(quoted)) }

/// The first three of these, in brackets.
private func list(_ texts: [String]) -> String {
  texts.isEmpty ? "" : " (\(texts.prefix(3).joined(separator: ", "))\(texts.count > 3 ? ", ..." : ""))"
}
