import Checkpoints
import Failures
import Foundation
import Imaging
import Networks
import Pullbacks

/// The preprocessing of pictures into the input of a network: the part that is shown, and the normalisation of values.
///
/// Inputs of networks are in `[-1, 1]`, `2 p / 255 - 1`; the normalisation is the network's first layer, so that
/// attributions are at the picture whatever the normalisation.
public struct Preprocessing: Equatable, Sendable {
  /// One that has a name.
  public enum Named: String, CaseIterable, Sendable {
    /// torchvision's evaluation transform, `Resize(256)`, `CenterCrop(224)` and ImageNet's normalisation, in proportion
    /// where the network's size is another.
    case torchvision = "torchvision-default"
    /// ImageNet's means and deviations.
    case imagenet
    /// `[-1, 1]`: a mean and a deviation of 1/2.
    case signed
    /// `[0, 1]`: no normalisation.
    case unit
    /// The preprocessing of the experiments: square pictures whole, the normalisation of the architecture.
    case release
  }

  /// The part of a picture that is shown.
  public var framing: ImageLoader.Framing
  /// One mean and deviation for each channel, or one for all; nil leaves the architecture's own.
  public var normalisation: Normalisation?
  /// The side of the network's square input; nil leaves the architecture's own.
  public var size: Int?
  /// For exported graphs, the position of the axis of channels; nil finds it by its extent.
  public var layout: Layout?
  /// For exported graphs, whether blue is the first channel. ``normalisation`` is then in that order, too.
  public var reversesChannels = false

  /// The order of an input's axes.
  public enum Layout: String, Sendable {
    case channelsFirst = "NCHW"
    case channelsLast = "NHWC"
  }

  /// A mean and a standard deviation for values in `[0, 1]`.
  public struct Normalisation: Equatable, Sendable {
    public let mean, std: [Double]

    /// - Throws: `PullbackError` unless there are as many means as deviations, and all deviations are positive.
    public init(mean: [Double], std: [Double]) throws(PullbackError) {
      guard mean.count == std.count, !mean.isEmpty, (mean + std).allSatisfy(\.isFinite), std.allSatisfy({ $0 > 0 })
      else {
        throw PullbackError(
          .usage, "normalisation", "expected as many means as positive deviations, found \(mean) and \(std)")
      }
      (self.mean, self.std) = (mean, std)
    }

    static let imagenet = try! Normalisation(mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])
    static let signed = try! Normalisation(mean: [0.5], std: [0.5])
    static let unit = try! Normalisation(mean: [0], std: [1])

    /// The normalisation as the first layer of a network of `channels` channels.
    func layer(channels: Int) throws(PullbackError) -> ChannelAffine {
      let (mean, std) = try each(channels)
      return .normalisation(mean: mean, std: std)
    }

    /// A mean and a deviation for each of `channels` channels.
    func each(_ channels: Int) throws(PullbackError) -> (mean: [Double], std: [Double]) {
      guard mean.count == 1 || mean.count == channels else {
        throw PullbackError(
          .usage, "normalisation", "\(mean.count) means do not fit inputs of \(channels) channels",
          advice: "give one for each, or one for all")
      }
      func repeated(_ values: [Double]) -> [Double] {
        values.count == 1 ? Array(repeating: values[0], count: channels) : values
      }
      return (repeated(mean), repeated(std))
    }

    /// The normalisation in words, for people and records.
    public var inWords: String { "(p / 255 - \(Self.list(mean))) / \(Self.list(std))" }

    private static func list(_ values: [Double]) -> String {
      values.count == 1 ? "\(values[0])" : "(\(values.map { "\($0)" }.joined(separator: ", ")))"
    }
  }

  public init(framing: ImageLoader.Framing, normalisation: Normalisation? = nil, size: Int? = nil) {
    (self.framing, self.normalisation, self.size) = (framing, normalisation, size)
  }

  /// The experiments', and that of the networks which come with the package or are fetched.
  public static let release = Preprocessing(framing: .release)

  /// The default for a user's checkpoint: torchvision's framing and the architecture's own normalisation, which is
  /// ImageNet's for torchvision's architectures. Networks of the scenes were trained on whole pictures.
  public static func standard(for architecture: Architecture) -> Preprocessing {
    SceneNetwork(rawValue: architecture.name) == nil ? Preprocessing(framing: .covering) : .release
  }

  public init(_ name: Named) {
    switch name {
    case .torchvision, .imagenet: self.init(framing: .covering, normalisation: .imagenet)
    case .signed: self.init(framing: .covering, normalisation: .signed)
    case .unit: self.init(framing: .covering, normalisation: .unit)
    case .release: self = .release
    }
  }

  /// One by its name, or as a JSON file describes it: an object with any of `mean` and `std` (lists of one number for
  /// each channel, or one number; both or none), `size` (the shorter side's pixels, or rows and columns), `crop`
  /// (the side of the input), and for exported graphs `layout` (`NCHW` or `NHWC`) and `channels` (`RGB` or `BGR`).
  ///
  /// - Throws: `PullbackError` of kind `usage` if `text` is neither a name nor ends in `.json`, `data` if the file says
  ///   anything else, `noInput` if it cannot be read.
  public init(_ text: String) throws {
    if let name = Named(rawValue: text) {
      self.init(name)
      return
    }
    guard text.lowercased().hasSuffix(".json") else {
      throw PullbackError(
        .usage, "--preprocess \(text)", "is neither a name nor a .json file",
        advice: "the names are \(Named.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    try self.init(json: try InputFile.bytes(of: text, limit: 1 << 20), named: text)
  }

  private struct File: Decodable {
    struct Numbers: Decodable {
      let values: [Double]
      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        values = try (try? container.decode([Double].self)) ?? [container.decode(Double.self)]
      }
    }

    var mean, std, size: Numbers?
    var crop: Int?
    var layout, channels: String?
  }

  private init(json: [UInt8], named path: String) throws {
    let keys = ["mean", "std", "size", "crop", "layout", "channels"]
    guard let object = try? JSONSerialization.jsonObject(with: Data(json)) as? [String: Any] else {
      throw PullbackError(.data, path, "expected a JSON object of \(keys.joined(separator: ", "))")
    }
    if let other = object.keys.sorted().first(where: { !keys.contains($0) }) {
      throw PullbackError(
        .data, path, "\(quoted(other)) is not understood", advice: "there is \(keys.joined(separator: ", "))")
    }
    guard let file = try? JSONDecoder().decode(File.self, from: Data(json)) else {
      throw PullbackError(
        .data, path,
        "expected numbers for mean and std, one or two numbers for size, a whole number for crop, and names for layout "
          + "and channels")
    }
    guard (file.mean == nil) == (file.std == nil) else {
      throw PullbackError(.data, path, "mean and std belong together, and one of them is missing")
    }
    let extents = try (file.size?.values ?? []).map { value in
      guard let extent = Int(exactly: value), (1...65_500).contains(extent) else {
        throw PullbackError(.data, path, "size: expected pixels from 1 to 65500, found \(value)")
      }
      return extent
    }
    guard extents.count <= 2, file.crop.map((1...16_384).contains) ?? true else {
      throw PullbackError(.data, path, "expected a size of one or two numbers, and a crop from 1 to 16384")
    }
    guard file.layout.map({ Layout(rawValue: $0) != nil }) ?? true, ["RGB", "BGR", nil].contains(file.channels) else {
      throw PullbackError(.data, path, "expected NCHW or NHWC as layout, and RGB or BGR as channels")
    }
    let framing: ImageLoader.Framing =
      switch extents.count {
      case 0: .covering
      case 1: .shorterSide(extents[0])
      default: .exactly(height: extents[0], width: extents[1])
      }
    if let mean = file.mean?.values.first(where: { !(0...1).contains($0) }) {
      throw PullbackError(
        .data, path, "mean: expected that of values in [0, 1], found \(mean)",
        advice: mean > 1 ? "divide mean and std of values in [0, 255] by 255" : nil)
    }
    do {
      self.init(
        framing: framing,
        normalisation: try file.mean.map { try Normalisation(mean: $0.values, std: file.std!.values) },
        size: file.crop)
    } catch let error as PullbackError {
      throw PullbackError(.data, path, error.problem)
    }
    layout = file.layout.flatMap(Layout.init)
    reversesChannels = file.channels == "BGR"
  }

  /// The architecture with this normalisation as its first layer.
  func applied(to architecture: Architecture) throws(PullbackError) -> Architecture {
    guard layout ?? .channelsFirst == .channelsFirst, !reversesChannels else {
      throw PullbackError(
        .usage, "preprocessing", "\(architecture.name) takes channels first, red, green and blue",
        advice: "layout and channels are for exported graphs")
    }
    guard let normalisation else { return architecture }
    return architecture.normalising(
      by: try normalisation.layer(channels: architecture.images.normalisation.scale.count))
  }

  /// The preprocessing in words, for people and records: `the middle 7/8 of the picture's shorter side, ...`.
  ///
  /// - Parameter shape: the shape of one input.
  public func inWords(_ shape: [Int]) -> String {
    let extents = shape.dropFirst().map(String.init).joined(separator: " x ")
    return "\(framing.inWords), cropped to \(extents), \(normalisation?.inWords ?? "the architecture's normalisation")"
      + (reversesChannels ? ", blue first" : "")
  }
}
