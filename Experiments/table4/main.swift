//: # Table 4: time and memory of an explanation
//: > One image explained by every explainer on each network.
//:
//: Time and memory of explaining one image, for every explainer and architecture. The cost of an explainer is above all
//: the number of its passes through the network; softening the rules costs no pass.

import ExperimentKit

CostSheet.answerIfAsked()
Experiment.run("table4", measuring: { experiment, measurements in

  //: Times differ from run to run, so the table is drawn from a file of measurements. Each explainer was measured in
  //: processes of its own, on a batch of one image, in three rounds, in which all took turns: the least time of an
  //: explanation, and how much larger the first one made its process, the network having been loaded. Neither depends
  //: on the weights.

  let pullbacks = Method.allCases.filter(\.usesSoftRules)
  let probes: [Method] = [.occlusion, .rise]
  let baselines = Method.allCases.filter { !$0.usesSoftRules && !probes.contains($0) }
  let measured = pullbacks + baselines + (experiment.options.quick ? [] : probes)
  let sheets = try experiment.costs(of: measured, from: measurements)

  //: Passes are those of the explainer's definition, forward and backward.

  func row(_ method: Method) -> Table.Row? {
    let costs = sheets.map { $0[method] }
    guard let first = costs.compactMap({ $0 }).first else { return nil }
    let numbers = costs.flatMap { cost -> [Table.Cell] in
      guard let cost else { return ["–", "–"] }
      return [
        .init(decimal(cost.milliseconds, places: cost.milliseconds < 100 ? 1 : 0)),
        .init(decimal(cost.megabytes, places: cost.megabytes < 100 ? 1 : 0)),
      ]
    }
    return .cells([.init(method.rawValue), .init("\(first.forward) + \(first.backward)")] + numbers)
  }
  let probing = probes.compactMap(row)
  let table = Table(
    [.init("Explainer", .left), .init("Passes")] + sheets.flatMap { [.init("\($0.title)\nms"), .init("\nMB")] },
    [.heading("Semantic pullbacks")] + pullbacks.compactMap(row) + [.heading("Gradients and their kin")]
      + baselines.compactMap(row) + (probing.isEmpty ? [] : [.heading("Probing by forward passes")] + probing))
  let machines: [String] = sheets.map(\.machine).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  let credit = "One image: passes forward + backward, least time, largest additional memory. "
    + "\(machines.joined(separator: "; "))."
  try experiment.write(Figure(table, credit: credit), numbers: sheets, about: [])
})
