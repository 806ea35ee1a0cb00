import Pullbacks

/// A network architecture by name: how to build its graph, and the inputs it was trained on.
public struct Architecture: Sendable {
  typealias Builder =
    @Sendable (_ name: String, _ resolution: Int, _ normalisation: ChannelAffine, _ classes: Int)
    throws(PullbackError) -> Graph

  /// The images that networks of the architecture are trained on by default.
  public struct TrainingImages: Sendable {
    /// The side of the square images.
    public let resolution: Int
    /// The names of the classes, in the order of the logits.
    public let classNames: [String]
    /// The normalisation of images in `[-1, 1]`; the first layer of the graph.
    public let normalisation: ChannelAffine

    /// ImageNet-1k, cropped to 224 x 224.
    public static let imageNet = Self(
      resolution: 224, classNames: ImageNetClasses.all.map(\.name), normalisation: .imageNet)
    /// The procedural image set of this package, of Imagenette's ten classes.
    public static let scenes = Self(
      resolution: 96, classNames: ImageNetClasses.imagenette.map(\.name), normalisation: .scenes)

    /// The number of classes.
    public var classes: Int { classNames.count }
  }

  /// Its name, torchvision's or timm's own.
  public let name: String
  /// The images that its networks are trained on.
  public private(set) var images: TrainingImages
  /// The layers whose maps Grad-CAM weighs, the first of them that a graph has: the release's choices, empty where it
  /// made none.
  let camLayers: [String]
  /// The name that older checkpoints use for a parameter of the graph.
  let formerName: @Sendable (String) -> String
  /// The name that timm uses for a parameter of the graph, where the graph's names are torchvision's.
  let timmName: @Sendable (String) -> String
  private let build: Builder

  init(
    _ name: String, trainedOn images: TrainingImages = .imageNet, camLayers: [String] = [],
    formerName: @escaping @Sendable (String) -> String = { $0 },
    timmName: @escaping @Sendable (String) -> String = { $0 }, build: @escaping Builder
  ) {
    self.name = name
    self.images = images
    self.camLayers = camLayers
    self.formerName = formerName
    self.timmName = timmName
    self.build = build
  }

  /// The graph for square images of `resolution` pixels and `classes` classes; nil is as in ``images``. Images of
  /// other than three channels are normalised as ``ChannelAffine/fitted(to:)`` says.
  ///
  /// - Throws: `PullbackError` if the resolution is too small for the architecture, or is not the one it is fixed to.
  public func graph(
    resolution: Int? = nil, classes: Int? = nil, channels: Int = 3
  ) throws(PullbackError) -> Graph {
    let resolution = resolution ?? images.resolution
    let classes = classes ?? images.classes
    // Far beyond any use, and far from where the sizes of activations overflow.
    let limit = 1 << 14
    guard (1...limit).contains(resolution) else {
      throw PullbackError(.usage, "resolution \(resolution)", "expected a number of pixels from 1 to \(limit)")
    }
    guard classes > 0 else { throw PullbackError(.usage, "\(classes) classes", "a classifier has at least one") }
    guard (1...64).contains(channels) else {
      throw PullbackError(.usage, "\(channels) channels", "expected a number from 1 to 64")
    }
    return try build(name, resolution, images.normalisation.fitted(to: channels), classes)
  }

  /// The same with another first layer, for networks that were trained on inputs normalised in another way.
  public func normalising(by normalisation: ChannelAffine) -> Architecture {
    var copy = self
    copy.images = TrainingImages(
      resolution: images.resolution, classNames: images.classNames, normalisation: normalisation)
    return copy
  }

  /// The architecture called `name`.
  ///
  /// - Throws: `PullbackError` that lists the names there are.
  public static func named(_ name: String) throws(PullbackError) -> Architecture {
    if let found = all.first(where: { $0.name == name }) { return found }
    throw PullbackError(.usage, "model \(name)", "there is no such architecture", advice: "there are \(allNames)")
  }

  /// The layer whose maps Grad-CAM weighs in `graph`, the last one with maps of places; nil where `graph` is of none of
  /// the architectures, or of one without such a choice, as a pyramid of transformers.
  public static func camLayer(in graph: Graph) -> String? {
    all.first { $0.name == graph.name }?.camLayers.first { graph.index(of: $0) != nil }
  }

  /// The last maps of places in a graph, before they are pooled or flattened: the layer at which Grad-CAM is defined by
  /// its authors, behind the last activation and the last shortcut. Nil for
  /// transformers.
  ///
  /// Source: Selvaraju et al. 2017, arXiv 1610.02391, section 3: the feature maps of the last convolutional layer.
  public static func lastMaps(in graph: Graph) -> String? {
    guard !graph.nodes.contains(where: { $0.operation is ScaledDotProductAttention }) else { return nil }
    var index = graph.output
    while let input = graph.nodes[index].inputs.first {
      let node = graph.nodes[input]
      if node.shape.count == 3, node.shape[1] * node.shape[2] > 1 { return node.name }
      index = input
    }
    return nil
  }

  /// Every architecture. Of several with the same tensors, the first is the one that a checkpoint is taken for.
  public static let all: [Architecture] = [
    ResNet.all.map(\.architecture), VGG.allCases.map(\.architecture),
    PyramidVisionTransformer.allCases.map(\.architecture), DenseNet.allCases.map(\.architecture),
    ConvNeXt.allCases.map(\.architecture), VisionTransformer.all.map(\.architecture),
    EfficientNetLite.allCases.map(\.architecture), InvertedResidualNetwork.all.map(\.architecture),
    RegNet.all.map(\.architecture), ResNet.antialiased.map(\.architecture),
  ].flatMap { $0 }

  /// The first of each table, for messages that need not list the relatives.
  static let families =
    "resnet18, vgg11, pvt_v2_b0, densenet121, convnext_tiny, vit_b_16, efficientnet-lite0, efficientnet_b0, "
    + "mobilenet_v2, regnet_y_400mf and their relatives"

  static var allNames: String { all.map(\.name).joined(separator: ", ") }
}

extension ChannelAffine {
  /// ImageNet's normalisation: `((x + 1) / 2 - mean) / std` with the data set's channel means and deviations.
  public static let imageNet = ChannelAffine.normalisation(mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])

  /// The normalisation for images of another number of channels: of three, as it is; of four, with the mean over the
  /// colours for the fourth; of others, with that mean for all.
  public func fitted(to channels: Int) -> ChannelAffine {
    guard channels != scale.count, !scale.isEmpty else { return self }
    // In terms of means and deviations, which is what is averaged: a scale is 1 / (2 std), a shift (1/2 - mean) / std.
    let std = scale.map { 0.5 / Double($0) }
    let mean = zip(std, shift).map { 0.5 - Double($1) * $0 }
    func average(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    let kept = channels == scale.count + 1 ? scale.count : 0
    let others = channels - kept
    let all = ChannelAffine.normalisation(
      mean: Array(mean[..<kept]) + Array(repeating: average(mean), count: others),
      std: Array(std[..<kept]) + Array(repeating: average(std), count: others))
    return ChannelAffine(
      scale: Array(scale[..<kept]) + Array(all.scale[kept...]),
      shift: Array(shift[..<kept]) + Array(all.shift[kept...]))
  }

  /// `(p - 1/2) / (1/2)` of values p in `[0, 1]`, Inception's: the images as they are in `[-1, 1]`.
  public static let halves = ChannelAffine.normalisation(mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5])

  /// The normalisation of scenes, whose channels have a mean of about 1/2 and a deviation of about 1/4, if white less
  /// black is 1.
  public static let scenes = ChannelAffine.normalisation(mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25])

  /// `(p - 127) / 128` of 8-bit values p, the normalisation of EfficientNet-Lite: with `p = 255 (x + 1) / 2`, it is
  /// `(127.5 x + 0.5) / 128`.
  public static let efficientNetLite = ChannelAffine(
    scale: [Float](repeating: 127.5 / 128, count: 3), shift: [Float](repeating: 0.5 / 128, count: 3))
}

/// The 1,000 classes of ImageNet-1k, in the order of the logits.
public enum ImageNetClasses {
  /// One of the classes.
  public struct Class: Sendable, Equatable {
    /// Its place among the logits.
    public let index: Int
    /// The WordNet id that names the class's folder in ImageNet: `n02391049`.
    public let wordNetID: String
    /// `zebra`
    public let name: String
  }

  /// Imagenette's ten, in the order of its labels.
  public static let imagenette = [0, 217, 482, 491, 497, 566, 569, 571, 574, 701].map { all[$0] }

  /// The class whose folder in ImageNet is called `id`; nil if there is none.
  public static func named(wordNetID id: String) -> Class? { byWordNetID[id] }

  private static let byWordNetID = Dictionary(uniqueKeysWithValues: all.map { ($0.wordNetID, $0) })

  /// The classes in the order of the logits.
  public static let all: [Class] = {
    let text = String(decoding: PackageResources.imagenet_classes_csv, as: UTF8.self)
    return text.split(separator: "\n").dropFirst().map { line in
      let fields = line.split(separator: ",")
      return Class(index: Int(fields[0])!, wordNetID: String(fields[1]), name: String(fields[2]))
    }
  }()
}
