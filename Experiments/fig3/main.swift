//: # Figure 3: what the explainers see
//:
//: The same network, the same photographs, four questions. **Grad** asks which pixels change the class's logit if nudged.
//: **SfP**, the soft pullback, asks what the network looked for: it pulls the class's direction back through the network
//: with every gate softened. **PA** and **GA** follow either direction for five steps and show where the image went.

import ExperimentKit

Experiment.run("fig3") { experiment in

  //: The network is EfficientNet-Lite0 as trained on ImageNet. The photographs show one object each, on mid grey, which is the
  //: zero of the network's input space: nothing but the object can attract an explanation.

  let network = try ImageNetTier.network()
  let photographs = try ImageNetTier.photographs([
    "zebra", "pink_flamingo", "squirrel", "pink_tricycle", "firetruck", "binoculars",
  ])

  //: Each explainer is a rule table and a way to combine: SfP and PA share the soft rules, Grad and GA the gradient's.

  let methods: [Method] = [.softPullback, .pullbackAscent, .gradient, .gradientAscent]
  let explainers = try methods.map { try $0.explainer(for: network.graph) }

  //: A row is a photograph with its class and the probability the network gives it. An attribution is shown twice: as a heat
  //: map of the mean over the colour channels, red for and blue against the class, and in raw signed colour.

  var rows: [ImageGrid.Row] = []
  var numbers: [Numbers] = []
  for photograph in photographs {
    let logits = try network(photograph.image)
    let prediction = Prediction.ranking(logits.scalars).first { $0.target == photograph.target }!
    let attributions = try explainers.map { try $0.attribute(photograph.image, .classes([photograph.target]), of: network) }

    let name = ImageNetClasses.all[photograph.target].name
    rows.append(
      ImageGrid.Row(
        "\(name)\np = \(decimal(prediction.probability, places: 2))",
        [try Picture(photograph.image)] + (try attributions.map { try heatMap($0) })
          + (try attributions.map { try rawPicture($0) })))
    numbers.append(
      Numbers(
        photograph: photograph.name, target: photograph.target, name: name, logit: prediction.logit,
        probability: prediction.probability,
        attributions: Dictionary(
          uniqueKeysWithValues: zip(methods.map(\.rawValue), attributions.map {
            AttributionNumbers($0, mask: photograph.mask)
          }))))
  }

  //: Numbers and pictures fail apart: the file of numbers beside the figure is compared tightly, the pixels loosely.

  struct Numbers: Codable {
    let photograph: String
    let target: Int
    let name: String
    let logit: Float
    let probability: Double
    let attributions: [String: AttributionNumbers]
  }

  let titles = methods.map(\.abbreviation)
  let grid = ImageGrid(
    columns: ["Image"] + titles + titles, rows,
    groups: [.init("", columns: 1), .init("Heat map", columns: 4), .init("Raw colour", columns: 4)],
    colorBars: [
      ColorBar(
        .seismic, labels: ["−max", "0", "+max"],
        note: "Heat maps: mean over the channels; positive and negative parts each divided by their own extreme. "
          + "Raw colour: from each picture's smallest value to its largest.")
    ])
  try experiment.write(Figure(grid, credit: "EfficientNet-Lite0. \(ImageNetTier.credit)"), numbers: numbers)
}
