//: # Networks: how they were trained on scenes, and which classes they confuse
//: > Loss and accuracy in training; mistakes by the difficulty of a scene and by the size of its object; and which
//: > class was taken for which.
//:
//: `make train` made three networks, each from a seed, on scenes that were drawn for one step and never again. Here are
//: the logs of their training and their answers on 5,000 held-out scenes. Nothing is computed anew: the numbers lie
//: beside the checkpoints.

import ExperimentKit

Experiment.run("networks") { experiment in

  let records = try SceneNetwork.allCases.map { try TrainingRecord($0) }

  //: The loss has label smoothing in it, so it cannot fall to zero; the pictures are noisy in training and not when
  //: held out.

  func curves(_ title: String, _ y: Axis, _ values: (TrainingRecord) -> [Double]) throws -> LinePlot {
    LinePlot(
      try records.map { record in
        try .init(record.network.title, x: record.scenes.map { $0 / 1000 }, y: values(record))
      }, x: Axis("scenes seen, in thousands"), y: y, title: title, size: Looks.Plot.half)
  }
  func bars(_ title: String, _ measure: String, _ label: String) throws -> BarChart {
    BarChart(
      categories: records[0].accuracy(by: measure).map(\.value),
      try records.map { try .init($0.network.title, $0.accuracy(by: measure).map { 100 * (1 - $0.accuracy) }) },
      xLabel: label, y: Axis("wrong, %"), title: title, size: Looks.Plot.half, showsLegend: false)
  }
  let top = Panels(
    [
      try curves("Training", Axis("loss"), \.loss),
      try curves("500 held-out scenes after each epoch", Axis("accuracy", range: 0...1), \.heldOutAccuracy),
      try bars("By difficulty", "grade", "of the scene"),
      try bars("By size", "scale", "of the object, in sides of the frame"),
    ], columns: 2)

  //: Rows are what a scene shows, columns what the network answers: 500 scenes a row.

  let names = records[0].report.classes
  let matrices = try records.map { record in
    try HeatMapMatrix(
      record.report.confusion.map { $0.map(Double.init) }, rows: names, columns: names, range: 0...500, places: 0,
      rowAxis: "shown", columnAxis: "seen",
      title: "\(record.network.title): \(decimal(100 * record.report.accuracy, places: 2)) % right", cellSize: 13)
  }

  try experiment.write(
    Figure(Panels([top, Panels(matrices, columns: 3)], columns: 1)), numbers: records.map(\.report), about: [])
}
