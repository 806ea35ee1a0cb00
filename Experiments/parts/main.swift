//: # Parts: attribution on the parts that decide the class
//: ## vgg: the VGG
//: ## resnet: the ResNet
//:
//: Of a scene we know which pixels show the object, and which of its parts make it what it is: without its dimples a
//: golf ball is a plain ball, without spire and cross a church is a barn. An explanation of the class should lie there.

import ExperimentKit
import Scenes

Experiment.run("parts") { experiment in

  //: The scenes shown are easy to read, one of each class. The counterfactual is pullback ascent towards another class,
  //: clipped to valid colours in every step.

  let shown = Gallery(photographs: [], scenes: SceneSamples.clearScenes(experiment.options.quick ? 2 : 10))
  let subjects = try experiment.subjects(shown)
  let methods: [Method] = [.gradient, .softPullback, .pullbackAscent]
  var counterfactual = MethodSettings()
  counterfactual.clipping = .everyStep

  for subject in subjects {
    let rows = try subject.explained(by: methods, in: experiment.context).map { view in
      let other = (view.image.target + 4) % 10
      let ascent = try Method.pullbackAscent.explainer(counterfactual, for: subject.network.graph)
      let change = try ascent.attribute(
        view.image.image, .classes([other]), of: subject.network, in: experiment.context)
      return ImageGrid.Row(
        view.title,
        [try Picture(view.image.image)] + (try view.attributions.map { try experiment.heatMap($0.map) })
          + (try view.attributions.map { try rawPicture($0.map) })
          + [try Picture(view.image.image + change), try experiment.heatMap(change)],
        captions: [String](repeating: "", count: 7) + ["→ \(subject.className(other))", ""])
    }
    let names = methods.map(\.abbreviation)
    let grid = ImageGrid(
      columns: ["Image"] + names + names + ["Image", "change"], rows,
      groups: [
        .init("", columns: 1), .init("Heat map", columns: 3), .init("Raw colour", columns: 3),
        .init("Counterfactual", columns: 2),
      ], colorBars: [experiment.heatMapKey])

    //: The numbers are over a thousand scenes: the share of an attribution's positive part inside the object, and
    //: inside its diagnostic parts, for the scene's own class. Chance is the share of the frame that they cover.

    let count = experiment.options.quick ? 20 : 1000
    let shares = try Shares(of: subject, methods: [.gradient, .softPullback], scenes: 0..<count)
    // A figure of its own for each network, unless the command line asks for one of them.
    let part = experiment.options.model == nil ? subject.name.replacing("-scenes", with: "") : nil
    try experiment.write(
      Figure(grid, title: subject.title, credit: subject.credit), part: part, numbers: shares, about: [subject])
    print(shares.summary)
  }
}
