import ArgumentParser
import ExperimentKit

/// The networks to evaluate and the images to explain.
struct EvaluationSubject: ParsableArguments {
  @Option(
    help: """
      A set of networks with its images: \(Tier.allCases.map(\.rawValue).joined(separator: ", ")). \
      Evaluates all networks of the set, each in a folder of its own, unless --model names one.
      """)
  var networks: Tier?

  @OptionGroup var model: ModelOptions

  @Option(
    help: ArgumentHelp(
      "Labelled images: either one folder per class, named by WordNet id, class name or number; or files beside a "
        + "labels.csv with the columns file and class, as the command scenes --export writes it. Optional masks, white "
        + "on black: cat-object.png is the object of cat.jpg; with a labels.csv, cat-ear.png is a part.",
      valueName: "folder"))
  var images: String?

  @OptionGroup var pictures: PictureOptions

  @Option(help: "The number of images, spread evenly over all. By default all images, or 100 scenes.")
  var samples: Int?

  @Option(
    help: ArgumentHelp(
      "Score these maps, computed elsewhere for --input and --target: float32 (N, C, H, W) or (N, H, W).",
      valueName: "file.npy"))
  var attributions: String?

  @Option(
    help: ArgumentHelp(
      "With --attributions, the images: float32 (N, C, H, W) in the --range. Also the values of an exported graph's "
        + "inputs that are not explained, for example table=t.npy.",
      valueName: "[name=]file.npy"))
  var input: [String] = []

  @Option(
    help: ArgumentHelp("With --attributions, the class of all images, or a class per image.", valueName: "class,..."))
  var target: String?

  func validate() throws {
    if let samples, samples < 1 { throw ValidationError("--samples is at least 1.") }
    let isGiven = !input.isEmpty && (model.graphFile == nil || target != nil)
    guard (attributions == nil) == !isGiven, (attributions == nil) == (target == nil) else {
      throw ValidationError("--attributions, --input and --target belong together.")
    }
    if attributions != nil && (images != nil || samples != nil) {
      throw ValidationError("--attributions takes its images from --input.")
    }
  }

  /// The files that are read, beside the networks' own.
  var files: [String?] {
    [model.checkpoint, model.graphFile, attributions, images.map { $0 + "/labels.csv" }] + input
  }

  /// The networks to evaluate, one after the other, and the maps in the place of explainers if they were computed
  /// elsewhere.
  ///
  /// - Parameter unreadable: the list in which unreadable images are noted.
  func load(_ unreadable: UnreadableFiles) throws -> [(subject: Subject, given: Contender?)] {
    let preprocessing = try pictures.preprocessing()
    guard let networks else {
      return [
        try givenMaps { try model.load(input, preprocessing: preprocessing) }
          ?? (
            model.load(
              model.graphFile == nil ? [] : input, showing: .spread(samples), of: images, preprocessing: preprocessing,
              unreadable: images == nil ? nil : unreadable
            ).subject, nil
          )
      ]
    }
    guard model.checkpoint == nil else {
      throw PullbackError(
        .usage, "--checkpoint", "--networks \(networks.rawValue) has its own",
        advice: "leave out --networks for a model of yours")
    }
    guard model.model.map(networks.models.contains) ?? true else {
      throw PullbackError(
        .usage, "--model \(model.model ?? "")", "is none of the networks of --networks \(networks.rawValue)",
        advice: "they are \(networks.models.joined(separator: ", "))")
    }
    let names = model.model.map { [$0] } ?? networks.models
    return try names.enumerated().map { place, name in
      // The networks are shown the same files: one note of each is enough.
      let unreadable = place == 0 ? unreadable : UnreadableFiles(isStrict: pictures.strict)
      let preprocessing = preprocessing ?? .release
      return try givenMaps {
        try (networks.subject(name, showing: .none, preprocessing: preprocessing), InputContent(input[0]))
      }
        ?? (
          networks.subject(
            name, showing: .spread(samples), of: images, preprocessing: preprocessing,
            unreadable: images == nil ? nil : unreadable), nil
        )
    }
  }

  /// The network with images and maps from arrays; nil if none are given.
  private func givenMaps(
    _ load: () throws -> (subject: Subject, content: InputContent?)
  ) throws -> (subject: Subject, given: Contender?)? {
    guard let attributions, let target else { return nil }
    let (subject, content) = try load()
    guard let content else {
      throw subject.givenNothing
    }
    let classes = try target.split(separator: ",").map { text in
      guard let target = Int(text) else {
        throw PullbackError(.usage, "--target \(text)", "expected the number of a class")
      }
      return target
    }
    let arrays = try ArraySamples(
      subject.inputs(content, range: pictures.range), classes: classes, attributions: attributions)
    return (subject.showing(arrays), Contender(name: "given", maps: arrays.maps))
  }
}
