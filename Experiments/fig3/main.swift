//: # Figure 3: the explainers side by side
//: > Explanations of one network, a block for each image. The first row has the semantic pullbacks at the released
//: > temperatures, the second at the relative one, the third their twins over the gradient, the fourth other
//: > baselines.
//: ## raw: the same maps in raw colour
//: > The attributions of the figure before, as colours about mid grey.
//: ## product: the same attributions times the input
//: > The attributions of the figure before, multiplied by the input.
//:
//: One network, a few images, twelve explainers. Four of them are semantic pullbacks: the soft pullback itself
//: (**SfP**), five steps along it (**PA**), and the recipes of SmoothGrad and FusionGrad over the soft rules
//: (**SmoothPb**, **FusionPb**). The others are the paper's baselines, the first four of them the same recipes over the
//: gradient.

import ExperimentKit

Experiment.run("fig3") { experiment in
  let names =
    experiment.options.networks == .scenes
    ? ["zebra", "pink_flamingo", "squirrel", "pink_tricycle", "firetruck", "binoculars"]
    : ["chelsea", "macaw", "castle", "jellyfish"]
  let subject = try experiment.subject(Gallery(photographs: experiment.options.quick ? [names[0]] : names))

  //: The four semantic pullbacks stand twice: with the released temperatures, and with one relative to each channel's
  //: own spread, which is an extension of this package. Every other setting is the released one. Explainers that are
  //: not defined for the network are left out.

  let settings = Preset.paperV6.settings
  let c = RelativeTemperatures.recommendedMultiple
  func entrants(_ methods: [Method]) -> [Entrant] { subject.defined(methods).map { Entrant($0, settings) } }
  let families: [(title: String, entrants: [Entrant])] = [
    ("released τ", entrants(.semanticPullbacks)),
    ("c = \(c)", [Method].semanticPullbacks.map { .relative($0, c, settings) }),
    ("gradient twins", entrants(.gradientTwins)),
    ("others", entrants([.gradientShap, .integratedGradients, .deepLiftReleased, .guidedGradCAM])),
  ]
  let explained = try subject.explained(by: families.flatMap(\.entrants), in: experiment.context)

  //: The same attributions in three renderings, each a figure of its own. A heat map shows where, and for or against;
  //: raw colour shows what; and the product with the input shows which parts of the image counted.

  func write(
    _ meaning: String, part: String? = nil, key: ColorBar? = nil, _ rendering: (Tensor, Sample) throws -> Picture
  ) throws {
    let blocks = try explained.map { view in
      var maps = view.attributions[...]
      let rows = try families.enumerated().map { place, family in
        let own = maps.prefix(family.entrants.count)
        maps = maps.dropFirst(family.entrants.count)
        return ImageGrid.Row(
          family.title,
          [place == 0 ? try Picture(view.image.image) : nil] + (try own.map { try rendering($0.map, view.image) }),
          captions: [place == 0 ? view.title : ""] + family.entrants.map { $0.method!.abbreviation })
      }
      return ImageGrid(
        columns: [], rows, colorBars: key.map { [$0] } ?? [], width: Looks.Width.photographBlock,
        gap: Looks.tightGap, turnsTitles: true)
    }
    let credit = "\(subject.title). \(meaning) \(Entrant.picturedMeaning) \(subject.credit)"
    try experiment.write(
      Figure(Panels(blocks, columns: 2, isLettered: true), credit: credit), part: part,
      numbers: explained.map(\.numbers), about: [subject])
  }
  try write("Heat maps.", key: experiment.heatMapKey) { map, _ in try experiment.heatMap(map) }
  try write("Raw colour about mid grey, scaled by the 99.5th percentile of each map's magnitudes.", part: "raw") {
    map, _ in
    try centredPicture(map)
  }
  try write("Heat maps of the attribution times the input.", part: "product", key: experiment.heatMapKey) {
    map, image in
    try experiment.heatMap(map * image.image)
  }
}
