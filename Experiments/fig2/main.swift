//: # Figure 2: each class finds its tile
//:
//: One picture, four objects. Asked for each of the four classes in turn, an explanation that speaks of the class must
//: move to the class's tile; one that speaks of edges stays where the edges are.

import ExperimentKit

Experiment.run("fig2") { experiment in

  //: The four images are laid side by side and explained as one of twice the size.

  let subjects = try experiment.subjects(Gallery(photographs: ["zebra", "tucan", "firetruck", "binoculars"]))
  let methods: [Method] = [.softPullback, .gradient]
  var rows: [ImageGrid.Row] = []
  var numbers: [TileNumbers] = []
  for subject in subjects {
    let mosaic = Tensor(mosaic: subject.images.map(\.image))
    let network = try subject.network(resolution: mosaic.shape[2])
    let explainers = try methods.map { try $0.explainer(for: network.graph) }
    let maps = try explainers.attributeAll(mosaic, subject.images.map { .classes([$0.target]) }, of: network)
    for (method, maps) in zip(methods, maps) {
      var cells = [try Picture(mosaic)]
      var captions = [""]
      for (tile, image) in subject.images.enumerated() {
        let map = maps[tile]

        //: Under each map, the share of its energy, the sum of squares, that lies in the right tile: a quarter by
        //: chance.

        let share = energy(of: map, inTile: tile)
        cells.append(try experiment.heatMap(map))
        captions.append("\(Int((100 * share).rounded())) %")
        numbers.append(
          TileNumbers(
            network: subject.title, method: method.rawValue, target: image.target, name: image.className, tile: tile,
            energyInTile: share, attribution: AttributionNumbers(map)))
      }
      rows.append(ImageGrid.Row("\(method.abbreviation)\n\(subject.title)", cells, captions: captions))
    }
  }

  struct TileNumbers: Encodable {
    let network: String
    let method: String
    let target: Int
    let name: String
    let tile: Int
    let energyInTile: Double
    let attribution: AttributionNumbers
  }

  let grid = ImageGrid(
    columns: ["Image"] + subjects[0].images.map(\.className), rows, colorBars: [experiment.heatMapKey], width: 420)
  try experiment.write(
    Figure(grid, credit: "Under each map: the share of its squares in the tile of the class. " + subjects[0].credit),
    numbers: numbers, about: subjects)
}
