import Checkpoints
import Failures
import Faithfulness
import Foundation
import Imaging
import Networks

/// Networks and images that belong together.
public enum Tier: String, CaseIterable, Sendable {
  /// The networks and the scenes that come with the package; nothing is fetched.
  case scenes
  /// EfficientNet-Lite0 to 2 and photographs of single objects, all fetched.
  case imagenet
  /// The paper's networks, whose weights are fetched, and images of the user's.
  case paper

  /// The names of the networks that are scored, the one first that a figure of a single network shows.
  public var models: [String] {
    switch self {
    case .scenes: SceneNetwork.allCases.map(\.rawValue)
    case .imagenet: ImageNetTier.Model.allCases.map(\.rawValue)
    case .paper: PaperTier.Model.scored.map(\.rawValue)
    }
  }

  /// The names of the networks that figures of images show: the scored ones first, then those that are only shown.
  public var pictured: [String] { self == .paper ? PaperTier.Model.allCases.map(\.rawValue) : models }

  /// The networks that fixed temperatures were published for: the paper's, and those of the scenes that stand in for
  /// them.
  public static let publishedTemperatures = paper.pictured + scenes.models

  /// The folder of its fetched files.
  public var folder: String { "\(FetchedFiles.folder)/\(rawValue)" }

  /// The name of one of the networks for people: `EfficientNet-Lite0`; the architecture's name if it belongs to no
  /// tier.
  public static func title(of model: String) -> String {
    if let network = SceneNetwork(rawValue: model) { return network.title }
    if let network = PaperTier.Model(rawValue: model) { return network.title }
    return ImageNetTier.Model(rawValue: model)?.title ?? model
  }

  /// The parameters of one of its networks.
  ///
  /// - Throws: `PullbackError` of kind `unavailable` if they have not been fetched, `usage` if there is no such
  ///   network.
  public func checkpoint(of model: String) throws -> Checkpoint {
    guard models.contains(model) else {
      throw PullbackError(
        .usage, "model \(model)", "is none of the networks of the tier \(rawValue)",
        advice: "they are \(models.joined(separator: ", "))")
    }
    switch self {
    case .scenes: return try SceneNetwork(rawValue: model)!.checkpoint()
    case .imagenet: return try FetchedFiles.checkpoint(ImageNetTier.Model(rawValue: model)!.checkpointPath)
    case .paper: return try FetchedFiles.checkpoint(PaperTier.Model(rawValue: model)!.checkpointPath)
    }
  }

  /// The SHA-256 of the parameters that one of its networks has now; nil where there are none.
  public func checkpointSHA256(of model: String) -> String? {
    ImageNetTier.Model(rawValue: model)?.checkpointSHA256 ?? (try? checkpoint(of: model).sha256)
  }

  /// The images of a tier that a network is shown. Those of scenes are drawn by `Galleries`, which is above this library:
  /// who explains networks draws nothing.
  public struct Choice: Sendable {
    public enum Kind: Sendable {
      /// None: they come from elsewhere.
      case none
      /// The few that an experiment shows: photographs by their names, or as many files of the user's.
      case shown(photographs: [String], count: Int)
      /// This many, spread evenly over all images; nil is all of them, or 100 scenes. Of photographs the cut-out ones,
      /// which have masks.
      case spread(Int?)
      /// The same of ``Tier/scenes``; of photographs all in context, after as many cut-out ones, spread evenly, as make
      /// this many; nil is all.
      case mixed(Int?)
    }

    let kind: Kind
    /// The scenes' source, for a figure's credit line.
    let sceneCredit: String
    /// Draws the scenes, so many pixels a side.
    let scenes: @Sendable (_ size: Int) -> any SampleSource

    /// - Parameters:
    ///   - kind: the images of every tier.
    ///   - sceneCredit: the scenes' source, for a figure's credit line.
    ///   - scenes: draws the scenes of the choice, so many pixels a side.
    public init(_ kind: Kind, sceneCredit: String = "", scenes: @escaping @Sendable (_ size: Int) -> any SampleSource) {
      (self.kind, self.sceneCredit, self.scenes) = (kind, sceneCredit, scenes)
    }

    /// None: they come from elsewhere.
    public static let none = Choice(.none) { _ in NoSamples() }
  }

  /// One of its networks with its images.
  ///
  /// - Parameters:
  ///   - model: the network's name.
  ///   - choice: the images to show.
  ///   - folder: labelled images of the user's, in place of the tier's own, laid out as ``LabelledFile/inFolder(_:)``
  ///     wants it.
  ///   - preprocessing: the preprocessing of pictures into inputs.
  ///   - unreadable: the list in which unreadable images of the folder are noted; nil throws at the first one.
  /// - Throws: `PullbackError` of kind `unavailable` if something has not been fetched; others if a file cannot be
  ///   read, or the paper's networks are given no folder.
  public func subject(
    _ model: String, showing choice: Choice, of folder: String? = nil, preprocessing: Preprocessing = .release,
    unreadable: UnreadableFiles? = nil
  ) throws -> Subject {
    try check(choice, folder)
    return try Subject(
      Tier.title(of: model), .named(model), checkpoint(of: model), preprocessing: preprocessing,
      credit: credit(choice, folder)
    ) { try samples(choice, folder, $0, unreadable) }
  }

  private func check(_ choice: Choice, _ folder: String?) throws {
    if case .none = choice.kind { return }
    guard self != .paper || folder != nil else {
      throw PullbackError(
        .usage, "images", "the paper's networks need images",
        advice: "name a folder of ImageNet or Imagenette validation images")
    }
  }

  /// The images of the tier, or of the user's folder.
  func samples(
    _ choice: Choice, _ folder: String?, _ inputs: Subject.InputDescription, _ unreadable: UnreadableFiles?
  ) throws -> any SampleSource {
    if case .none = choice.kind { return NoSamples() }
    let loader = try inputs.loader()
    if let folder {
      let files = try LabelledFile.inFolder(folder, of: inputs.classes)
      let chosen = try choice.files(of: files, folder) { _, count in files.ofDifferentClasses(count) }
      return try FileSamples(chosen, loader: loader, unreadable: unreadable)
    }
    switch self {
    case .scenes:
      guard loader.height == loader.width, loader.channels == .rgb else {
        throw PullbackError(.usage, "scenes", "are square and in colour, expected inputs of shape \(inputs.shape)")
      }
      return choice.scenes(loader.height)
    case .imagenet:
      let (cutOuts, contexts) = (ImageNetTier.photographs, ImageNetTier.contexts)
      let chosen: [LabelledFile]
      if case .mixed(let count) = choice.kind {
        let others = count.map { max(0, $0 - contexts.count) }
        chosen = try cutOuts.spread(others, of: "the cut-out photographs") + contexts.prefix(count ?? contexts.count)
      } else {
        chosen = try choice.files(of: cutOuts, "the photographs") { names, _ in
          try names.map { name in
            guard let file = (contexts + cutOuts).first(where: { $0.name == name }) else {
              throw PullbackError(.usage, "photograph \(name)", "is not one of the photographs of the tier")
            }
            return file
          }
        }
      }
      for file in chosen { try FetchedFiles.check(file.path) }
      return try FileSamples(chosen, loader: loader)
    case .paper: return NoSamples()
    }
  }

  /// The source of the chosen images, for a credit line.
  private func credit(_ choice: Choice, _ folder: String?) -> String {
    if let folder { return "Images: \(folder)" }
    switch (self, choice.kind) {
    case (.scenes, _): return choice.sceneCredit
    case (.imagenet, .shown(let names, _)): return "Photographs: \(ImageNetTier.credit(of: names))."
    default: return ""
    }
  }
}

extension Tier.Choice {
  /// The files of the choice; `shown` picks those that an experiment shows.
  fileprivate func files(
    of files: [LabelledFile], _ source: String, shown: (_ photographs: [String], _ count: Int) throws -> [LabelledFile]
  ) throws -> [LabelledFile] {
    switch kind {
    case .none: []
    case .shown(let photographs, let count): try shown(photographs, count)
    case .spread(let count), .mixed(let count): try files.spread(count, of: source)
    }
  }
}

extension Subject {
  /// The network that a user names, with images.
  ///
  /// - Parameters:
  ///   - model: an architecture; nil is the one that the checkpoint is recognised as, or EfficientNet-Lite0.
  ///   - path: its parameters; nil takes the file that comes with the package or was fetched.
  ///   - key: the network to read, if the file holds several: the key of its state dict, or a common prefix of its
  ///     tensors' names.
  ///   - patterns: tensors of the file that the network need not use.
  ///   - choice: the images to show.
  ///   - folder: labelled images of the user's; nil is the images of the architecture's tier.
  ///   - preprocessing: the preprocessing of pictures into inputs; nil is ``Preprocessing/standard(for:)`` for a
  ///     checkpoint of the user's, and the release's for others.
  ///   - unreadable: the list in which unreadable images of the folder are noted; nil throws at the first one.
  /// - Throws: `PullbackError` of kind `unavailable` if EfficientNet-Lite0 has not been fetched, `usage` if there are
  ///   no parameters or no images for the architecture, others if a file cannot be read.
  public init(
    model: String? = nil, checkpoint path: String? = nil, named key: String? = nil,
    allowingLeftOver patterns: [String] = [], showing choice: Tier.Choice = .none, of folder: String? = nil,
    preprocessing: Preprocessing? = nil, unreadable: UnreadableFiles? = nil
  ) throws {
    guard let path else {
      let model = model ?? ImageNetTier.architecture
      guard let tier = [Tier.scenes, .imagenet].first(where: { $0.models.contains(model) }) else {
        _ = try Architecture.named(model)
        throw PullbackError(.usage, "model \(model)", "no parameters come with the package or are fetched for it")
      }
      self = try tier.subject(
        model, showing: choice, of: folder, preprocessing: preprocessing ?? .release, unreadable: unreadable)
      return
    }
    if model == nil { Recognition.prepare() }
    let file = try Checkpoint(contentsOf: path, named: key, allowingLeftOver: patterns)
    let architecture = try model.map { try Architecture.named($0) } ?? .infer(from: file)
    try self.init(
      architecture.name, architecture, file, preprocessing: preprocessing ?? .standard(for: architecture),
      credit: folder.map { "Images: \($0)" } ?? ""
    ) { inputs in
      if folder == nil, case .spread = choice.kind, SceneNetwork(rawValue: architecture.name) == nil {
        throw PullbackError(
          .usage, "images", "no images are known for \(architecture.name)", advice: "name a folder of labelled images")
      }
      return try Tier.scenes.samples(choice, folder, inputs, unreadable)
    }
  }
}
