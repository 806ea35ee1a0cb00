import Attribution
import Checkpoints
import Failures
import Faithfulness
import Imaging
import Kernels
import Networks
import Onnx
import Pullbacks

/// A network with its preprocessing, and the images that it is shown: what experiments look at, benchmarks score and
/// the command line explains.
///
///     let subject = try Tier.scenes.subject("vgg-scenes", showing: .spread(10))
///     let logits = try subject.network(subject.images[0].image)
public struct Subject: Sendable {
  /// The network's name for people: `EfficientNet-Lite0`.
  public let title: String
  /// The name of the network in records: its architecture's name, or that of its file.
  public let name: String
  private let origin: Origin
  /// The network with its parameters.
  public let network: Network
  /// The preprocessing of pictures into its inputs.
  public let preprocessing: Preprocessing
  /// Whether pictures may be its inputs. An exported graph may be taken as it is, for arrays alone.
  public let takesPictures: Bool
  /// The classes' names in the order of the logits, where they are known.
  public let classNames: [String]?
  /// The assumptions made, in sentences for people.
  public let notes: [String]
  /// The images with their classes. A source makes an image when it is asked for; the first ``keptSamples`` of them
  /// stay in memory.
  public private(set) var samples: any SampleSource
  /// The source of the images, for a figure's credit line.
  public let credit: String

  /// The number of samples that stay in memory: enough for a figure, but not a whole benchmark.
  public static let keptSamples = 64

  /// The source of a network.
  enum Origin {
    case checkpoint(Architecture, Checkpoint)
    case onnx(OnnxModel, path: String)
  }

  /// The architecture of the network, with the images that it was trained on; nil for an exported graph.
  public var architecture: Architecture? { if case .checkpoint(let found, _) = origin { found } else { nil } }
  /// The file that the network's parameters were read from; nil for an exported graph, which has them in itself.
  public var checkpoint: Checkpoint? { if case .checkpoint(_, let found) = origin { found } else { nil } }
  /// The exported graph that the network was read from, with what became of its nodes.
  public var onnx: OnnxModel? { if case .onnx(let model, _) = origin { model } else { nil } }

  /// The file that the network's parameters are from.
  public var path: String {
    switch origin {
    case .checkpoint(_, let checkpoint): checkpoint.path
    case .onnx(_, let path): path
    }
  }

  /// That file's SHA-256, as it was when it was read.
  public var sha256: String {
    get throws {
      switch origin {
      case .checkpoint(_, let checkpoint): try checkpoint.sha256
      case .onnx(let model, _): model.sha256
      }
    }
  }

  /// - Parameters:
  ///   - title: the network's name for people; nil is the architecture's.
  ///   - architecture: the architecture of the network.
  ///   - checkpoint: its parameters.
  ///   - preprocessing: the preprocessing of pictures into its inputs.
  ///   - credit: the source of the images.
  ///   - samples: makes the source of images, for the network's classes and the loader of its pictures.
  /// - Throws: `PullbackError` if the parameters are not the architecture's, or `samples` throws.
  public init(
    _ title: String? = nil, _ architecture: Architecture, _ checkpoint: Checkpoint,
    preprocessing: Preprocessing = .release, credit: String = "",
    samples: (_ inputs: InputDescription) throws -> any SampleSource = { _ in NoSamples() }
  ) throws {
    let architecture = try preprocessing.applied(to: architecture)
    let network = try Network(architecture, checkpoint: checkpoint, resolution: preprocessing.size)
    let isUsual = network.graph.outputShape == [architecture.images.classes]
    try self.init(
      title ?? architecture.name, architecture.name, .checkpoint(architecture, checkpoint), network, preprocessing,
      classNames: isUsual ? architecture.images.classNames : nil, credit: credit, samples: samples)
  }

  /// - Parameters:
  ///   - origin: the source of the network.
  ///   - takesPictures: whether pictures may be its inputs.
  ///   - classNames: in the order of the logits.
  ///   - notes: the assumptions made.
  ///   - samples: makes the source of images.
  init(
    _ title: String, _ name: String, _ origin: Origin, _ network: Network, _ preprocessing: Preprocessing,
    takesPictures: Bool = true, classNames: [String]?, notes: [String] = [], credit: String,
    samples: (_ inputs: InputDescription) throws -> any SampleSource
  ) throws {
    (self.title, self.name, self.origin, self.network) = (title, name, origin, network)
    (self.preprocessing, self.takesPictures, self.classNames) = (preprocessing, takesPictures, classNames)
    (self.notes, self.credit) = (notes, credit)
    let count = network.graph.outputShape.reduce(1, *)
    let classes = ClassList(count: count, names: classNames?.count == count ? classNames : nil)
    let source = try samples(InputDescription(network.graph.inputShape, preprocessing.framing, classes))
    self.samples = KeptSamples(source, limit: Self.keptSamples)
  }

  /// The properties of a network that a source of images needs.
  public struct InputDescription: Sendable {
    /// The shape of one input.
    public let shape: [Int]
    /// The part of pictures that is shown.
    public let framing: ImageLoader.Framing
    /// The classes that label images.
    public let classes: ClassList

    init(_ shape: [Int], _ framing: ImageLoader.Framing, _ classes: ClassList) {
      (self.shape, self.framing, self.classes) = (shape, framing, classes)
    }

    /// - Throws: `PullbackError` if the network takes no pictures.
    func loader() throws -> ImageLoader { try ImageLoader(inputShape: shape, framing: framing) }
  }

  /// The same network with other images.
  public func showing(_ source: any SampleSource) -> Subject {
    var copy = self
    copy.samples = KeptSamples(source, limit: Self.keptSamples)
    return copy
  }

  /// The network's structure.
  public var graph: Graph { network.graph }

  /// The temperatures of the soft rules where none are named, as `MethodSettings.setTemperatures(_:for:)` reads them.
  public var usualTemperature: String {
    Tier.publishedTemperatures.contains(graph.name)
      ? "released" : "relative=\(RelativeTemperatures.recommendedMultiple)"
  }

  /// From a photograph to the network's input.
  ///
  /// - Throws: `PullbackError` if the network takes no pictures.
  public var loader: ImageLoader {
    get throws { try ImageLoader(inputShape: graph.inputShape, framing: preprocessing.framing) }
  }

  /// The values that arrays of its inputs are written in, unless someone says otherwise.
  public var usualRange: ArrayRange { takesPictures ? .signed : .any }

  /// Inputs from what a file turned out to be.
  ///
  /// - Throws: `PullbackError` as ``InputImages/init(_:shape:framing:range:)``, and if they are pictures and the
  ///   network takes none.
  public func inputs(_ content: InputContent, range: ArrayRange? = nil) throws -> InputImages {
    guard takesPictures || content.isArray else {
      throw PullbackError(
        .usage, content.path, "is no array, and \(name) is taken as it is, for arrays",
        advice: "give it an .npy, or say how pictures become its inputs")
    }
    return try InputImages(
      content, shape: graph.inputShape, framing: preprocessing.framing, range: range ?? usualRange)
  }

  /// All samples; each is made once, as long as there are no more than ``keptSamples``.
  ///
  /// - Throws: `PullbackError` if one cannot be made.
  public var images: [Sample] { get throws { try samples.images.indices.map { try samples.sample($0) } } }

  /// The name of class `target`.
  public func className(_ target: Int) -> String {
    classNames.flatMap { $0.indices.contains(target) ? $0[target] : nil } ?? "class \(target)"
  }

  /// A class by its number or its name; nil if `text` is neither. A name that is written as in the list comes first,
  /// then one that differs from it in capitals alone.
  ///
  /// - Throws: `PullbackError` that lists the candidates if several names differ from `text` in capitals alone.
  public func classIndex(_ text: String) throws(PullbackError) -> Int? {
    if let index = Int(text) { return index }
    let names = classNames ?? []
    for isMeant in [{ $0 == text }, { $0.lowercased() == text.lowercased() }] as [(String) -> Bool] {
      let found = names.indices.filter { isMeant(names[$0]) }
      guard found.count < 2 else {
        throw PullbackError(
          .usage, "target \(text)", "may be any of \(found.map { "\(names[$0]) (\($0))" }.joined(separator: ", "))",
          advice: "write it as in the list, or name the number")
      }
      if let index = found.first { return index }
    }
    return nil
  }

  /// The network with the same parameters for square images of another size.
  ///
  /// - Throws: `PullbackError` if the architecture is fixed to one size, or `resolution` is too small for it.
  public func network(resolution: Int) throws -> Network {
    guard let architecture else {
      throw PullbackError(
        .usage, "resolution \(resolution)", "\(name) has the one size that it was read for",
        advice: "read it again for another")
    }
    return try Network(
      architecture.graph(resolution: resolution, classes: graph.outputShape[0], channels: graph.inputShape[0]),
      parameters: network.parameters)
  }

  /// The network's prediction of one image's class.
  public func prediction(of target: Int, in image: Tensor) throws -> Prediction {
    try Prediction.ranking(network(image).scalars).first { $0.target == target }!
  }
}

extension MethodSettings {
  /// These settings for a network of one of the package's architectures: where no layer of the class activation maps is
  /// named, it is the architecture's own.
  ///
  /// - Parameter graph: the graph of the network that is to be explained.
  public func fitting(_ graph: Graph) -> MethodSettings {
    var settings = self
    settings.camLayer = camLayer ?? Architecture.camLayer(in: graph)
    return settings
  }
}

/// The samples of another source, the first ones of which are made once and stay in memory.
struct KeptSamples: SampleSource {
  private let source: any SampleSource
  private let limit: Int
  private let kept = Locked<[Int: Sample]>([:])

  init(_ source: any SampleSource, limit: Int) { (self.source, self.limit) = (source, limit) }

  var images: [RunDescription.Image] { source.images }
  var description: String { source.description }
  var haveMasks: Bool { get throws { try source.haveMasks } }

  func sample(_ index: Int) throws -> Sample {
    if let sample = kept.withLock({ $0[index] }) { return sample }
    let sample = try source.sample(index)
    if index < limit { kept.withLock { $0[index] = sample } }
    return sample
  }
}
