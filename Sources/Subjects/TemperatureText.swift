import Attribution
import Failures
import Pullbacks

extension MethodSettings {
  /// Puts in temperatures as people name them: `released`, `relu=0.6,maxpool=0.3`,
  /// `relu=sigmoid:0.3`, `layer4.2.relu=1`, `relative=1.5`, `relative.relu=1`.
  ///
  /// - Parameters:
  ///   - text: the temperatures; nil leaves the released ones.
  ///   - graph: the graph of the network that is to be explained.
  /// - Throws: `PullbackError` that says which part is not understood.
  public mutating func setTemperatures(_ text: String?, for graph: Graph) throws {
    var others: Float?
    var kinds: [Temperatures.Kind: Float] = [:]
    for (name, text) in try pairs(text == "released" ? nil : text, option: "temperature", namesAreOfNodes: true) {
      if let kind = Temperatures.Kind(rawValue: name), temperatures.set(kind, text) { continue }
      guard let value = Float(text), value.isFinite, value > 0 else {
        throw PullbackError(
          .usage, "temperature \(name)=\(text)", "expected a name and a positive number", advice: "as in relu=0.6")
      }
      if name == "relative" {
        others = value
      } else if name.hasPrefix("relative."), graph.index(of: name) == nil {
        kinds[try relativeKind(name, in: graph)] = value
      } else {
        nodeTemperatures[name] = value
      }
    }
    relativeTemperatures = RelativeTemperatures(others, kinds)
    let twice = temperatures.changedKinds.filter { relativeTemperatures[$0] != nil }.map(\.rawValue).sorted()
    guard twice.isEmpty || others == nil else {
      throw PullbackError(
        .usage, "temperature \(text ?? "")",
        "relative stands for all gates and max pools, and others name a kind of them as well",
        advice: "name relative alone, or with single nodes")
    }
    guard twice.isEmpty else {
      throw PullbackError(
        .usage, "temperature \(text ?? "")",
        "\(twice.joined(separator: ", ")) would have two temperatures, one of them relative", advice: "leave one out")
    }
  }
}

/// The kind that `relative.relu` names.
private func relativeKind(_ name: String, in graph: Graph) throws -> Temperatures.Kind {
  let kinds = Temperatures.Kind.allCases.filter(\.hasRelativeRule)
  let kindName = name.dropFirst("relative.".count)
  guard let kind = kinds.first(where: { $0.rawValue == kindName }) else {
    throw PullbackError(
      .usage, "temperature \(name)", "there is no relative rule for \(kindName)",
      advice: "there is one for \(kinds.map(\.rawValue).joined(separator: ", "))")
  }
  let present = Set(graph.nodes.map(\.operation.kind))
  guard present.contains(kind.rawValue) else {
    let others = kinds.map(\.rawValue).filter(present.contains)
    throw PullbackError(
      .usage, "temperature \(name)", "\(graph.name) has no \(kind.rawValue)",
      advice: others.isEmpty ? "leave it out" : "it has \(others.joined(separator: ", "))")
  }
  return kind
}

/// The parts of `name=value,...`, each name once.
///
/// - Parameters:
///   - text: the parts; nil is none.
///   - option: the name of the option, for messages.
///   - namesAreOfNodes: whether names, and not values, may hold commas and equal signs, as those of a graph's nodes do.
public func pairs(
  _ text: String?, option: String, namesAreOfNodes: Bool = false
) throws -> [(String, String)] {
  var pairs: [(String, String)] = []
  var begun: String?
  for part in (text ?? "").split(separator: ",", omittingEmptySubsequences: !namesAreOfNodes) {
    let whole = begun.map { "\($0),\(part)" } ?? String(part)
    let sign = namesAreOfNodes ? whole.lastIndex(of: "=") : whole.firstIndex(of: "=")
    guard let sign, sign != whole.startIndex, whole.index(after: sign) != whole.endIndex else {
      guard namesAreOfNodes else { throw incomplete(whole, option) }
      begun = whole
      continue
    }
    let name = String(whole[..<sign])
    guard !pairs.contains(where: { $0.0 == name }) else {
      throw PullbackError(.usage, "\(option) \(whole)", "\(name) is given twice", advice: "leave one out")
    }
    pairs.append((name, String(whole[whole.index(after: sign)...])))
    begun = nil
  }
  // A comma at the end is forgiven.
  if let begun, !begun.isEmpty { throw incomplete(begun, option) }
  return pairs
}

private func incomplete(_ part: String, _ option: String) -> PullbackError {
  PullbackError(.usage, "\(option) \(part)", "expected a name and a value", advice: "as in relu=0.6")
}
