import ExperimentKit

extension Experiment {
  //: On photographs ten steps, with the released temperatures and with one relative to each channel's own spread, which
  //: is an extension of this package.

  func drawPhotographs() throws {
    let names = [
      "chelsea", "persian-cat", "egyptian-cat", "macaw", "bee", "jellyfish", "castle", "china", "beacon", "coffee",
      "paintbrush", "rocket",
    ]
    func gallery(_ count: Int) -> Gallery { Gallery(photographs: Array(names.prefix(options.quick ? 4 : count))) }
    let subject = try subject(gallery(names.count))
    var settings = Preset.paperV6.settings
    (settings.steps, settings.clipping) = (10, .lastStep)
    let entrants = Entrant.pictured([.pullbackAscent], settings)

    struct Accentuation: Encodable {
      let network: String
      let explainer: String
      let image: String
      let name: String
      let before: Double
      let after: Double
      let difference: AttributionNumbers
    }

    //: A column is a photograph: as it is, and under each temperature with what the ascent drew and that alone.

    let columns = 6
    func accentuated(_ subject: Subject, _ images: some Sequence<Sample>, title: String = "Image") throws
      -> (rows: [ImageGrid.Row], numbers: [Accentuation])
    {
      let images = Array(images)
      let targets = images.map(\.target)
      let before = try images.map { try subject.prediction(of: $0.target, in: $0.image).probability }
      let changes = try entrants.map { try $0.explainer(for: subject.network) }.attributeAll(
        Tensor(batching: images.map(\.image)), [.classes(targets)], of: subject.network, in: context)
      var numbers: [Accentuation] = []
      var rows = [
        ImageGrid.Row(
          title, try images.map { try Picture($0.image) },
          captions: zip(targets, before).map { "\(subject.className($0))\np = \(decimal($1, places: 2))" })
      ]
      for (entrant, changes) in zip(entrants, changes) {
        let own = try images.enumerated().map { index, image in
          let change = changes[0].image(index)
          return Accentuation(
            network: subject.title, explainer: entrant.name, image: image.name, name: subject.className(image.target),
            before: before[index],
            after: try subject.prediction(of: image.target, in: image.image + change).probability,
            difference: AttributionNumbers(change, mask: image.mask))
        }
        rows += [
          ImageGrid.Row(
            entrant.abbreviation, try images.indices.map { try Picture(images[$0].image + changes[0].image($0)) },
            captions: own.map { "p = \(decimal($0.after, places: 2))" }),
          ImageGrid.Row("added", try images.indices.map { try centredPicture(changes[0].image($0)) }),
        ]
        numbers += own
      }
      return (rows, numbers)
    }
    func write(
      _ blocks: [(rows: [ImageGrid.Row], numbers: [Accentuation])], part: String? = nil, of subjects: [Subject]
    ) throws {
      let credit = """
        \(subjects.map(\.title).joined(separator: " and ")), ten steps of pullback ascent towards the image's own class. \
        What was added is in raw colour about mid grey, scaled by the 99.5th percentile of the magnitudes. \
        \(Entrant.picturedMeaning) \(subjects[0].credit)
        """
      try self.write(
        Figure(
          ImageGrid(columns: [], blocks.flatMap(\.rows), width: Looks.Width.photographs), credit: credit,
          theme: Looks.photographs), part: part, numbers: blocks.flatMap(\.numbers), about: subjects)
    }
    let images = try subject.images
    try write(
      try stride(from: 0, to: images.count, by: columns).map { first in
        try accentuated(subject, images[first..<min(first + columns, images.count)])
      }, of: [subject])

    //: The first row of photographs by the other networks.

    let others = Array(try subjects(gallery(columns)).dropFirst())
    guard !others.isEmpty else { return }
    try write(
      try others.map { try accentuated($0, $0.images, title: "Image\n\($0.title)") }, part: "networks", of: others)
  }
}
