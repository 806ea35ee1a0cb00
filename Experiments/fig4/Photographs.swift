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
    let entrants = [Entrant(.gradientAscent, settings)] + Entrant.pictured([.pullbackAscent], settings)
    let goals = images.indices.map { images[($0 + 1) % images.count].target }
    let explainers = try entrants.map { try $0.explainer(for: subject.network) }
    let changes = try explainers.attributeAll(
      Tensor(batching: images.map(\.image)), [.classes(goals)], of: subject.network, in: context)

    struct Change: Encodable {
      let explainer: String
      let image: String
      let towards: String
      let probabilityBefore: Double
      let probabilityAfter: Double
      let difference: AttributionNumbers
    }
    var numbers: [Change] = []

    //: Below every picture is what was added to the image, and the probability of the goal before and after.

    var rows: [ImageGrid.Row] = []
    for (row, image) in images.enumerated() {
      let goal = subject.className(goals[row])
      let before = try subject.prediction(of: goals[row], in: image.image).probability
      var (pictures, differences, captions): ([Picture?], [Picture?], [String]) = ([], [], [])
      for (entrant, change) in zip(entrants, changes) {
        let change = change[0].image(row)
        let after = try subject.prediction(of: goals[row], in: image.image + change).probability
        pictures.append(try Picture(image.image + change))
        differences.append(try centredPicture(change))
        captions.append("p = \(decimal(after, places: 2))")
        numbers.append(
          Change(
            explainer: entrant.name, image: image.name, towards: goal, probabilityBefore: before,
            probabilityAfter: after, difference: AttributionNumbers(change)))
      }
      rows.append(
        ImageGrid.Row(
          "\(subject.className(image.target))\n→ \(goal)", [try Picture(image.image)] + pictures + differences,
          captions: ["p = \(decimal(before, places: 2))"] + captions + captions.map { _ in "" }))
    }
    let grid = ImageGrid(
      columns: ["Image"] + entrants.map(\.abbreviation) + entrants.map(\.abbreviation), rows,
      groups: [
        .init("", columns: 1), .init("Ten steps towards the goal", columns: entrants.count),
        .init("What they added", columns: entrants.count),
      ], width: Looks.Width.counterfactuals)
    let credit = """
      \(subject.title); p is the goal's probability. Differences in raw colour about mid grey, scaled by the 99.5th \
      percentile of the magnitudes. \(Entrant.picturedMeaning) \(subject.credit)
      """
    try write(Figure(grid, credit: credit), numbers: numbers, about: [subject])
  }
}
