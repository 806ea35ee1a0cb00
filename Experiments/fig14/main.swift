//: # Figure 14: to ONNX and back
//: > Explanations by three networks, and by the same networks written as ONNX files and read back.
//:
//: `pullbacks export` writes a network as an ONNX file: its nodes are ONNX's operators, its weights plain tensors. Read
//: back, the file is a graph like one that another exporter wrote. Are its explanations those of the network?

import ExperimentKit
import Foundation

Experiment.run("fig14") { experiment in

  //: The image is one scene. With `--networks imagenet` it is a photograph of a garbage truck, for EfficientNet-Lite0
  //: to 2 and, at 96 x 96 pixels, for the three networks of the scenes, whose classes include drawn garbage trucks.

  let photograph = "garbagetruck"
  let scene = SceneSamples.clearScenes(3)[2]
  var subjects = try experiment.subjects(Gallery(photographs: [photograph], scenes: [scene]))
  if experiment.options.networks == .imagenet, experiment.options.model == nil {
    subjects += try Tier.scenes.models.map { model in
      let subject = try Tier.scenes.subject(model, showing: .none)
      let file = LabelledFile(
        path: ImageNetTier.path(ofPhotograph: photograph), name: photograph,
        target: try subject.classIndex("garbage truck")!, framing: .objectOnGray)
      return subject.showing(try FileSamples([file], loader: subject.loader))
    }
  }

  //: onnxruntime computes logits from the same files. The script `Tests/Oracles/onnx_export.py` compared them with ours
  //: on five random inputs; the numbers are the largest difference over the largest logit.

  struct Runtime {
    let difference: Double
    static let all: [String: Runtime] = {
      let lines = String(decoding: PackageResources.onnxruntime_csv, as: UTF8.self).split(separator: "\n").dropFirst()
      return Dictionary(
        uniqueKeysWithValues: lines.map { line in
          let fields = line.split(separator: ",")
          return (String(fields[0]), Runtime(difference: Double(fields[1])!))
        })
    }()
  }

  //: The explainers are soft pullback and pullback ascent, with the released temperatures and with relative ones, which
  //: take each channel's spread from the batch norms of the graph.

  let entrants = Entrant.pictured([.softPullback, .pullbackAscent], Preset.paperV6.settings)

  struct Comparison: Encodable {
    let model: String
    /// The size of the file.
    let bytes: Int
    /// Nodes of the file that became layers of the network.
    let layers: Int
    /// The largest difference of the logits, and of each explanation.
    let logits: Double
    let maps: [String: Double]
    /// onnxruntime's largest difference of the logits, over the largest.
    let onnxruntime: Double?
  }

  func largestDifference(_ a: Tensor, _ b: Tensor) -> Double {
    zip(a.scalars, b.scalars).reduce(0) { max($0, Double(abs($1.0 - $1.1))) }
  }

  var numbers: [Comparison] = []
  var rows: [ImageGrid.Row] = []
  let shown = [1, 3]
  for subject in subjects {
    let image = try subject.images[0]
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("fig14-\(UUID().uuidString).onnx")
    defer { try? FileManager.default.removeItem(at: file) }
    let bytes = try subject.network.onnx()
    try bytes.write(to: file)
    let model = try OnnxModel(contentsOf: file)

    let networks = [subject.network, model.network]
    let selector = Selector.classes([image.target])
    let maps = try entrants.map { entrant in
      try networks.map { network in
        try entrant.explainer(for: network).attribute(image.image, selector, of: network, in: experiment.context)
      }
    }
    let logits = try networks.map { try $0(image.image) }
    let differences = maps.map { largestDifference($0[0], $0[1]) }
    numbers.append(
      Comparison(
        model: subject.name, bytes: bytes.count,
        layers: model.nodes.count { $0.nodes.contains($0.name) }, logits: largestDifference(logits[0], logits[1]),
        maps: Dictionary(uniqueKeysWithValues: zip(entrants.map(\.name), differences)),
        onnxruntime: Runtime.all[subject.name]?.difference))
    let pictures = try shown.flatMap { place in try maps[place].map { try experiment.heatMap($0.image(0)) } }
    rows.append(ImageGrid.Row(subject.title, [try Picture(image.image)] + pictures))
  }

  //: Each row has the maps of one network with relative temperatures, and those of the graph that was read back.

  let grid = ImageGrid(
    columns: ["Image"] + shown.flatMap { _ in ["network", "read back"] }, rows,
    groups: [.init("", columns: 1)] + shown.map { .init(entrants[$0].abbreviation, columns: 2) },
    colorBars: [experiment.heatMapKey], width: Looks.Width.rescaled)
  let largest = numbers.flatMap { [$0.logits] + Array($0.maps.values) }.max() ?? .nan
  let difference = largest == 0 ? "0" : String(format: "%.0e", largest)
  let runtime = numbers.compactMap(\.onnxruntime).max().map {
    " onnxruntime's logits of the same files differ from ours by at most \(String(format: "%.0e", $0)) of the largest."
  }
  let credit = """
    Explanations of networks, and of their ONNX files, read back. The largest difference of logits, soft pullbacks and \
    pullback ascents, with released and with relative temperatures, is \(difference).\(runtime ?? "") \
    \(Entrant.picturedMeaning) \(subjects[0].credit)
    """
  try experiment.write(Figure(grid, credit: credit), numbers: numbers, about: subjects)
}
