//: # Figure 4: counterfactuals between classes
//: > Images on their way to other classes, by pullback ascent and by gradient ascent.
//: ## sequence: one counterfactual, step by step
//: > An image after each step of pullback ascent, and the probabilities of the class that it had and of the class
//: > that it was to have.
//: ## differences: what the ascents added
//: > The ends of both ascents less the images that they began with.
//: ## multiples: ascents at other relative temperatures
//: > Photographs on their way to other classes, by pullback ascent with noise of c standard deviations.
//: ## networks: the other networks
//: > Images on their way to other classes by pullback ascent on the other networks of the tier.
//:
//: A counterfactual asks the network to see another class and follows the answer: five steps of pullback ascent, with
//: the picture clipped to valid colours. To our eyes the soft pullback paints the other class's parts where they fit;
//: gradient ascent changes the prediction as well, by patterns that look like noise.

import ExperimentKit

Experiment.run("fig4") { experiment in
  if experiment.options.networks == .imagenet { return try experiment.drawPhotographs() }

  let subjects = try experiment.subjects(
    Gallery(photographs: ["zebra", "tucan", "firetruck", "tennis_ball", "pink_tricycle"]))
  let subject = subjects[0]
  let images = try subject.images
  let names = images.map { subject.className($0.target) }
  let network = subject.network

  //: Every image goes towards the class of every other, and towards its own: on the diagonal is its accentuation.

  func counterfactuals(_ method: Method, of subject: Subject) throws -> [Tensor] {
    var settings = MethodSettings()
    settings.clipping = .everyStep
    let explainer = try method.explainer(settings, for: subject.graph)
    let selectors = images.map { Selector.all(.logit($0.target), images: images.count) }
    return try explainer.attribute(
      Tensor(batching: images.map(\.image)), selectors, of: subject.network, in: experiment.context)
  }

  struct Change: Encodable {
    let network: String
    let method: String
    let image: String
    let towards: String
    let probabilityBefore: Double
    let probabilityAfter: Double
    let difference: AttributionNumbers
  }
  func changes(_ method: Method, _ made: [Tensor], of subject: Subject) throws -> [[Change]] {
    try images.indices.map { row in
      try images.indices.map { column in
        let change = made[column].image(row)
        let probabilities = try [images[row].image, images[row].image + change].map {
          try subject.prediction(of: images[column].target, in: $0).probability
        }
        return Change(
          network: subject.title, method: method.rawValue, image: images[row].name, towards: names[column],
          probabilityBefore: probabilities[0], probabilityAfter: probabilities[1],
          difference: AttributionNumbers(change))
      }
    }
  }

  //: The two methods pair by pair, the diagonal left out: which of them reached the higher probability?

  struct Pair: Encodable {
    let network: String
    let image: String
    let towards: String
    let probabilityBefore: Double
    let pullbackAscent: Double
    let gradientAscent: Double
    /// The method that reached the higher probability.
    let ahead: String
  }
  struct Counterfactuals {
    let subject: Subject
    let pullback: [Tensor]
    let gradient: [Tensor]
    /// By image and goal.
    let byPullback: [[Change]]
    let byGradient: [[Change]]

    var pairs: [Pair] {
      byPullback.indices.flatMap { row in
        byPullback.indices.filter { $0 != row }.map { column in
          let (ours, other) = (byPullback[row][column], byGradient[row][column])
          let (pullback, gradient) = (ours.probabilityAfter, other.probabilityAfter)
          return Pair(
            network: subject.title, image: ours.image, towards: ours.towards,
            probabilityBefore: ours.probabilityBefore, pullbackAscent: pullback, gradientAscent: gradient,
            ahead: pullback > gradient ? ours.method : gradient > pullback ? other.method : "neither")
        }
      }
    }
  }
  func counterfactuals(of subject: Subject) throws -> Counterfactuals {
    let pullback = try counterfactuals(.pullbackAscent, of: subject)
    let gradient = try counterfactuals(.gradientAscent, of: subject)
    return Counterfactuals(
      subject: subject, pullback: pullback, gradient: gradient,
      byPullback: try changes(.pullbackAscent, pullback, of: subject),
      byGradient: try changes(.gradientAscent, gradient, of: subject))
  }
  struct Numbers: Encodable {
    let changes: [Change]
    let pairs: [Pair]

    init(_ made: [Counterfactuals]) {
      changes = made.flatMap { ($0.byPullback + $0.byGradient).flatMap(\.self) }
      pairs = made.flatMap(\.pairs)
    }
  }

  //: A block of pictures for each method; in a figure of its own the differences `x_K - x_0` that it made.

  func grid(_ title: String, _ made: [Tensor], _ captions: [[Change]]?, _ picture: (Tensor, Tensor) throws -> Picture)
    throws -> ImageGrid
  {
    ImageGrid(
      columns: ["Image"] + names,
      try images.indices.map { row in
        ImageGrid.Row(
          names[row],
          [try Picture(images[row].image)] + (try made.map { try picture(images[row].image, $0.image(row)) }),
          captions: [""]
            + (captions?[row].map { "p = \(decimal($0.probabilityAfter, places: 2))" } ?? images.map { _ in "" }))
      },
      groups: [.init("", columns: 1), .init(title, columns: images.count)], width: Looks.Width.stackedBlock)
  }
  let made = try counterfactuals(of: subject)
  func write(_ grids: [ImageGrid], part: String? = nil, credit: String) throws {
    try experiment.write(
      Figure(Panels(grids, columns: 1, isLettered: true), credit: "\(subject.title), five steps. \(credit)"),
      part: part, numbers: Numbers([made]), about: [subject])
  }
  try write(
    [
      try grid("Pullback ascent towards", made.pullback, made.byPullback) { try Picture($0 + $1) },
      try grid("Gradient ascent towards", made.gradient, made.byGradient) { try Picture($0 + $1) },
    ], credit: "p is the probability of the column's class. \(subject.credit)")
  try write(
    [
      try grid("Difference by pullback ascent", made.pullback, nil) { try centredPicture($1) },
      try grid("Difference by gradient ascent", made.gradient, nil) { try centredPicture($1) },
    ], part: "differences",
    credit: "Raw colour about mid grey, scaled by the 99.5th percentile of each map's magnitudes. \(subject.credit)")

  //: Pullback ascent on the other networks. The numbers beside the figure have gradient ascent too.

  let others = try subjects.dropFirst().map { try counterfactuals(of: $0) }
  if !others.isEmpty {
    let grids = try others.map { other in
      try grid("Pullback ascent on the \(other.subject.title) towards", other.pullback, other.byPullback) {
        try Picture($0 + $1)
      }
    }
    try experiment.write(
      Figure(
        Panels(grids, columns: 1, isLettered: true),
        credit: "Five steps. p is the probability of the column's class. \(subject.credit)"),
      part: "networks", numbers: Numbers(others), about: others.map(\.subject))
  }

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
