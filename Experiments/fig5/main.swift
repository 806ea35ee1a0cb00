//: # Figure 5: accentuation of an image's own class
//: > Images after pullback ascent towards the class that they already have, and what was added. The numbers are the
//: > probability of the class before and after.
//: ## networks: the other networks
//: > The first of these images on the other networks of the tier.
//:
//: Pullback ascent towards an image's own class strengthens what the network already used: eyes, wheels, scales. The
//: change is shown under each picture.

import ExperimentKit

Experiment.run("fig5") { experiment in
  if experiment.options.networks == .imagenet { return try experiment.drawPhotographs() }

  //: Forty images, or all photographs there are; as in the paper, the picture is clipped to what can be shown after the
  //: last step only.

  let count = experiment.options.quick ? 4 : 40
  func gallery(_ count: Int) -> Gallery {
    var gallery = Gallery(
      photographs: ImageNetTier.photographs.prefix(count).map(\.name), scenes: SceneSamples.clearScenes(count))
    gallery.count = count
    return gallery
  }
  let subject = try experiment.subject(gallery(count))
  let ascent = PullbackAscent(.softPullback(), name: "pullback-ascent", clipping: .lastStep)

  //: Every image with its accentuation and the difference; the caption has the probability of the class before and
  //: after.

  struct Accentuation: Encodable {
    let network: String
    let image: String
    let name: String
    let before: Double
    let after: Double
    let difference: AttributionNumbers
  }

  let columns = 10
  func accentuated(_ subject: Subject, _ images: [Sample]) throws -> (rows: [ImageGrid.Row], numbers: [Accentuation]) {
    let changes = try ascent.attribute(
      Tensor(batching: images.map(\.image)), .classes(images.map(\.target)), of: subject.network,
      in: experiment.context)
    let numbers = try images.enumerated().map { index, image in
      let change = changes.image(index)
      let probabilities = try [image.image, image.image + change].map {
        try subject.prediction(of: image.target, in: $0).probability
      }
      return Accentuation(
        network: subject.title, image: image.name, name: subject.className(image.target),
        before: probabilities[0], after: probabilities[1],
        difference: AttributionNumbers(change, mask: image.mask))
    }
    let rows = try stride(from: 0, to: images.count, by: columns).flatMap { first in
      let shown = first..<min(first + columns, images.count)
      return [
        ImageGrid.Row("", try shown.map { try Picture(images[$0].image + changes.image($0)) }),
        ImageGrid.Row(
          "", try shown.map { try rawPicture(changes.image($0)) },
          captions: numbers[shown].map {
            "\($0.name)\n\(decimal($0.before, places: 2)) → \(decimal($0.after, places: 2))"
          }),
      ]
    }
    return (rows, numbers)
  }
  func write(_ grids: [any Drawable], _ numbers: [Accentuation], part: String? = nil, of subjects: [Subject]) throws {
    let credit = """
      \(subjects.map(\.title).joined(separator: " and ")), five steps of pullback ascent; below each picture the \
      difference. \(subjects[0].credit)
      """
    try experiment.write(
      Figure(Panels(grids, columns: 1, isLettered: grids.count > 1), credit: credit), part: part, numbers: numbers,
      about: subjects)
  }
  let main = try accentuated(subject, subject.images)
  try write([ImageGrid(columns: [], main.rows)], main.numbers, of: [subject])

  //: Two rows of the same images on the other networks.

  let others = Array(try experiment.subjects(gallery(min(count, 2 * columns))).dropFirst())
  guard !others.isEmpty else { return }
  let blocks = try others.map { try accentuated($0, $0.images) }
  try write(
    blocks.map { ImageGrid(columns: [], $0.rows) }, blocks.flatMap(\.numbers), part: "networks", of: others)
}
