import ArgumentParser
import ExperimentKit

struct Rules: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print which rule pulls a cotangent back through each operation of a model.",
    discussion: "Example: pullbacks rules --model efficientnet-lite0 --rules soft-pullback")

  enum Table: String, CaseIterable, ExpressibleByArgument {
    case softPullback = "soft-pullback"
    case hardPullback = "hard-pullback"
    case gradient
  }

  @Option(help: "The architecture: \(Architecture.all.map(\.name).joined(separator: ", ")).")
  var model = ImageNetTier.architecture

  @Option(help: "The table: \(Table.names).")
  var rules: Table = .softPullback

  @Flag(help: "Every node, not one line per kind of operation.")
  var nodes = false

  func run() throws {
    let graph = try Architecture.named(model).graph()
    let table: RuleSet =
      switch rules {
      case .softPullback: .softPullback()
      case .hardPullback: .hardPullback
      case .gradient: .gradient
      }
    if nodes {
      for node in graph.nodes.dropFirst() {
        let equation = try table.rule(for: node).equation(at: node.operation)
        print("\(node.name)\t\(node.operation.kind)\t\(node.operation.settings)\t\(equation)")
      }
      return
    }
    var seen: [String: (count: Int, operation: any Pullbacks.Operation, rule: any Rule)] = [:]
    var order: [String] = []
    for node in graph.nodes.dropFirst() {
      let kind = node.operation.kind
      if seen[kind] == nil { order.append(kind) }
      seen[kind] = ((seen[kind]?.count ?? 0) + 1, node.operation, try table.rule(for: node))
    }
    for kind in order {
      guard let (count, operation, rule) = seen[kind] else { continue }
      print("\(kind)\t\(count)\t\(rule.equation(at: operation))\t\(rule.source)")
    }
  }
}
