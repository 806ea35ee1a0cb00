//: # Figure 3: the explainers side by side
//: > Explanations of one network, a block for each image. The first row has the semantic pullbacks at the released
//: > temperatures, the second at the relative one, the third their twins over the gradient, the fourth other
//: > baselines.
//: ## raw: the same maps in raw colour
//: > The attributions of the figure before, as colours about mid grey.
//: ## product: the same attributions times the input
//: > The attributions of the figure before, multiplied by the input.
//: ## more: more images
//: > Heat maps of other images by the same network.
//: ## networks: the other networks
//: > Heat maps of the first two images by the other networks of the tier.
//:
//: One network, a few images, twelve explainers. Four of them are semantic pullbacks: the soft pullback itself
//: (**SfP**), five steps along it (**PA**), and the recipes of SmoothGrad and FusionGrad over the soft rules
//: (**SmoothPb**, **FusionPb**). The others are the paper's baselines, the first four of them the same recipes over the
//: gradient.

import ExperimentKit

Experiment.run("fig3") { experiment in
  let isOfScenes = experiment.options.networks == .scenes
  let names =
    isOfScenes
    ? [
      "zebra", "pink_flamingo", "squirrel", "pink_tricycle", "firetruck", "binoculars", "camel", "duck", "otter", "hen",
    ]
    : ["chelsea", "macaw", "castle", "jellyfish", "coffee", "spaniel", "bee", "china", "dragonfly", "clock"]
  func gallery(_ places: Range<Int>) -> Gallery {
    let places = experiment.options.quick ? places.prefix(1) : places
    return Gallery(photographs: Array(names[places]), scenes: Array(SceneSamples.clearScenes(names.count)[places]))
  }
  let shown = isOfScenes ? 6 : 4
  let subject = try experiment.subject(gallery(0..<shown))

  //: The four semantic pullbacks stand twice: with the released temperatures, and with one relative to each channel's
  //: own spread, which is an extension of this package. Every other setting is the released one. Explainers that are
  //: not defined for the network are left out.

  let settings = Preset.paperV6.settings
  let c = RelativeTemperatures.recommendedMultiple
  typealias Family = (title: String, entrants: [Entrant])
  func families(_ subject: Subject) -> [Family] {
    func entrants(_ methods: [Method]) -> [Entrant] { subject.defined(methods).map { Entrant($0, settings) } }
    return [
      ("released τ", entrants(.semanticPullbacks)),
      ("c = \(c)", [Method].semanticPullbacks.map { .relative($0, c, settings) }),
      ("gradient twins", entrants(.gradientTwins)),
      ("others", entrants([.gradientShap, .integratedGradients, .deepLiftReleased, .guidedGradCAM])),
    ]
  }
  func explained(_ subject: Subject) throws -> [ExplainedImage] {
    try subject.explained(by: families(subject).flatMap(\.entrants), in: experiment.context)
  }

  //: A block for each image, a row in it for each family.

  typealias Rendering = (Tensor, Sample) throws -> Picture
  func block(_ view: ExplainedImage, of subject: Subject, title: String, key: ColorBar?, _ rendering: Rendering) throws
    -> ImageGrid
  {
    var maps = view.attributions[...]
    let rows = try families(subject).enumerated().map { place, family in
      let own = maps.prefix(family.entrants.count)
      maps = maps.dropFirst(family.entrants.count)
      return ImageGrid.Row(
        family.title,
        [place == 0 ? try Picture(view.image.image) : nil] + (try own.map { try rendering($0.map, view.image) }),
        captions: [place == 0 ? title : ""] + family.entrants.map { $0.method!.abbreviation })
    }
    return ImageGrid(
      columns: [], rows, colorBars: key.map { [$0] } ?? [], width: Looks.Width.photographBlock, gap: Looks.tightGap,
      turnsTitles: true)
  }
  func heatMap(_ map: Tensor, _ image: Sample) throws -> Picture { try experiment.heatMap(map) }

  //: The same attributions in three renderings, each a figure of its own. A heat map shows where, and for or against;
  //: raw colour shows what; and the product with the input shows which parts of the image counted.

  func write(
    _ meaning: String, _ views: [ExplainedImage], of subject: Subject, part: String? = nil, key: ColorBar? = nil,
    theme: Theme = .paper, _ rendering: Rendering
  ) throws {
    let blocks = try views.map { try block($0, of: subject, title: $0.title, key: key, rendering) }
    try experiment.write(
      Figure(
        Panels(blocks, columns: 2, isLettered: true),
        credit: "\(subject.title). \(meaning) \(Entrant.picturedMeaning) \(subject.credit)", theme: theme), part: part,
      numbers: views.map(\.numbers), about: [subject])
  }
  let views = try explained(subject)
  try write("Heat maps.", views, of: subject, key: experiment.heatMapKey, heatMap)
  try write(
    "Raw colour about mid grey, scaled by the 99.5th percentile of each map's magnitudes.", views, of: subject,
    part: "raw"
  ) { map, _ in
    try centredPicture(map)
  }
  try write(
    "Heat maps of the attribution times the input.", views, of: subject, part: "product", key: experiment.heatMapKey
  ) { map, image in
    try experiment.heatMap(map * image.image)
  }

  //: Further images, as heat maps; they are not there in the tier of the paper, whose images are the user's.

  if experiment.options.networks != .paper, !experiment.options.quick {
    let more = try experiment.subject(gallery(shown..<names.count))
    try write(
      "Heat maps.", try explained(more), of: more, part: "more", key: experiment.heatMapKey, theme: Looks.photographs,
      heatMap)
  }

  //: The first two images by the other networks.

  let others = try experiment.subjects(gallery(0..<2)).dropFirst()
  guard !others.isEmpty else { return }
  struct Explained: Encodable {
    let network: String
    let images: [ExplainedImage.Numbers]
  }
  let viewsOfOthers = try others.map { ($0, try explained($0)) }
  let blocks = try viewsOfOthers.flatMap { other, views in
    try views.map {
      try block(
        $0, of: other, title: "\($0.title)\n\(other.title)", key: experiment.heatMapKey, heatMap)
    }
  }
  try experiment.write(
    Figure(
      Panels(blocks, columns: 2, isLettered: true),
      credit: "Heat maps. \(Entrant.picturedMeaning) \(others.first!.credit)", theme: Looks.photographs),
    part: "networks", numbers: viewsOfOthers.map { Explained(network: $0.title, images: $1.map(\.numbers)) },
    about: Array(others))
}
