import ExperimentKit

/// What `--target` asks for, before it is known what the network sees in an image.
struct TargetChoice {
  enum Kind {
    /// The class of this rank in the order of the logits, 0 for the top-1.
    case rank(Int)
    case target(Target)
  }

  let kind: Kind
  /// As it was written, for records.
  let label: String

  /// Reads a list of targets.
  ///
  /// | text | target |
  /// |---|---|
  /// | `340`, `zebra` | a class's logit, by number or name |
  /// | `top-3` | three targets: the classes with the largest logits |
  /// | `340-354`, `zebra-Arabian camel` | one class against another |
  /// | `0.5*340+0.5*354` | any linear combination of logits |
  /// | `cross-entropy:340` | the negative cross-entropy, `log softmax(y)_340` |
  /// | `layer4.2.conv3:12`, `layer4.2.conv3:12/3/3` | a channel of an inner node, or one of its neurons |
  ///
  /// - Returns: the targets, and the inner node that they belong to, if they do.
  /// - Throws: `PullbackError` that says what is not understood.
  static func parse(_ text: String?, for model: Subject) throws -> (choices: [TargetChoice], node: String?) {
    guard let text else { return ([TargetChoice(kind: .rank(0), label: "top-1")], nil) }
    var choices: [TargetChoice] = []
    var nodes: Set<String?> = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
      if part.hasPrefix("top-"), let count = Int(part.dropFirst(4)) {
        let classes = model.graph.outputShape.reduce(1, *)
        guard (1...classes).contains(count) else {
          throw PullbackError(.usage, "--target \(part)", "\(model.graph.name) has \(classes) classes")
        }
        choices += (0..<count).map { TargetChoice(kind: .rank($0), label: "top-\($0 + 1)") }
        nodes.insert(nil)
      } else if let colon = part.firstIndex(of: ":"), part[..<colon] != "cross-entropy" {
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
        .usage, "--target \(text)", "the targets belong to several nodes", advice: "run once for each")
    }
    return (choices, node)
  }

  private static func output(_ text: String, of model: Subject) throws -> Target {
    let prefix = "cross-entropy:"
    if text.hasPrefix(prefix), let index = try model.classIndex(String(text.dropFirst(prefix.count))) {
      return .logProbability(index)
    }
    if let weights = try combination(text[...], model) { return .combination(weights) }
    let similar = nearest(to: text, among: model.classNames ?? [])
    throw PullbackError(
      .usage, "--target \(text)", "is neither a class nor a combination of classes of \(model.graph.name)",
      advice: similar.map { "did you mean \($0)?" } ?? "as in 340, zebra, top-3 or 340-354")
  }

  /// `[weight*]class`, or a combination plus or minus such a term. Names of classes hold hyphens too: every place to
  /// split is tried, the last first.
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
        .usage, "--target \(node):\(text)", "expected a channel or a place in the shape \(shape)",
        advice: "as in \(node):0 or \(node):\(shape.map { _ in "0" }.joined(separator: "/"))")
    }
    if place.count == 1 { return .channel(channel) }
    return .logit(zip(place, shape).reduce(0) { $0 * $1.1 + ($1.0 ?? 0) })
  }

  /// What is explained in an image with this ranking.
  func target(_ ranking: [Prediction]) -> Target {
    switch kind {
    case .rank(let rank): .logit(ranking[rank].target)
    case .target(let target): target
    }
  }
}
