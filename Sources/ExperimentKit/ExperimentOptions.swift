import ArgumentParser
import Imaging
import Networks

/// The networks and images that an experiment is run on.
public enum Tier: String, CaseIterable, ExpressibleByArgument, Sendable {
  /// The networks and the scenes that come with the package; nothing is fetched.
  case scenes
  /// EfficientNet-Lite0 and photographs of single objects; `make imagenet` fetches both.
  case imagenet
  /// The paper's networks, which `make paper-weights` fetches, and images of the user's.
  case paper

  /// The names of its networks, the one first that a figure of a single network shows.
  public var models: [String] {
    switch self {
    case .scenes: SceneNetwork.allCases.map(\.rawValue)
    case .imagenet: [ImageNetTier.architecture]
    case .paper: PaperTier.Model.allCases.map(\.rawValue)
    }
  }
}

/// A format of figures.
public enum FigureFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
  case png, pdf, svg
}

/// What every experiment can be told on the command line.
public struct ExperimentOptions: ParsableArguments {
  @Option(help: "The networks and images: scenes, imagenet, or paper with --images.")
  public var networks: Tier = .scenes

  @Option(help: "Only this one of the tier's networks: \(Tier.allCases.flatMap(\.models).joined(separator: ", ")).")
  public var model: String?

  @Option(
    help: ArgumentHelp(
      "With --networks paper: images in folders named by WordNet id, or beside a labels.csv.", valueName: "folder"))
  public var images: String?

  @Option(help: "The seed of everything random.")
  public var seed: UInt64 = 314

  @Flag(help: "Fewer images, draws and steps: to see in a moment that everything works, not to be printed.")
  public var quick = false

  @Option(help: ArgumentHelp("The folder for the figure and its numbers.", valueName: "folder"))
  public var output = "Figures"

  @Option(name: .long, parsing: .upToNextOption, help: "The formats of the figure: png, pdf, svg.")
  public var format: [FigureFormat] = [.png, .pdf]

  @Option(help: ArgumentHelp("The colours of heat maps, where there are some.", valueName: "map"))
  public var colorMap: ColorMap = .seismic

  public init() {}
}
