//: # Figure 4: counterfactuals between classes
//: > Images on their way to other classes, by pullback ascent and by gradient ascent.
//: ## differences: what the ascents added
//: > The ends of both ascents less the images that they began with.
//: ## sequence: one counterfactual, step by step
//: > An image after each step of pullback ascent, and the probabilities of the class that it had and of the class
//: > that it was to have.
//: ## multiples: ascents at other relative temperatures
//: > Photographs on their way to other classes, by pullback ascent with noise of c standard deviations.
//:
//: A counterfactual asks the network to see another class and follows the answer: five steps of pullback ascent, with
//: the picture clipped to valid colours. To our eyes the soft pullback paints the other class's parts where they fit;
//: gradient ascent changes the prediction as well, by patterns that look like noise.

import ExperimentKit

Experiment.run("fig4") { experiment in
  if experiment.options.networks == .imagenet { return try experiment.drawPhotographs() }

  let subject = try experiment.subject(
    Gallery(photographs: ["zebra", "tucan", "firetruck", "tennis_ball", "pink_tricycle"]))
  let images = try subject.images
  let names = images.map { subject.className($0.target) }
  let network = subject.network
  let batch = Tensor(batching: images.map(\.image))

  //: Every image goes towards the class of every other, and towards its own: on the diagonal is its accentuation.

  func counterfactuals(_ method: Method) throws -> [Tensor] {
    var settings = MethodSettings()
    settings.clipping = .everyStep
    let explainer = try method.explainer(settings, for: network.graph)
    let selectors = images.map { Selector.all(.logit($0.target), images: images.count) }
    return try explainer.attribute(batch, selectors, of: network, in: experiment.context)
  }

  struct Change: Encodable {
    let method: String
    let image: String
    let towards: String
    let probabilityBefore: Double
    let probabilityAfter: Double
    let difference: AttributionNumbers
  }
  var made: [Change] = []

  //: A block of pictures for each method; in a figure of its own the differences `x_K - x_0` that it made.

  func grid(_ title: String, _ changes: [Tensor], _ picture: (Tensor, Tensor) throws -> Picture, captions: [[String]])
    throws
    -> ImageGrid
  {
    ImageGrid(
      columns: ["Image"] + names,
      try images.indices.map { row in
        ImageGrid.Row(
          names[row],
          [try Picture(images[row].image)] + (try changes.map { try picture(images[row].image, $0.image(row)) }),
          captions: [""] + captions[row])
      },
      groups: [.init("", columns: 1), .init(title, columns: images.count)], width: Looks.Width.stackedBlock)
  }

  func probabilities(_ method: Method, _ changes: [Tensor]) throws -> [[String]] {
    try images.indices.map { row in
      try images.indices.map { column in
        let change = changes[column].image(row)
        let target = images[column]
        let before = try subject.prediction(of: target.target, in: images[row].image).probability
        let after = try subject.prediction(of: target.target, in: images[row].image + change).probability
        made.append(
          Change(
            method: method.rawValue, image: images[row].name, towards: names[column], probabilityBefore: before,
            probabilityAfter: after, difference: AttributionNumbers(change)))
        return "p = \(decimal(after, places: 2))"
      }
    }
  }

  let pullback = try counterfactuals(.pullbackAscent)
  let gradient = try counterfactuals(.gradientAscent)
  let (afterPullback, afterGradient) = (
    try probabilities(.pullbackAscent, pullback), try probabilities(.gradientAscent, gradient)
  )

  //: The two methods pair by pair, the diagonal left out: which of them reached the higher probability?

  struct Pair: Encodable {
    let image: String
    let towards: String
    let probabilityBefore: Double
    let pullbackAscent: Double
    let gradientAscent: Double
    /// The method that reached the higher probability.
    let ahead: String
  }
  struct Numbers: Encodable {
    let changes: [Change]
    let pairs: [Pair]
  }
  let half = made.count / 2
  let pairs = zip(made[..<half], made[half...]).enumerated().compactMap { place, both -> Pair? in
    guard place / images.count != place % images.count else { return nil }
    let (pullback, gradient) = (both.0.probabilityAfter, both.1.probabilityAfter)
    return Pair(
      image: both.0.image, towards: both.0.towards, probabilityBefore: both.0.probabilityBefore,
      pullbackAscent: pullback, gradientAscent: gradient,
      ahead: pullback > gradient ? both.0.method : gradient > pullback ? both.1.method : "neither")
  }
  let none = images.map { _ in images.map { _ in "" } }
  func write(_ grids: [ImageGrid], part: String? = nil, credit: String) throws {
    try experiment.write(
      Figure(Panels(grids, columns: 1, isLettered: true), credit: "\(subject.title), five steps. \(credit)"),
      part: part, numbers: Numbers(changes: made, pairs: pairs), about: [subject])
  }
  try write(
    [
      try grid("Pullback ascent towards", pullback, { try Picture($0 + $1) }, captions: afterPullback),
      try grid("Gradient ascent towards", gradient, { try Picture($0 + $1) }, captions: afterGradient),
    ], credit: "p is the probability of the column's class. \(subject.credit)")
  try write(
    [
      try grid("Difference by pullback ascent", pullback, { try centredPicture($1) }, captions: none),
      try grid("Difference by gradient ascent", gradient, { try centredPicture($1) }, captions: none),
    ], part: "differences",
    credit: "Raw colour about mid grey, scaled by the 99.5th percentile of each map's magnitudes. \(subject.credit)")

  //: The same as a sequence: the steps from the first image towards the second's class, and the probabilities of both
  //: classes on the way.

  let steps = 10
  let (source, goal) = (images[0], images[1])
  var iterates = [source.image]
  let ascent = PullbackAscent(.softPullback(), name: "pullback-ascent", steps: steps, clipping: .everyStep)
  try ascent.ascend(from: source.image, .classes([goal.target]), of: network) { iterates.append($0) }

  struct Sequence: Encodable {
    let from: String
    let to: String
    let probabilityFrom: [Double]
    let probabilityTo: [Double]
    let norms: [Double]
  }
  let sequence = Sequence(
    from: names[0], to: names[1],
    probabilityFrom: try iterates.map { try subject.prediction(of: source.target, in: $0).probability },
    probabilityTo: try iterates.map { try subject.prediction(of: goal.target, in: $0).probability },
    norms: iterates.map { ($0 - source.image).imageNorms[0] })

  let strip = ImageGrid(
    columns: iterates.indices.map { $0 == 0 ? "x₀" : "\($0)" },
    [ImageGrid.Row("", try iterates.map { try Picture($0) })])
  let abscissae = iterates.indices.map(Double.init)
  let curves = LinePlot(
    [
      try .init(names[0], x: abscissae, y: sequence.probabilityFrom),
      try .init(names[1], x: abscissae, y: sequence.probabilityTo),
    ],
    x: Axis("step"), y: Axis("probability"), size: Looks.Plot.wide)
  try experiment.write(
    Figure(Panels([strip, curves], columns: 1), credit: "\(subject.title). \(subject.credit)"), part: "sequence",
    numbers: sequence, about: [subject])

  //: And as a film, by both methods and in both directions, twenty steps.

  func way(_ method: Method, from start: Sample, to goal: Sample) throws -> Film.Row {
    var iterates = [start.image]
    let rules: RuleSet = method == .pullbackAscent ? .softPullback() : .gradient
    let ascent = PullbackAscent(rules, name: method.rawValue, steps: 20, clipping: .everyStep)
    try ascent.ascend(from: start.image, .classes([goal.target]), of: network) { iterates.append($0) }
    let curves = try [start, goal].map { sample in
      Film.Curve(
        subject.className(sample.target),
        try iterates.map { try subject.prediction(of: sample.target, in: $0).probability })
    }
    return Film.Row(method.abbreviation, try iterates.map { try Picture($0) }, curves: curves)
  }
  let film = Film(
    axis: "step", labels: (0...20).map { "\($0)" },
    try [(0, 1), (1, 0), (2, 3), (3, 2)].map { start, goal in
      Film.Group(
        "\(names[start]) to \(names[goal])",
        try [Method.pullbackAscent, .gradientAscent].map { try way($0, from: images[start], to: images[goal]) })
    })
  try experiment.write(film, about: [subject])
}
