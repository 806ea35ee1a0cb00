//: # Table 4: what an explanation costs
//:
//: Time and memory of explaining one image, for every explainer and architecture. The soft rules cost little more than the
//: gradient's; what an explainer costs is how often it passes through the network.

import ExperimentKit

CostSheet.answerIfAsked()
Experiment.run("table4", measuring: { experiment, measurements in

  //: Times differ from run to run, so the table is drawn from a file of measurements. Each explainer was measured in a process
  //: of its own, on a batch of one image: the median time of explanations after the first, and how much larger the first one made
  //: the process in which the network had been loaded. Neither depends on what a network has learned.

  let pullbacks = Method.allCases.filter(\.usesSoftRules)
  let probes: [Method] = [.occlusion, .rise]
  let baselines = Method.allCases.filter { !$0.usesSoftRules && !probes.contains($0) }
  let sheet = try CostSheet(of: experiment, pullbacks + baselines + probes, from: measurements)

  //: Passes are those of the explainer's definition, forward and backward.

  func row(_ method: Method) -> Table.Row? {
    let costs = sheet.models.map { sheet.cost(method, $0) }
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
  let table = Table(
    [.init("Explainer", .left), .init("Passes")] + sheet.models.flatMap { [.init("\($0)\nms"), .init("\nMB")] },
    [.heading("Semantic pullbacks")] + pullbacks.compactMap(row) + [.heading("Gradients and their kin")]
      + baselines.compactMap(row) + [.heading("Probing by forward passes")] + probes.compactMap(row))
  try experiment.write(
    Figure(
      table, credit: "One image, median time and largest additional memory. \(sheet.machine) Passes: forward + backward."),
    numbers: sheet, about: [])
})
