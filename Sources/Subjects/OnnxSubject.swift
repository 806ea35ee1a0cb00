import Failures
import Faithfulness
import Foundation
import Imaging
import Networks
import Onnx
import Pullbacks

extension Subject {
  /// The network in an ONNX file as a function of one of its inputs, the others held at what they are given.
  ///
  /// An array is the input as it is; a picture is preprocessed, and the network then begins with the normalisation, so
  /// that attributions are at the picture, in `[-1, 1]`. Of an input of integers the explained value is the embedding
  /// that reads it, `(T, D)`: no cotangent reaches an integer.
  ///
  /// - Parameters:
  ///   - path: the path of the file.
  ///   - request: the values for its inputs.
  ///   - choice: the images to show.
  ///   - folder: labelled images of the user's; without them there are none.
  ///   - unreadable: the list in which unreadable images of the folder are noted; nil throws at the first one.
  /// - Returns: the network, and what the explained input is given; nil if nothing was named for it.
  /// - Throws: `PullbackError` that names the file, the node, the input or the output at fault.
  public static func onnx(
    _ path: String, _ request: GraphRequest, showing choice: Tier.Choice = .none, of folder: String? = nil,
    unreadable: UnreadableFiles? = nil
  ) throws -> (subject: Subject, content: InputContent?) {
    let file = try OnnxFile(path: path)
    let given = try GivenInputs(request, to: file)
    // Classifiers of other tools end in labels and probabilities: no cotangent comes from a label.
    let output = request.output ?? (file.outputs.first(where: \.isFloat) ?? file.outputs.first)?.name
    var options = OnnxOptions(outputs: output.map { [$0] } ?? [])
    for (name, shape) in request.shapes {
      try file.check(shape, of: file.input(name))
      options.shapes[name] = shape
    }
    for (name, value) in given.held { options.held[name] = value }
    let preprocessing = try given.prepare(&options, request)
    let model = try given.model(options)
    var (network, content, notes) = (model.network, given.content, model.notes)
    if request.output == nil, let output, file.outputs.count > 1 {
      notes.append(
        "of the outputs \(file.outputs.map(\.name).joined(separator: ", ")), \(output) is explained; --output-name chooses"
      )
    }
    if !given.explained.isFloat {
      let embedded = try EmbeddedInputs(network, given.explained.name, content)
      (network, content) = (embedded.network, embedded.content)
      notes.append(
        "the input \(given.explained.name) holds integers, so attributions are at \(embedded.node), which reads it")
    }
    let name = (PathText.shown(path) as NSString).lastPathComponent
    let classNames = try classNames(network.graph, request.labels, isImage: preprocessing != nil, &notes)
    let subject = try Subject(
      name, name, .onnx(model, path: path), network, preprocessing ?? .release, takesPictures: preprocessing != nil,
      classNames: classNames, notes: notes, credit: folder.map { "Images: \($0)" } ?? ""
    ) { inputs in
      if folder == nil, case .spread = choice.kind {
        throw PullbackError(
          .usage, "images", "no images are known for \(name)", advice: "name a folder of labelled images")
      }
      return try Tier.scenes.samples(choice, folder, inputs, unreadable)
    }
    return (subject, content)
  }

  /// The labels, if they are as many as classes; ImageNet's where there are a thousand of an image.
  private static func classNames(
    _ graph: Graph, _ labels: [String]?, isImage: Bool, _ notes: inout [String]
  ) throws -> [String]? {
    let classes = graph.outputShape.first ?? 1
    if let labels {
      guard labels.count == classes else {
        throw PullbackError(
          .usage, "labels", "there are \(labels.count), and \(graph.name) has outputs of shape \(graph.outputShape)",
          advice: "give one for each class, in the order of the logits")
      }
      return labels
    }
    let imageNet = ImageNetClasses.all.map(\.name)
    guard isImage, graph.outputShape == [imageNet.count] else { return nil }
    notes.append("its 1000 classes are assumed to be ImageNet's")
    return imageNet
  }
}
