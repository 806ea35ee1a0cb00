import ArgumentParser
import ExperimentKit
import Foundation

struct Rules: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the rule that pulls a cotangent (backward vector) back through each operation of a model.",
    discussion: """
      Columns, separated by tabs: the kind of operation, their number, the equation and its source; with --nodes each \
      node's name, kind, settings and equation. Soft rules have a further column if the model's parameters are known: \
      for a relative temperature, where sigma, the spread of a channel, comes from, and its range over the channels; \
      for another temperature tau, the ratio of tau to the median sigma of each layer.

      For ONNX files a second table lists how each operator was imported: the layer that it is part of, the factor of \
      a product that is held constant, or the function that is replaced by its derivative.

      Examples:
        pullbacks rules --model efficientnet-lite0 --temperature released
        pullbacks rules --model vgg-scenes --temperature relative=1.5 --nodes
      """)

  enum Table: String, CaseIterable, ExpressibleByArgument {
    case softPullback = "soft-pullback"
    case hardPullback = "hard-pullback"
    case gradient
  }

  @OptionGroup var model: ModelOptions

  @Option(help: "The table of rules: \(Table.names).")
  var rules: Table = .softPullback

  @OptionGroup var temperatures: TemperatureOptions
  @OptionGroup var held: HeldInputOptions

  @Flag(help: "Print a line for every node, not for every kind of operation.")
  var nodes = false

  func validate() throws {
    guard rules == .softPullback || (!temperatures.needParameters && temperatures.temperature == nil) else {
      throw ValidationError("Temperatures are those of --rules soft-pullback.")
    }
  }

  func run() throws {
    let subject = try subject()
    let isKnown = subject != nil
    let graph = try subject?.graph ?? Architecture.named(model.model ?? ImageNetTier.architecture).graph()
    var settings = MethodSettings()
    _ = try temperatures.request.apply(to: &settings, for: graph, subject, recommending: true, always: true)
    if !isKnown {
      // Any parameters tell which batch norms there are; none tell how large the spreads are.
      let ones = graph.parameters.map { ($0.name, Tensor(shape: $0.description.shape, repeating: 1)) }
      settings.spreads = Spreads(of: try Network(graph, parameters: Dictionary(uniqueKeysWithValues: ones)))
    }
    let table: RuleSet =
      switch rules {
      case .softPullback: try settings.softRules(for: graph)
      case .hardPullback: .hardPullback
      case .gradient: .gradient
      }
    if nodes {
      for node in graph.nodes.dropFirst() {
        let rule = try table.rule(for: node)
        let noise = (isKnown ? Noise(rule, at: node, settings.spreads) : nil).map { [$0.text] } ?? []
        let columns = [
          node.name.inOneCell, node.operation.kind, node.operation.settings, rule.equation(at: node.operation),
        ]
        print((columns + noise).joined(separator: "\t"))
      }
      subject?.onnx.map(tellEveryNode)
      return
    }
    var lines: [Line] = []
    for node in graph.nodes.dropFirst() {
      let rule = try table.rule(for: node)
      let line = Line(kind: node.operation.kind, equation: rule.equation(at: node.operation), source: rule.source)
      let place = lines.firstIndex { $0.isSame(as: line) } ?? lines.count
      if place == lines.count { lines.append(line) }
      lines[place].count += 1
      if isKnown, let noise = Noise(rule, at: node, settings.spreads) { lines[place].noises.append(noise) }
    }
    for line in lines {
      let columns = [line.kind, "\(line.count)", line.equation, line.source]
      print((columns + (line.noises.isEmpty ? [] : [Noise.summary(line.noises)])).joined(separator: "\t"))
    }
    subject?.onnx.map(tellOperators)
  }

  /// Prints how each node of an exported graph was imported, and why.
  private func tellEveryNode(_ model: OnnxModel) {
    print("\nnode of the file\toperator\tnodes here\twhy")
    for node in model.nodes {
      print(
        [node.name, node.op, node.nodes.joined(separator: ", "), node.reason].map(\.inOneCell).joined(separator: "\t"))
    }
  }

  /// Prints the same in short: one line for all nodes of an operator with the same reason.
  private func tellOperators(_ model: OnnxModel) {
    print("\noperator of the file\tnodes\twhy")
    var lines: [(op: String, reason: String, count: Int)] = []
    for node in model.nodes {
      // Parts name the layer that they are a part of.
      let reason =
        node.reason.hasPrefix("part of ")
        ? node.reason.split(separator: " ").prefix(3).joined(separator: " ") : node.reason
      if let place = lines.firstIndex(where: { $0.op == node.op && $0.reason == reason }) {
        lines[place].count += 1
      } else {
        lines.append((node.op, reason, 1))
      }
    }
    for line in lines { print("\(line.op.inOneCell)\t\(line.count)\t\(line.reason.inOneCell)") }
  }

  /// The model with its parameters; nil if the architecture has none here. Its rules are known even then.
  private func subject() throws -> Subject? {
    do {
      return try model.load(held.inputs).subject
    } catch let error as PullbackError
      where [.usage, .unavailable].contains(error.kind) && model.checkpoint == nil && model.graphFile == nil
      && !temperatures.needParameters
    {
      return nil
    }
  }

  /// The nodes of one kind that have the same equation.
  private struct Line {
    let kind, equation, source: String
    var count = 0
    var noises: [Noise] = []

    func isSame(as other: Line) -> Bool { kind == other.kind && equation == other.equation }
  }
}

extension String {
  /// With names of a stranger's file in it, which may hold what ends a line or moves a terminal's cursor.
  fileprivate var inOneCell: String {
    String(String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
  }
}

/// A soft rule's noise at one node, and the spread of the node's input.
private struct Noise {
  let spread: Spread
  /// A temperature in units of the layer's median spread; nil where the noise is relative to the spread.
  let ratio: Float?
  /// Whether the spread is that of an image which has one value for each channel, and so no spread.
  let isNone: Bool

  /// Nil if the rule has no noise or no spread is known.
  init?(_ rule: any Rule, at node: Graph.Node, _ spreads: Spreads) {
    if let rule = rule as? any RelativeRule {
      (spread, ratio, isNone) = (rule.spread, nil, rule.spread.isNone(at: node))
      return
    }
    guard let temperature = (rule as? SoftGate)?.temperature ?? (rule as? SoftMaxPool)?.temperature,
      let spread = spreads[node.name], let median = spread.median, median > 0
    else { return nil }
    (self.spread, ratio, isNone) = (spread, temperature / median, false)
  }

  var text: String { (ratio.map { "tau = \(short($0)) sigma, " } ?? "") + Self.sigma([self]) }

  /// The range of the deviations, or of the temperatures, over nodes with the same equation.
  static func summary(_ noises: [Noise]) -> String {
    let ratios = noises.compactMap(\.ratio)
    guard let least = ratios.min(), let most = ratios.max() else { return sigma(noises) }
    return "tau = \(short(least)) to \(short(most)) sigma, layers: \(ratios.count)"
  }

  private static func sigma(_ noises: [Noise]) -> String {
    let all = Spread(noises[0].spread.source, noises.flatMap(\.spread.deviations))
    let range = all.range.map { ", \(short($0.lowerBound)) to \(short($0.upperBound))" } ?? ""
    let none = noises.count(where: \.isNone)
    return "sigma: \(all.source.rawValue)\(range)"
      + (none == 0 ? "" : ", 0 where a channel has one value: in \(none) of \(noises.count)")
  }
}

extension Spread {
  /// Whether there is no spread at a node: it is that of each image, which has one value for each channel.
  func isNone(at node: Graph.Node) -> Bool {
    source == .image && node.operation.character == .gate
      && node.shape.reduce(1, *) == (channelAxis == .first ? node.shape.first : node.shape.last)
  }
}

/// A number with three significant digits.
private func short(_ value: Float) -> String { String(format: "%.3g", Double(value)) }
