//: # Figure 7: one, two and five pullbacks
//: > One network explained by the gradient, by one soft pullback, by a second one from where the first led (DP, for
//: > two lengths of the step between), and by five (PA).
//:
//: A transformer routes by attention, and the routing of the image itself may say little: one pullback is then diffuse.
//: Version 5 of the paper argues that after one step along it the routing is that of a more typical image, and that a
//: second pullback from there, the **double pullback**, says more. Pullback ascent repeats this step.

import ExperimentKit

Experiment.run("fig7") { experiment in

  let gallery = Gallery(photographs: ["zebra", "tucan", "firetruck", "binoculars"])
  let subjects = try experiment.subjects(gallery)

  //: The network is the transformer, or the first one where there is none, as on photographs.

  let subject = subjects.first { $0.name.hasPrefix("pvt") } ?? subjects[0]

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

  func grid(_ title: String, keys: [ColorBar], _ rendering: (Tensor) throws -> Picture) throws -> ImageGrid {
    ImageGrid(
      columns: ["Image"] + columns.map(\.0),
      try columns[0].1.indices.map { row in
        let first = columns[0].1[row]
        return ImageGrid.Row(
          first.title,
          [try Picture(first.image.image)] + (try columns.map { try rendering($0.1[row].attributions[0].map) }))
      },
      groups: [.init("", columns: 1), .init(title, columns: columns.count)], colorBars: keys,
      width: Looks.Width.stackedBlock)
  }
  let grids = [
    try grid("Heat map", keys: [experiment.heatMapKey], experiment.heatMap),
    try grid("Raw colour", keys: [], centredPicture),
  ]
  let credit = """
    \(subject.title). Raw colour about mid grey, scaled by the 99.5th percentile of each map's magnitudes. \
    \(subject.credit)
    """
  try experiment.write(
    Figure(Panels(grids, columns: 1, isLettered: true), credit: credit), numbers: columns.map { $0.1.map(\.numbers) },
    about: [subject])
}
