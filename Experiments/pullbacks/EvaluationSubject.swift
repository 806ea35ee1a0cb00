import ArgumentParser
import ExperimentKit
import Files

/// Which network is explained on which images.
struct EvaluationSubject: ParsableArguments {
  @Option(
    help: """
      Networks and images that belong together: \(Tier.allCases.map(\.rawValue).joined(separator: ", ")). \
      All of its networks, each in a folder of its own, unless --model names one.
      """)
  var networks: Tier?

  @OptionGroup var model: ModelOptions

  @Option(
    help: ArgumentHelp(
      "Labelled images: folders named by WordNet id, or files beside a labels.csv with the columns file and class.",
      valueName: "folder"))
  var images: String?

  @Option(help: "How many images, spread evenly over those there are; all of them, or 100 scenes, if not given.")
  var samples: Int?

  @Option(
    help: ArgumentHelp(
      "Score these maps of one explainer, computed elsewhere at --input for --target: float32 (N, C, H, W), (N, H, W).",
      valueName: "file.npy"))
  var attributions: String?

  @Option(
    help: ArgumentHelp("With --attributions, the images: float32 (N, C, H, W) in [-1, 1].", valueName: "file.npy"))
  var input: String?

  @Option(help: ArgumentHelp("With --attributions, the classes: one, or one for each image.", valueName: "class,..."))
  var target: String?

  func validate() throws {
    if let samples, samples < 1 { throw ValidationError("--samples is at least 1.") }
    guard (attributions == nil) == (input == nil), (attributions == nil) == (target == nil) else {
      throw ValidationError("--attributions, --input and --target belong together.")
    }
    if attributions != nil && (images != nil || samples != nil) {
      throw ValidationError("--attributions takes its images from --input.")
    }
  }

  /// The networks to evaluate, one after the other.
  func load() throws -> [LoadedSubject] {
    guard let networks else { return [try subject(model.load())] }
    guard model.checkpoint == nil else {
      throw PullbackError(
        .usage, "--checkpoint", "--networks \(networks.rawValue) has its own",
        advice: "leave out --networks for a model of yours")
    }
    guard let name = model.model else { return try networks.models.map { try subject(named: $0, of: networks) } }
    guard networks.models.contains(name) else {
      throw PullbackError(
        .usage, "--model \(name)", "is none of the networks of --networks \(networks.rawValue)",
        advice: "they are \(networks.models.joined(separator: ", "))")
    }
    return [try subject(named: name, of: networks)]
  }

  private func subject(named name: String, of tier: Tier) throws -> LoadedSubject {
    switch tier {
    case .scenes: try subject(LoadedModel(.named(name), SceneNetwork(rawValue: name)!.checkpoint()))
    case .imagenet: try subject(model.load())
    case .paper:
      try subject(
        LoadedModel(.named(name), Checkpoint(contentsOf: PaperTier.checkpointPath(of: .init(rawValue: name)!))))
    }
  }

  private func subject(_ model: LoadedModel) throws -> LoadedSubject {
    let size = model.graph.inputShape.last ?? 0
    var given: Contender?
    let source: any SampleSource
    if let attributions, let input, let target {
      let arrays = try ArraySamples(input: input, targets: target, attributions: attributions, for: model.graph)
      given = Contender(name: "given", maps: arrays.maps)
      source = arrays
    } else if let images {
      source = try FileSamples(folder: images, count: samples, size: size)
    } else if SceneNetwork(rawValue: model.architecture.name) != nil {
      source = SceneSamples(count: samples ?? 100, size: size)
    } else {
      guard model.architecture.name == ImageNetTier.architecture, self.model.checkpoint == nil else {
        throw PullbackError(
          .usage, "--images", "no images are known for \(model.architecture.name)",
          advice: "name a folder of labelled images")
      }
      source = try FileSamples(photographs: samples, size: size)
    }
    return LoadedSubject(
      model: model.architecture.name, checkpoint: try model.checkpoint.sha256, network: model.network, source: source,
      given: given)
  }
}

/// A network, images, and maps in the place of explainers if they were computed elsewhere.
struct LoadedSubject {
  /// The architecture's name.
  let model: String
  /// SHA-256 of the checkpoint.
  let checkpoint: String
  let network: Network
  let source: any SampleSource
  let given: Contender?
}

/// Images and maps from arrays.
struct ArraySamples: SampleSource {
  let images: [RunDescription.Image]
  let description: String
  let maps: GivenMaps
  private let inputs: Tensor

  init(input: String, targets: String, attributions: String, for graph: Graph) throws {
    let images = try InputImages(input, for: graph)
    inputs = try images(0..<images.count)
    var classes = try targets.split(separator: ",").map { text in
      guard let target = Int(text) else {
        throw PullbackError(.usage, "--target \(text)", "expected the number of a class")
      }
      return target
    }
    if classes.count == 1 { classes = [Int](repeating: classes[0], count: images.count) }
    guard classes.count == images.count else {
      throw PullbackError(.usage, "--target", "expected 1 or \(images.count) classes, found \(classes.count)")
    }
    self.images = zip(images.names, classes).map { RunDescription.Image(name: $0, target: $1) }
    let maps = try Self.maps(at: attributions, like: inputs)
    description = "arrays, SHA-256 \(try Self.digest(inputs))"
    self.maps = GivenMaps(maps, digest: "SHA-256 \(try Self.digest(maps))")
  }

  /// Maps with a value for every value of the images: those of one channel are repeated for each.
  private static func maps(at path: String, like inputs: Tensor) throws -> Tensor {
    let array = try NPY.read(path)
    let (count, channels) = (inputs.shape[0], inputs.shape[1])
    let plane = Array(inputs.shape[2...])
    let full = count == 1 ? [[1, channels] + plane, [channels] + plane] : [[count, channels] + plane]
    if full.contains(array.shape) { return array.reshaped(inputs.shape) }
    guard [[count, 1] + plane, [count] + plane, count == 1 ? plane : []].contains(array.shape) else {
      throw PullbackError(
        .data, path, "expected maps of shape \(inputs.shape) or \([count] + plane), found \(array.shape)")
    }
    let size = plane.reduce(1, *)
    let values = array.scalars
    return Tensor(shape: inputs.shape) { result in
      for index in result.indices { result[index] = values[index / (channels * size) * size + index % size] }
    }
  }

  private static func digest(_ tensor: Tensor) throws -> String {
    try tensor.withUnsafeBuffer { try sha256(UnsafeRawBufferPointer($0)) }
  }

  func sample(_ index: Int) throws -> Sample {
    Sample(index: index, name: images[index].name, image: inputs.image(index), target: images[index].target)
  }
}
