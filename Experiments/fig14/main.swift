//: # Figure 14: to ONNX and back
//:
//: A network leaves this package as an ONNX file and comes back as a graph that somebody else might have written: its
//: layers are operators of ONNX then, and its weights bare tensors. Do the pullbacks come back too? Each network here is
//: written, read, and explained in both forms.

import ExperimentKit
import Foundation

Experiment.run("fig14") { experiment in

  //: One picture. With `--networks imagenet` it is a photograph, shown to EfficientNet-Lite0 to 2 and, smaller, to the
  //: three networks of the scenes, which know its class, garbage trucks, from drawn scenes alone.

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

  //: onnxruntime computes the same logits from these files. A script of `Tests/Oracles` has measured it on five random
  //: inputs: the largest difference over the largest logit.

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

  //: The explanations are those of figure 11, soft pullbacks and pullback ascent, with the released temperatures and
  //: with relative ones. Of the graph, the relative ones come from the batch norms that it has as operators.

  let entrants = Entrant.pictured([.softPullback, .pullbackAscent], Preset.paperV6.settings)

  struct Comparison: Encodable {
    let model: String
    /// The size of the file.
    let bytes: Int
    /// Nodes of the file that are layers of the network again.
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
    let largest = differences.max() ?? .nan
    rows.append(
      ImageGrid.Row(
        "\(subject.title)\nlargest difference\nof any map: \(largest == 0 ? "0" : String(format: "%.1e", largest))",
        [try Picture(image.image)] + pictures))
  }

  //: A row for each network: the map of the network itself, and that of the graph that was read back.

  let grid = ImageGrid(
    columns: ["Image"] + shown.flatMap { _ in ["itself", "read back"] }, rows,
    groups: [.init("", columns: 1)] + shown.map { .init(entrants[$0].abbreviation, columns: 2) },
    colorBars: [experiment.heatMapKey], width: Looks.Width.rescaled)
  let measured = numbers.compactMap(\.onnxruntime).max().map { largest in
    " onnxruntime's logits of these files differ by \(String(format: "%.0e", largest)) of the largest at most."
  }
  let credit = """
    Maps of networks and of their ONNX files, read back; the largest difference is over all values of soft pullback and \
    pullback ascent with released and relative temperatures.\(measured ?? "") \(Entrant.picturedMeaning) \
    \(subjects[0].credit)
    """
  try experiment.write(Figure(grid, credit: credit), numbers: numbers, about: subjects)
}
