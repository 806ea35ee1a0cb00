//: # Figure 3: what the explainers see
//:
//: One network, a few images, twelve explainers. Four of them are semantic pullbacks: the soft pullback itself
//: (**SfP**), five steps along it (**PA**), and the recipes of SmoothGrad and FusionGrad over the soft rules
//: (**SmoothPb**, **FusionPb**). The others are the paper's baselines, the first four of them the same recipes over the
//: gradient.

import ExperimentKit

Experiment.run("fig3") { experiment in
  if experiment.options.networks == .imagenet { return try experiment.drawPhotographs() }

  let photographs = ["zebra", "pink_flamingo", "squirrel", "pink_tricycle", "firetruck", "binoculars"]
  let subject = try experiment.subject(Gallery(photographs: experiment.options.quick ? ["zebra"] : photographs))

  //: The table's explainers, as far as they are defined for this network. Every setting is the released one.

  let pullbacks: [Method] = .semanticPullbacks
  let baselines = subject.defined(
    [Method].gradientTwins + [.gradientShap, .integratedGradients, .deepLiftReleased, .guidedGradCAM])
  let explained = try subject.explained(by: pullbacks + baselines, in: experiment.context)

  //: The same attributions in three renderings. A heat map shows where, and for or against; raw colour shows what; and
  //: the product with the input shows which of what is there was counted.

  func grid(_ rendering: (Tensor, Sample) throws -> Picture, _ key: ColorBar? = nil) throws -> ImageGrid {
    ImageGrid(
      columns: ["Image"] + (pullbacks + baselines).map(\.abbreviation),
      try explained.map { view in
        ImageGrid.Row(
          view.title,
          [try Picture(view.image.image)] + (try view.attributions.map { try rendering($0.map, view.image) }))
      },
      groups: [
        .init("", columns: 1), .init("Semantic pullbacks", columns: pullbacks.count),
        .init("Baselines", columns: baselines.count),
      ],
      colorBars: key.map { [$0] } ?? [], width: Looks.Width.explainers, gap: Looks.tightGap)
  }
  let panels = Panels(
    [
      try grid({ map, _ in try experiment.heatMap(map) }), try grid({ map, _ in try rawPicture(map) }),
      try grid({ map, image in try experiment.heatMap(map * image.image) }, experiment.heatMapKey),
    ],
    columns: 1, isLettered: true)
  let credit =
    "\(subject.title). (a) Heat maps. (b) Raw colour, from each map's smallest value to its largest. (c) Heat maps "
    + "of the attribution times the input. \(subject.credit)"

  //: Many small pictures: two pixels to a point are as many as they have.

  var theme = Theme.paper
  theme.pixelsPerPoint = 2
  try experiment.write(
    Figure(panels, credit: credit, theme: theme), numbers: explained.map(\.numbers), about: [subject])
}
