//: # Figure 7: one and two pullbacks of a transformer
//:
//: A transformer routes by attention, and the routing of the image itself may say little: one pullback is then diffuse.
//: Version 5 of the paper argues that after one step along it the routing is that of a more typical image, and that a
//: second pullback from there, the **double pullback**, says more. Pullback ascent repeats this step.

import ExperimentKit

Experiment.run("fig7") { experiment in

  let gallery = Gallery(photographs: ["zebra", "tucan", "firetruck", "binoculars"])
  guard let subject = try experiment.subjects(gallery).first(where: { $0.name.hasPrefix("pvt") }) else {
    throw PullbackError(
      .usage, "--networks \(experiment.options.networks.rawValue)",
      "fig7 is about a transformer, and there is none among these",
      advice: "take another tier, or leave --model away")
  }

  //: The steps of the double pullback are the pullback itself, not normalised, and twice that.

  func maps(_ method: Method, alpha: Double = 1) throws -> [ExplainedImage] {
    var settings = MethodSettings()
    settings.doubleAlpha = alpha
    return try subject.explained(by: [method], settings: settings, in: experiment.context)
  }
  let columns = [
    ("Grad", try maps(.gradient)), ("SfP", try maps(.softPullback)), ("DP, α = 1", try maps(.doublePullback)),
    ("DP, α = 2", try maps(.doublePullback, alpha: 2)), ("PA", try maps(.pullbackAscent)),
  ]

  let titles = columns.map(\.0)
  let grid = ImageGrid(
    columns: ["Image"] + titles + titles,
    try columns[0].1.indices.map { row in
      let maps = columns.map { $0.1[row].attributions[0].map }
      return ImageGrid.Row(
        columns[0].1[row].title,
        [try Picture(columns[0].1[row].image.image)] + (try maps.map { try experiment.heatMap($0) })
          + (try maps.map { try rawPicture($0) }))
    },
    groups: [
      .init("", columns: 1), .init("Heat map", columns: titles.count), .init("Raw colour", columns: titles.count),
    ],
    colorBars: [experiment.heatMapKey], width: Looks.Width.explainersTwice)
  try experiment.write(
    Figure(grid, credit: "\(subject.title). \(subject.credit)"), numbers: columns.map { $0.1.map(\.numbers) },
    about: [subject])
}
