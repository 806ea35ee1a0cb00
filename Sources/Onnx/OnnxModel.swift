import Execution
import Failures
import Foundation
import Pullbacks

/// A network that was read from an ONNX file, and what became of each of the file's nodes.
///
/// ```swift
/// let network = try Network(onnx: URL(filePath: "model.onnx"))
/// ```
/// The first axis of what comes in is the batch: the file is read as the function of one image, which the network then
/// applies to each image of a batch, also where the file's own nodes mix the batch with other axes. A file whose first
/// axis turns out to be no batch is refused; ``OnnxOptions/Batch/none`` reads it whole.
///
/// Before rules are laid out, layers that the file writes out in primitives become layers: GELU by erf and by tanh,
/// SiLU, HardSwish, Mish, layer and group normalisation, root-mean-square normalisation, and attention. What no pattern
/// takes follows the general rule. Of a product of two values that both depend on the input, the one that ends in a
/// bounded gate (sigmoid, hard sigmoid, tanh, softmax) is routing, and the other carries the cotangent; where both do, a
/// softmax gates a sigmoid, and either gates a tanh; where neither is one, or both are alike, each is held constant in
/// turn for the other, which is the derivative. A bounded function that gates nothing is an activation, and is read by
/// its derivative. Statistics that values are divided by are held constant. Functions that no rule is made for are read
/// by their derivative. ``nodes`` says which node fell under which sentence.
///
/// The nodes of the network have the file's names, and so do tensors that stand alone; the weights of a layer are called
/// `<node>.weight` and `<node>.bias`.
public struct OnnxModel: Sendable {
  /// The network, which is run by the fast executor.
  public let network: Network
  /// The records of the file's nodes, in the order in which they are computed.
  public let nodes: [OnnxNodeRecord]
  /// The assumptions made, in sentences for people.
  public let notes: [String]
  /// The program that wrote the file, as it says.
  public let producer: String
  /// The version of ONNX's operator set.
  public let opset: Int
  /// The file's SHA-256 in hexadecimal; where weights lie in files beside it, that of all their digests in the order of
  /// their names, the model's own first.
  public let sha256: String

  /// Reads a file, and the data beside it.
  ///
  /// - Parameters:
  ///   - url: the URL of the file; data that it keeps outside must lie in its folder.
  ///   - options: the choices for open extents.
  /// - Throws: `PullbackError` that names the file, the node or tensor, what was expected and found, and what to do.
  public init(contentsOf url: URL, options: OnnxOptions = OnnxOptions()) throws {
    try self.init(OnnxFile(contentsOf: url), options: options)
  }

  /// Reads a file that was opened already.
  ///
  /// - Throws: `PullbackError` as ``init(contentsOf:options:)``.
  public init(_ file: OnnxFile, options: OnnxOptions = OnnxOptions()) throws {
    let reading = try Reader(file.file, file.graph, options).read()
    network = reading.network
    nodes = reading.records
    notes = reading.notes
    opset = file.opset
    producer = file.producer
    sha256 = try file.file.sha256()
  }
}

/// A record of how a node of the file was imported.
public struct OnnxNodeRecord: Sendable, Equatable {
  /// The file's name of it.
  public let name: String
  /// Its operator: `Conv`.
  public let op: String
  /// The network's nodes that it became, helpers included; none where its value was known when the file was read.
  public let nodes: [String]
  /// Under which sentence it fell, for people.
  public let reason: String
}

/// Choices for settings that a file leaves open.
public struct OnnxOptions: Sendable {
  /// The batch axis of the inputs.
  public enum Batch: Sendable {
    /// The first.
    case first
    /// None: each input is read whole, as one image, its first axis kept.
    case none
  }

  /// The batch axis of the inputs.
  public var batch: Batch
  /// Extents of open axes by the file's name of them: `["height": 224]`.
  public var extents: [String: Int]
  /// Shapes of inputs by name, batch axis included, in the place of the file's.
  public var shapes: [String: [Int]]
  /// The names of the outputs that are kept, in order; empty for all. Values within the graph may be named as well.
  public var outputs: [String]
  /// Inputs by name that are given pictures: what comes in is `(C, H, W)` in `[-1, 1]`, and the network begins with what
  /// makes the graph's input of it, so that attributions are at the picture.
  public var pictures: [String: OnnxPictures] = [:]
  /// Values of inputs that are known from the start, by name, batch axis included: they are no inputs of the network,
  /// and shapes may depend on them.
  public var held: [String: Tensor]
  /// A batch that will come in, by the names of inputs, if it is known. The first axis of what comes in is taken to be no
  /// batch, and the file is refused, also where the values of these images one by one are not those that the graph gives
  /// them together.
  public var trial: [String: Tensor] = [:]
  /// Whether a softmax or a sigmoid at the very end is left out, so that the outputs are logits, as those of the
  /// architectures are: a probability's own gate is routing, and nothing could be pulled back from it.
  public var endsAtLogits = true
  /// The number of images in a batch of the file itself, if that is fixed and not one.
  var fixedBatch: Int?

  public init(
    batch: Batch = .first, extents: [String: Int] = [:], shapes: [String: [Int]] = [:], outputs: [String] = [],
    held: [String: Tensor] = [:]
  ) {
    self.batch = batch
    self.extents = extents
    self.shapes = shapes
    self.outputs = outputs
    self.held = held
  }
}

/// The preprocessing of pictures `(C, H, W)` in `[-1, 1]` into an input of a graph.
public struct OnnxPictures: Hashable, Sendable {
  /// A mean and a deviation for each channel, of values in `[0, 1]`, in the order in which the graph has the channels.
  public var mean, std: [Double]
  /// Whether the graph's input is `(H, W, C)`.
  public var channelsLast: Bool
  /// Whether the graph's channels are in reverse order, blue first.
  public var reversesChannels: Bool

  public init(mean: [Double], std: [Double], channelsLast: Bool = false, reversesChannels: Bool = false) {
    self.mean = mean
    self.std = std
    self.channelsLast = channelsLast
    self.reversesChannels = reversesChannels
  }
}

extension Network {
  /// The network in an ONNX file; ``OnnxModel`` also tells what became of its nodes.
  ///
  /// - Throws: `PullbackError` as `OnnxModel.init(contentsOf:options:)`.
  public init(onnx url: URL, options: OnnxOptions = OnnxOptions()) throws {
    self = try OnnxModel(contentsOf: url, options: options).network
  }
}
