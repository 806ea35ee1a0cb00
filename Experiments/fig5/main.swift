//: # Figure 5: accentuation of an image's own class
//: > Images after pullback ascent towards the class that they already have, and what was added. The numbers are the
//: > probability of the class before and after.
//:
//: Pullback ascent towards an image's own class strengthens what the network already used: eyes, wheels, scales. The
//: change is shown under each picture.

import ExperimentKit

Experiment.run("fig5") { experiment in
  if experiment.options.networks == .imagenet { return try experiment.drawPhotographs() }

  //: Forty images, or all photographs there are; as in the paper, the picture is clipped to what can be shown after the
  //: last step only.

  let count = experiment.options.quick ? 4 : 40
  var gallery = Gallery(
    photographs: ImageNetTier.photographs.prefix(count).map(\.name), scenes: SceneSamples.clearScenes(count))
  gallery.count = count
  let subject = try experiment.subject(gallery)
  let network = subject.network
  let ascent = PullbackAscent(.softPullback(), name: "pullback-ascent", clipping: .lastStep)
  let images = try subject.images
  let batch = Tensor(batching: images.map(\.image))
  let targets = images.map(\.target)
  let changes = try ascent.attribute(batch, .classes(targets), of: network, in: experiment.context)

  //: Every image with its accentuation and the difference; the caption has the probability of the class before and
  //: after.

  struct Accentuation: Encodable {
    let image: String
    let name: String
    let before: Double
    let after: Double
    let difference: AttributionNumbers
  }

  let columns = 10
  var numbers: [Accentuation] = []
  var rows: [ImageGrid.Row] = []
  for first in stride(from: 0, to: images.count, by: columns) {
    var (pictures, differences, captions) = ([Picture](), [Picture](), [String]())
    for index in first..<min(first + columns, images.count) {
      let image = images[index]
      let name = subject.className(image.target)
      let change = changes.image(index)
      let after = image.image + change
      let probabilities = try [image.image, after].map { try subject.prediction(of: image.target, in: $0).probability }
      pictures.append(try Picture(after))
      differences.append(try rawPicture(change))
      captions.append(
        "\(name)\n\(decimal(probabilities[0], places: 2)) → \(decimal(probabilities[1], places: 2))")
      numbers.append(
        Accentuation(
          image: image.name, name: name, before: probabilities[0], after: probabilities[1],
          difference: AttributionNumbers(change, mask: image.mask)))
    }
    rows.append(ImageGrid.Row("", pictures))
    rows.append(ImageGrid.Row("", differences, captions: captions))
  }
  let grid = ImageGrid(columns: [], rows)
  try experiment.write(
    Figure(
      grid,
      credit: "\(subject.title), five steps of pullback ascent; below each picture the difference. \(subject.credit)"),
    numbers: numbers, about: [subject])
}
