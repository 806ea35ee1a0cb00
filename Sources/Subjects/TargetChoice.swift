import Attribution
import Failures
import Foundation
import Imaging
import Pullbacks

/// A target as people name it: a rank is not yet a class, which depends on the image.
public struct TargetChoice: Sendable {
  public enum Kind: Sendable {
    /// The class of this rank in the order of the logits, 0 for the top-1.
    case rank(Int)
    case target(Target)
  }

  public let kind: Kind
  /// The target as it was written, for records.
  public let label: String

  /// Reads a list of targets.
  ///
  /// | text | target |
  /// |---|---|
  /// | `340`, `zebra` | a class's logit, by number or name |
  /// | `top-3` | three targets: the classes with the largest logits |
  /// | `340-354`, `zebra-Arabian camel` | one class against another |
  /// | `0.5*340+0.5*354` | any linear combination of logits |
  /// | `cross-entropy:340` | the negative cross-entropy, `log softmax(y)_340` |
  /// | `2,8:16,4:20` | the sum of these places of an output of several axes, as numpy's indices select them |
  /// | `layer4.2.conv3:12`, `layer4.2.conv3:12/3/3` | a channel of an inner node, or one of its neurons |
  ///
  /// - Parameters:
  ///   - text: the list; nil is the top-1 class.
  ///   - mask: the file of a mask of the output's places; targets are then classes inside the mask. A picture must have
  ///     the size of the images, which ``InputImages/checkSize(ofMask:)`` compares.
  ///   - selector: the file of weights, one per output value, instead of the list.
  ///   - model: the network with the output.
  /// - Returns: the targets, and the inner node that they belong to, if they do.
  /// - Throws: `PullbackError` that names the part that is not understood.
  public static func parse(
    _ text: String?, within mask: String? = nil, selector: String? = nil, for model: Subject
  ) throws -> (choices: [TargetChoice], node: String?) {
    let shape = model.graph.outputShape
    if let selector {
      guard text == nil, mask == nil else {
        throw PullbackError(.usage, "selector", "replaces --target and --within; leave them out")
      }
      let weights = Target.weights(try NPY.read(selector))
      do { try weights.check(shape, of: model.name) } catch {
        throw PullbackError(.data, selector, error.problem)
      }
      return (
        [TargetChoice(kind: .target(weights), label: "selector \((selector as NSString).lastPathComponent)")], nil
      )
    }
    if let mask {
      guard let text else {
        throw PullbackError(.usage, "within", "is about a class", advice: "name it as the target")
      }
      return (try inside(mask, text, model), nil)
    }
    guard let text else {
      if shape.reduce(1, *) == 1 { return ([TargetChoice(kind: .target(.logit(0)), label: "the output")], nil) }
      guard shape.count == 1 else {
        throw PullbackError(
          .usage, "target", "\(model.name) has an output of shape \(shape), expected what is explained of it",
          advice: "as in \(([0] + shape.dropFirst().map { _ in 0 }).map(String.init).joined(separator: ",")), "
            + "or a selector")
      }
      return ([TargetChoice(kind: .rank(0), label: "top-1")], nil)
    }
    var choices: [TargetChoice] = []
    var nodes: Set<String?> = []
    for part in try parts(text, shape, model) {
      if part.hasPrefix("top-"), let count = Int(part.dropFirst(4)) {
        let classes = shape.reduce(1, *)
        guard shape.count == 1, (1...classes).contains(count) else {
          throw PullbackError(
            .usage, "target \(part)",
            shape.count == 1 ? "\(model.graph.name) has \(classes) classes" : "the output has the shape \(shape)")
        }
        choices += (0..<count).map { TargetChoice(kind: .rank($0), label: "top-\($0 + 1)") }
        nodes.insert(nil)
      } else if let target = try index(part, shape, model) {
        choices.append(TargetChoice(kind: .target(target), label: part))
        nodes.insert(nil)
      } else if let colon = colon(in: part, of: model.graph) {
        let node = String(part[..<colon])
        let target = try inner(String(part[part.index(after: colon)...]), of: node, in: model)
        choices.append(TargetChoice(kind: .target(target), label: part))
        nodes.insert(node)
      } else {
        choices.append(TargetChoice(kind: .target(try output(part, of: model)), label: part))
        nodes.insert(nil)
      }
    }
    guard nodes.count == 1, let node = nodes.first else {
      throw PullbackError(
        .usage, "target \(text)", "the targets belong to several nodes", advice: "run once for each")
    }
    return (choices, node)
  }

  /// The targets of a list, separated by semicolons or, if there are none, by commas, unless all is one index, the name of
  /// a class or a place of a node, whose names may hold commas.
  private static func parts(_ text: String, _ shape: [Int], _ model: Subject) throws -> [String] {
    if text.contains(",") {
      let node = colon(in: text, of: model.graph).map { String(text[..<$0]) } ?? ""
      let isNode = node.contains(",") && model.graph.index(ofLayer: node) != nil
      if try isNode || model.classIndex(text) != nil { return [text] }
    }
    func parts(_ separator: Character) -> [String] {
      text.split(separator: separator, omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
    }
    if text.contains(";") { return parts(";") }
    if let index = ArrayIndex(text), shape.count > 1 || index.isSlice && text.contains(",") { return [text] }
    return parts(",")
  }

  /// The values that an index selects from the output; nil if the text is no index. For logits a number is a class.
  private static func index(_ text: String, _ shape: [Int], _ model: Subject) throws -> Target? {
    if let index = ArrayIndex(text), shape.count > 1 || index.isSlice { return try index.target(in: shape) }
    guard shape.count > 1, let target = try model.classIndex(text) else { return nil }
    return try ArrayIndex("\(target)")!.target(in: shape)
  }

  /// The colon that ends the name of an inner node; names may contain colons, too.
  private static func colon(in text: String, of graph: Graph) -> String.Index? {
    let colons = text.indices.filter { text[$0] == ":" }
    if let first = colons.first, text[..<first] == "cross-entropy" { return nil }
    return colons.last { graph.index(ofLayer: String(text[..<$0])) != nil } ?? colons.first
  }

  /// The sum of each class over the places inside a mask.
  private static func inside(_ path: String, _ text: String, _ model: Subject) throws -> [TargetChoice] {
    let shape = model.graph.outputShape
    let mask = try model.outputMask(InputContent(path)).scalars
    return try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      guard let target = try model.classIndex(String(part)), (0..<shape[0]).contains(target) else {
        throw PullbackError(
          .usage, "target \(part)", "is none of the \(shape[0]) classes of \(model.name)",
          advice: nearest(to: String(part), among: model.classNames ?? []).map { "did you mean \($0)?" })
      }
      let weights = Tensor(shape: shape) { weights in
        weights.update(repeating: 0)
        for (place, weight) in mask.enumerated() { weights[target * mask.count + place] = weight }
      }
      return TargetChoice(
        kind: .target(.weights(weights)),
        label: "\(model.className(target)) within \((path as NSString).lastPathComponent)")
    }
  }

  private static func output(_ text: String, of model: Subject) throws -> Target {
    let prefix = "cross-entropy:"
    if text.hasPrefix(prefix), let index = try model.classIndex(String(text.dropFirst(prefix.count))) {
      return .logProbability(index)
    }
    if let weights = try combination(text[...], model) { return .combination(weights) }
    let names = model.classNames ?? []
    let similar =
      nearest(to: text, among: names).map { [$0] }
      ?? (text.count < 3 ? [] : Array(names.filter { $0.lowercased().contains(text.lowercased()) }.prefix(5)))
    throw PullbackError(
      .usage, "target \(text)", "is neither a class nor a combination of classes of \(model.graph.name)",
      advice: similar.isEmpty
        ? "as in 340, zebra, top-3 or 340-354" : "did you mean \(similar.joined(separator: " or "))?")
  }

  /// `[weight*]class`, or a combination plus or minus such a term. Names of classes may contain hyphens, so every place
  /// to split is tried, the last first.
  private static func combination(_ text: Substring, _ model: Subject) throws -> [Int: Float]? {
    if let (index, weight) = try term(text, model) { return [index: weight] }
    for place in text.indices.reversed() where "+-".contains(text[place]) && place != text.startIndex {
      guard let (index, weight) = try term(text[text.index(after: place)...], model),
        var weights = try combination(text[..<place], model)
      else { continue }
      weights[index, default: 0] += text[place] == "-" ? -weight : weight
      return weights
    }
    return nil
  }

  private static func term(_ text: Substring, _ model: Subject) throws -> (Int, Float)? {
    if let index = try model.classIndex(String(text)) { return (index, 1) }
    guard let star = text.firstIndex(of: "*"), let weight = Float(text[..<star]), weight.isFinite,
      let index = try model.classIndex(String(text[text.index(after: star)...]))
    else { return nil }
    return (index, weight)
  }

  private static func inner(_ text: String, of node: String, in model: Subject) throws -> Target {
    let graph = try model.graph.truncated(at: node)
    let shape = graph.outputShape
    let place = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    let inside = zip(place, shape).allSatisfy { $0.0.map((0..<$0.1).contains) ?? false }
    guard inside, place.count == 1 || place.count == shape.count, let channel = place[0] else {
      throw PullbackError(
        .usage, "target \(node):\(text)", "expected a channel or a place in the shape \(shape)",
        advice: "as in \(node):0 or \(node):\(shape.map { _ in "0" }.joined(separator: "/"))")
    }
    if place.count == 1 { return .channel(channel) }
    return .logit(zip(place, shape).reduce(0) { $0 * $1.1 + ($1.0 ?? 0) })
  }

  /// - Throws: `PullbackError` if a network has no such target, or it selects nothing.
  public func check(for graph: Graph) throws(PullbackError) {
    guard case .target(let target) = kind else { return }
    try target.check(graph.outputShape, of: graph.name)
    guard !target.selectsNothing else {
      throw PullbackError(
        .usage, "target \(label)", "selects nothing: its weights are all 0, and so is every attribution")
    }
  }

  /// The target in an image with this ranking.
  public func target(_ ranking: [Prediction]) -> Target {
    switch kind {
    case .rank(let rank): .logit(ranking[rank].target)
    case .target(let target): target
    }
  }
}
