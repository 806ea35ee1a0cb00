//: # Figure 2: mosaics of four classes
//: > A mosaic of four images, explained for the class of each tile. Under each map is the share of its squared
//: > values that lies in the tile of the class; a quarter would be chance.
//:
//: One picture, four objects. Asked for each of the four classes in turn, an explanation of the class must
//: move to the class's tile; an explanation that only follows edges stays where the edges are.

import ExperimentKit

Experiment.run("fig2") { experiment in

  //: The four images are laid side by side and explained as one of twice the size.

  let subjects = try experiment.subjects(Gallery(photographs: ["zebra", "tucan", "firetruck", "binoculars"]))
  let methods: [Method] = [.softPullback, .gradient]
  var rows: [ImageGrid.Row] = []
  var numbers: [TileNumbers] = []
  for subject in subjects {
    let images = try subject.images
    let mosaic = Tensor(mosaic: images.map(\.image))
    let network = try subject.network(resolution: mosaic.shape[2])
    let settings = MethodSettings().fitting(network.graph)
    let explainers = try methods.map { try $0.explainer(settings, for: network.graph) }
    let maps = try explainers.attributeAll(mosaic, images.map { .classes([$0.target]) }, of: network)
    for (method, maps) in zip(methods, maps) {
      var cells = [try Picture(mosaic)]
      var captions = [""]
      for (tile, image) in images.enumerated() {
        let map = maps[tile]

        //: Under each map, the share of its sum of squares that lies in the right tile: a quarter by
        //: chance.

        let share = map.shareOfSquares(inTile: tile)
        cells.append(try experiment.heatMap(map))
        captions.append("\(Int((100 * share).rounded())) %")
        numbers.append(
          TileNumbers(
            network: subject.title, method: method.rawValue, target: image.target,
            name: subject.className(image.target), tile: tile, energyInTile: share, attribution: AttributionNumbers(map)
          ))
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
    columns: try ["Image"] + subjects[0].images.map { subjects[0].className($0.target) }, rows,
    colorBars: [experiment.heatMapKey], width: Looks.Width.classes)
  try experiment.write(
    Figure(grid, credit: "Under each map: the share of its squares in the tile of the class. " + subjects[0].credit),
    numbers: numbers, about: subjects)
}
