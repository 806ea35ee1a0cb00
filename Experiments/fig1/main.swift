//: # Figure 1: three explanations of the same images
//: > The gradient, the soft pullback (SfP) and pullback ascent (PA) for the class of each image, on three networks.
//: > Red speaks for the class, blue against it.
//:
//: Which parts of the image speak for its class? The **gradient** says which pixels would change the class's logit if
//: they were changed a little; it looks like noise. The **soft pullback** sends the class's logit back through the
//: network like a gradient, but with softened gates. Five steps along it, **pullback ascent**, draw what it found into
//: the image.

import ExperimentKit

Experiment.run("fig1") { experiment in
  if experiment.options.networks == .imagenet { return try experiment.drawPhotographs() }

  //: Every network of the tier explains the same images.

  let subjects = try experiment.subjects(Gallery(photographs: ["zebra", "tucan", "firetruck"]))
  let methods: [Method] = [.gradient, .softPullback, .pullbackAscent]
  let explained = try subjects.map { try $0.explained(by: methods, in: experiment.context) }

  //: A row is an image, a group of columns a network.

  let rows = explained[0].indices.map { index in explained.map { $0[index] } }
  let grid = ImageGrid(
    columns: ["Image"] + subjects.flatMap { _ in methods.map(\.abbreviation) },
    try rows.map { views in
      let maps = try views.flatMap { try $0.attributions.map { try experiment.heatMap($0.map) } }
      return ImageGrid.Row(
        "", [try Picture(views[0].image.image)] + maps, captions: [views[0].className] + maps.map { _ in "" })
    },
    groups: [.init("", columns: 1)] + subjects.map { .init($0.title, columns: methods.count) },
    colorBars: [experiment.heatMapKey], width: Looks.Width.networks, gap: Looks.tightGap)
  try experiment.write(
    Figure(grid, credit: subjects[0].credit), numbers: explained.map { $0.map(\.numbers) }, about: subjects)
}
