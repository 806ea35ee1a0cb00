//: # Figure 3: the explainers side by side
//: > Explanations of one network, a block for each image. The first row has the semantic pullbacks at the released
//: > temperatures, the second at the relative one, the third their twins over the gradient, the fourth other
//: > baselines.
//: ## raw: the same maps in raw colour
//: > The attributions of the figure before, as colours about mid grey.
//: ## product: the same attributions times the input
//: > The attributions of the figure before, multiplied by the input.
//: ## ten: ten images, a row for each
//: > Heat maps of the same network by the explainers that need at most ten passes.
//: ## networks: the other networks
//: > The same of five images by the other networks of the tier.
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

  //: Ten images, a row for each, as the paper has it, by the explainers that need at most ten passes: those that average
  //: over noise need fifty or a hundred.

  let few =
    [Entrant(.gradient, settings), Entrant(.gradientAscent, settings)]
    + Entrant.pictured([.softPullback, .pullbackAscent], settings)
    + [Method.integratedGradients, .guidedGradCAM].map { Entrant($0, settings) }
  func rows(_ subject: Subject) throws -> (grid: ImageGrid, views: [ExplainedImage]) {
    let entrants = few.filter { (try? $0.explainer(for: subject.network)) != nil }
    let views = try subject.explained(by: entrants, in: experiment.context)
    let grid = ImageGrid(
      columns: ["Image"] + entrants.map(\.abbreviation),
      try views.map { view in
        ImageGrid.Row(
          "",
          [try Picture(view.image.image)] + (try view.attributions.map { try experiment.heatMap($0.map) }),
          captions: [view.title] + entrants.map { _ in "" })
      }, groups: [.init(subject.title, columns: 1 + entrants.count)], width: Looks.Width.networks,
      gap: Looks.tightGap)
    return (grid, views)
  }
  let credit = "Heat maps. \(Entrant.picturedMeaning)"
  let ten = try experiment.subject(gallery(0..<names.count))
  let (grid, tenViews) = try rows(ten)
  try experiment.write(
    Figure(grid, credit: "\(credit) \(ten.credit)", theme: Looks.photographs), part: "ten",
    numbers: tenViews.map(\.numbers), about: [ten])

  //: The first five by the other networks.

  let others = Array(try experiment.subjects(gallery(0..<5)).dropFirst())
  guard !others.isEmpty else { return }
  struct Explained: Encodable {
    let network: String
    let images: [ExplainedImage.Numbers]
  }
  let found = try others.map { try rows($0) }
  try experiment.write(
    Figure(
      Panels(found.map(\.grid), columns: 1, isLettered: true), credit: "\(credit) \(others[0].credit)",
      theme: Looks.photographs), part: "networks",
    numbers: zip(others, found).map { Explained(network: $0.title, images: $1.views.map(\.numbers)) }, about: others)
}
