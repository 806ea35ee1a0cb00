import ExperimentKit

extension Experiment {
  //: On photographs every image goes towards the class of the next one, ten steps of the same length by gradient
  //: ascent, by pullback ascent with the released temperatures, and by pullback ascent with a temperature relative to
  //: each channel's own spread, which is an extension of this package.

  func drawPhotographs() throws {
    let subject = try subject(Gallery(photographs: ["coffee", "chelsea", "spaniel", "macaw", "castle", "rocket"]))
    let images = try subject.images
    var settings = Preset.paperV6.settings
    (settings.steps, settings.clipping) = (10, .everyStep)
    let goals = images.indices.map { images[($0 + 1) % images.count].target }

    struct Change: Encodable {
      let explainer: String
      let image: String
      let towards: String
      let probabilityBefore: Double
      let probabilityAfter: Double
      let difference: AttributionNumbers
    }
    let before = try images.enumerated().map { try subject.prediction(of: goals[$0], in: $1.image).probability }

    //: What each ascent adds to every image, and the probability of the goal after it.

    func changes(by entrants: [Entrant]) throws -> (added: [[Tensor]], numbers: [[Change]]) {
      let explainers = try entrants.map { try $0.explainer(for: subject.network) }
      let added = try explainers.attributeAll(
        Tensor(batching: images.map(\.image)), [.classes(goals)], of: subject.network, in: context
      ).map { change in images.indices.map { change[0].image($0) } }
      let numbers = try zip(entrants, added).map { entrant, added in
        try images.enumerated().map { row, image in
          Change(
            explainer: entrant.name, image: image.name, towards: subject.className(goals[row]),
            probabilityBefore: before[row],
            probabilityAfter: try subject.prediction(of: goals[row], in: image.image + added[row]).probability,
            difference: AttributionNumbers(added[row]))
        }
      }
      return (added, numbers)
    }

    //: A row has the image, what became of it, and perhaps what was added.

    func grid(_ entrants: [Entrant], _ found: (added: [[Tensor]], numbers: [[Change]]), showsAdded: Bool) throws
      -> ImageGrid
    {
      let rows = try images.enumerated().map { row, image in
        let added = found.added.map { $0[row] }
        let pictures = [try Picture(image.image)] + (try added.map { try Picture(image.image + $0) })
        return ImageGrid.Row(
          "\(subject.className(image.target))\n→ \(subject.className(goals[row]))",
          pictures + (showsAdded ? try added.map { try centredPicture($0) } : []),
          captions: ([before[row]] + found.numbers.map { $0[row].probabilityAfter })
            .map { "p = \(decimal($0, places: 2))" } + (showsAdded ? added.map { _ in "" } : []))
      }
      let names = entrants.map(\.abbreviation)
      return ImageGrid(
        columns: ["Image"] + names + (showsAdded ? names : []), rows,
        groups: [.init("", columns: 1), .init("Ten steps towards the goal", columns: entrants.count)]
          + (showsAdded ? [.init("What they added", columns: entrants.count)] : []),
        width: showsAdded ? Looks.Width.counterfactuals : Looks.Width.classes)
    }

    let entrants = [Entrant(.gradientAscent, settings)] + Entrant.pictured([.pullbackAscent], settings)
    let found = try changes(by: entrants)
    let credit = "\(subject.title); p is the goal's probability."
    try write(
      Figure(
        try grid(entrants, found, showsAdded: true),
        credit: """
          \(credit) Differences in raw colour about mid grey, scaled by the 99.5th percentile of the magnitudes. \
          \(Entrant.picturedMeaning) \(subject.credit)
          """), numbers: images.indices.flatMap { row in found.numbers.map { $0[row] } }, about: [subject])

    //: How wide should the noise be for pictures? The same with one, one and a half and two standard deviations.

    let multiples = Entrant.relativeNoises.map { Entrant.relative(.pullbackAscent, $0, settings) }
    let others = try changes(by: multiples)
    try write(
      Figure(
        try grid(multiples, others, showsAdded: false), credit: "\(credit) \(subject.credit)", theme: Looks.photographs),
      part: "multiples", numbers: images.indices.flatMap { row in others.numbers.map { $0[row] } }, about: [subject])
  }
}
