import ExperimentKit

extension Experiment {
  //: On photographs ten steps, with the released temperatures and with one relative to each channel's own spread, which
  //: is an extension of this package.

  func drawPhotographs() throws {
    let names = [
      "chelsea", "persian-cat", "egyptian-cat", "macaw", "bee", "jellyfish", "castle", "china", "beacon", "coffee",
      "paintbrush", "rocket",
    ]
    let subject = try subject(Gallery(photographs: Array(names.prefix(options.quick ? 4 : names.count))))
    let images = try subject.images
    var settings = Preset.paperV6.settings
    (settings.steps, settings.clipping) = (10, .lastStep)
    let entrants = Entrant.pictured([.pullbackAscent], settings)
    let targets = images.map(\.target)
    let changes = try entrants.map { try $0.explainer(for: subject.network) }.attributeAll(
      Tensor(batching: images.map(\.image)), [.classes(targets)], of: subject.network, in: context)

    struct Accentuation: Encodable {
      let explainer: String
      let image: String
      let name: String
      let before: Double
      let after: Double
      let difference: AttributionNumbers
    }
    var numbers: [Accentuation] = []

    //: A column is a photograph: as it is, and under each temperature with what the ascent drew and that alone.

    let columns = 6
    var rows: [ImageGrid.Row] = []
    for first in stride(from: 0, to: images.count, by: columns) {
      let shown = first..<min(first + columns, images.count)
      let before = try shown.map { try subject.prediction(of: targets[$0], in: images[$0].image).probability }
      rows.append(
        ImageGrid.Row(
          "Image", try shown.map { try Picture(images[$0].image) },
          captions: zip(shown, before).map { "\(subject.className(targets[$0]))\np = \(decimal($1, places: 2))" }))
      for (entrant, changes) in zip(entrants, changes) {
        var captions: [String] = []
        for (index, before) in zip(shown, before) {
          let change = changes[0].image(index)
          let after = try subject.prediction(of: targets[index], in: images[index].image + change).probability
          captions.append("p = \(decimal(after, places: 2))")
          numbers.append(
            Accentuation(
              explainer: entrant.name, image: images[index].name, name: subject.className(targets[index]),
              before: before, after: after, difference: AttributionNumbers(change, mask: images[index].mask)))
        }
        rows.append(
          ImageGrid.Row(
            entrant.abbreviation, try shown.map { try Picture(images[$0].image + changes[0].image($0)) },
            captions: captions))
        rows.append(ImageGrid.Row("added", try shown.map { try centredPicture(changes[0].image($0)) }))
      }
    }
    let credit = """
      \(subject.title), ten steps of pullback ascent towards the image's own class. What was added is in raw colour \
      about mid grey, scaled by the 99.5th percentile of the magnitudes. \(Entrant.picturedMeaning) \(subject.credit)
      """
    try write(
      Figure(
        ImageGrid(columns: [], rows, width: Looks.Width.photographs), credit: credit, theme: Looks.photographs),
      numbers: numbers, about: [subject])
  }
}
