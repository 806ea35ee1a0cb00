import Pullbacks

/// A network architecture by name: how to build its graph, and the inputs it was trained on.
public struct Architecture: Sendable {
  /// The name `--model` takes, torchvision's or timm's own.
  public let name: String
  /// The side of the square images that it was trained on.
  public let resolution: Int
  /// How images in `[-1, 1]` are normalised; the first layer of the graph.
  public let normalisation: ChannelAffine
  private let build: @Sendable (_ name: String, _ resolution: Int, _ normalisation: ChannelAffine, _ classes: Int)
    throws(PullbackError) -> Graph

  init(
    _ name: String, resolution: Int = 224, normalisation: ChannelAffine = .imageNet,
    build: @escaping @Sendable (String, Int, ChannelAffine, Int) throws(PullbackError) -> Graph
  ) {
    self.name = name
    self.resolution = resolution
    self.normalisation = normalisation
    self.build = build
  }

  /// The graph for square images of `resolution` pixels and `classes` classes.
  ///
  /// - Throws: ``PullbackError`` if the resolution is too small for the architecture.
  public func graph(resolution: Int? = nil, classes: Int = 1000) throws(PullbackError) -> Graph {
    try build(name, resolution ?? self.resolution, normalisation, classes)
  }

  /// The architecture called `name`.
  ///
  /// - Throws: ``PullbackError`` that lists the names there are.
  public static func named(_ name: String) throws(PullbackError) -> Architecture {
    if let found = all.first(where: { $0.name == name }) { return found }
    throw PullbackError(
      .usage, "model \(name)", "there is no such architecture", advice: "there are \(all.map(\.name).joined(separator: ", "))")
  }

  /// Every architecture.
  public static let all: [Architecture] = EfficientNetLite.allCases.map(\.architecture)
}

extension ChannelAffine {
  /// ImageNet's normalisation: `((x + 1) / 2 - mean) / std` with the data set's channel means and deviations.
  public static let imageNet = ChannelAffine.normalisation(mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])

  /// `(p - 127) / 128` of 8-bit values p, the normalisation of EfficientNet-Lite: with `p = 255 (x + 1) / 2`, it is
  /// `(127.5 x + 0.5) / 128`.
  public static let efficientNetLite = ChannelAffine(
    scale: [Float](repeating: 127.5 / 128, count: 3), shift: [Float](repeating: 0.5 / 128, count: 3))
}
