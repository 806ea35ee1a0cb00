import ExperimentKit

extension Experiment {
  //: On photographs every image goes towards the class of the next one, ten steps of the same length by gradient
  //: ascent, by pullback ascent with the released temperatures, and by pullback ascent with a temperature relative to
  //: each channel's own spread, which is an extension of this package.

  func drawPhotographs() throws {
    let names = ["coffee", "chelsea", "spaniel", "macaw", "castle", "rocket"]
    let subject = try subject(Gallery(photographs: names))
    let classes = try subject.images.map(\.target)
    let goals = classes.indices.map { classes[($0 + 1) % classes.count] }
    var settings = Preset.paperV6.settings
    (settings.steps, settings.clipping) = (10, .everyStep)

    struct Change: Encodable {
      let network: String
      let explainer: String
      let image: String
      let towards: String
      let probabilityBefore: Double
      let probabilityAfter: Double
      let difference: AttributionNumbers
    }

    //: What each ascent adds to every image, and the probability of the goal after it.

    struct Changes {
      let subject: Subject
      let images: [Sample]
      /// By explainer and image.
      let added: [[Tensor]]
      let numbers: [[Change]]
    }
    func changes(of examined: Subject, _ images: [Sample], by entrants: [Entrant]) throws -> Changes {
      let goals = Array(goals.prefix(images.count))
      let before = try images.enumerated().map { try examined.prediction(of: goals[$0], in: $1.image).probability }
      let explainers = try entrants.map { try $0.explainer(for: examined.network) }
      let added = try explainers.attributeAll(
        Tensor(batching: images.map(\.image)), [.classes(goals)], of: examined.network, in: context
      ).map { change in images.indices.map { change[0].image($0) } }
      let numbers = try zip(entrants, added).map { entrant, added in
        try images.enumerated().map { row, image in
          Change(
            network: examined.title, explainer: entrant.name, image: image.name,
            towards: examined.className(goals[row]),
            probabilityBefore: before[row],
            probabilityAfter: try examined.prediction(of: goals[row], in: image.image + added[row]).probability,
            difference: AttributionNumbers(added[row]))
        }
      }
      return Changes(subject: examined, images: images, added: added, numbers: numbers)
    }

    //: A row has the image, what became of it, and perhaps what was added.

    func rows(_ found: Changes, showsAdded: Bool, namesNetwork: Bool = false) throws -> [ImageGrid.Row] {
      try found.images.enumerated().map { row, image in
        let added = found.added.map { $0[row] }
        let own = found.numbers.map { $0[row] }
        let pictures = [try Picture(image.image)] + (try added.map { try Picture(image.image + $0) })
        return ImageGrid.Row(
          "\(found.subject.className(image.target))\n→ \(own[0].towards)"
            + (namesNetwork ? "\n\(found.subject.title)" : ""),
          pictures + (showsAdded ? try added.map { try centredPicture($0) } : []),
          captions: ([own[0].probabilityBefore] + own.map(\.probabilityAfter))
            .map { "p = \(decimal($0, places: 2))" } + (showsAdded ? added.map { _ in "" } : []))
      }
    }
    func grid(_ entrants: [Entrant], _ rows: [ImageGrid.Row], showsAdded: Bool) -> ImageGrid {
      let names = entrants.map(\.abbreviation)
      return ImageGrid(
        columns: ["Image"] + names + (showsAdded ? names : []), rows,
        groups: [.init("", columns: 1), .init("Ten steps towards the goal", columns: entrants.count)]
          + (showsAdded ? [.init("What they added", columns: entrants.count)] : []),
        width: showsAdded ? Looks.Width.counterfactuals : Looks.Width.classes)
    }

    let entrants = [Entrant(.gradientAscent, settings)] + Entrant.pictured([.pullbackAscent], settings)
    let found = try changes(of: subject, subject.images, by: entrants)
    let meaning =
      "Differences in raw colour about mid grey, scaled by the 99.5th percentile of the magnitudes. "
      + Entrant.picturedMeaning
    func numbers(_ found: Changes) -> [Change] {
      found.images.indices.flatMap { row in found.numbers.map { $0[row] } }
    }
    try write(
      Figure(
        grid(entrants, try rows(found, showsAdded: true), showsAdded: true),
        credit: "\(subject.title); p is the goal's probability. \(meaning) \(subject.credit)"), numbers: numbers(found),
      about: [subject])

    //: How wide should the noise be for pictures? The same with one, one and a half and two standard deviations.

    let multiples = Entrant.relativeNoises.map { Entrant.relative(.pullbackAscent, $0, settings) }
    let widths = try changes(of: subject, subject.images, by: multiples)
    try write(
      Figure(
        grid(multiples, try rows(widths, showsAdded: false), showsAdded: false),
        credit: "\(subject.title); p is the goal's probability. \(subject.credit)", theme: Looks.photographs),
      part: "multiples", numbers: numbers(widths), about: [subject])

    //: The first three by the other networks.

    let others = try subjects(Gallery(photographs: Array(names.prefix(3)))).dropFirst().map {
      try changes(of: $0, $0.images, by: entrants)
    }
    guard !others.isEmpty else { return }
    try write(
      Figure(
        grid(
          entrants, try others.flatMap { try rows($0, showsAdded: true, namesNetwork: true) }, showsAdded: true),
        credit: "p is the goal's probability. \(meaning) \(others[0].subject.credit)", theme: Looks.photographs),
      part: "networks",
      numbers: others.flatMap(numbers), about: others.map(\.subject))
  }
}
