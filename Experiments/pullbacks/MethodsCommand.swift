import ArgumentParser
import ExperimentKit

struct Methods: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print every method's formula, cost, settings, source and caveat, and the presets' hyper-parameters.",
    discussion: """
      The columns are separated by tabs: long lines, for a spreadsheet or cut -f. The preset in use by default, \
      general, comes first.

      In formulas nu is the soft pullback and g the gradient of the target at a point, x' the baseline, z and y a \
      layer's input and output, v a cotangent, a an activation and p a class's probability.

      Example: pullbacks methods --model resnet50 --preset paper-v5
      """)

  @Option(
    help: ArgumentHelp("The architecture to compute costs and default layers for.", valueName: "name"),
    completion: .list(Architecture.all.map(\.name)))
  var model = ImageNetTier.architecture

  @Option(help: "Only this preset: \(Preset.names).")
  var preset: Preset?

  @Flag(help: "Print the names of all architectures and nothing else.")
  var listModels = false

  func run() throws {
    if listModels {
      for architecture in Architecture.all { print(architecture.name) }
      return
    }
    let graph = try Architecture.named(model).graph()
    for preset in preset.map({ [$0] }) ?? Preset.allCases.reversed() {
      print("preset \(preset.rawValue), for \(model)")
      let titles = [
        "method", "name in figures", "in its benchmark", "forward", "backward", "settings", "inputs", "formula",
        "source", "caveat",
      ]
      print(titles.joined(separator: "\t"))
      for method in Method.allCases {
        let columns: [String]
        do {
          let explainer = try method.explainer(preset.settings.fitting(graph), for: graph)
          let cost = explainer.cost(for: graph)
          let settings = explainer.settings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
          columns = [
            "\(cost.forward)", "\(cost.backward)", settings.joined(separator: "; "), explainer.requirement.title,
          ]
        } catch {
          columns = ["-", "-", "not defined for \(model)", "-"]
        }
        let inBenchmark = preset.methods.contains(method) ? "yes" : "no"
        let facts = method.facts
        let row =
          [method.rawValue, facts.abbreviation, inBenchmark] + columns
          + [facts.formula, facts.source, facts.caveat ?? ""]
        print(row.joined(separator: "\t"))
      }
      print("")
      print("hyper-parameter\tvalue\tmeaning")
      for setting in Setting.all { print("\(setting.name)\t\(setting.read(preset.settings))\t\(setting.meaning)") }
      print("")
    }
  }
}
