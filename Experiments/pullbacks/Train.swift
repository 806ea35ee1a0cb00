import ArgumentParser
import ExperimentKit
import Text
import Training

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train one of the networks of the scenes, or the decoder of sentences.",
    discussion: """
      Every epoch draws new scenes. After each epoch the folder --output holds, under the network's name: the run's \
      state (.state), the log (.csv) and its curves (.png). At the end it also holds the checkpoint in float16 \
      (.safetensors) and a report on held-out scenes, with confusion matrix and accuracy by difficulty (.json). The \
      same seed gives the same bytes on one machine, for any number of threads and of interruptions. The decoder is \
      written as a Hugging Face folder, with the log (training.csv) and the report (report.json) in it.

      Examples:
        pullbacks train --network vgg-scenes --output training
        pullbacks train --network vgg-scenes --output training --resume
        pullbacks train --network vgg-scenes --output trial --epoch-scenes 640
        pullbacks train --network vgg-scenes --output plain --norm-scale 1 --noise 0
        pullbacks train --network sentence-decoder --output training
      """)

  @Option(
    help: ArgumentHelp(
      "The network to train: \((Recipe.all.map(\.network) + [SentenceDecoder.name]).joined(separator: ", ")).",
      valueName: "name"))
  var network: String

  @Option(help: ArgumentHelp("Folder for all files of the run.", valueName: "folder"))
  var output: String

  @Flag(help: "Continue the run whose state is in the folder --output, if there is one.")
  var resume = false

  @Option(help: "The seed. By default the recipe's.")
  var seed: UInt64?

  @Option(help: "The number of epochs. By default the recipe's.")
  var epochs: Int?

  @Option(help: "The number of scenes or texts in an epoch, a multiple of the recipe's batch. By default the recipe's.")
  var epochScenes: Int?

  @Option(
    help: ArgumentHelp(
      "The largest standard deviation of the noise that is added to a picture, whose values lie in [-1, 1]. By default "
        + "the recipe's.",
      valueName: "deviation"))
  var noise: Double?

  @Option(
    help: ArgumentHelp(
      "The initial scale of batch norms, near which training keeps them (default 1/3, so that the published "
        + "temperatures fit the size of the pre-activations).", valueName: "scale"))
  var normScale: Double?

  @Option(help: "The number of held-out scenes or texts in the report. The log uses a smaller, separate set.")
  var heldOut = 5000

  @OptionGroup var outputs: OutputOptions

  func validate() throws {
    guard (10...5000).contains(heldOut) else { throw ValidationError("--held-out is 10 to 5000.") }
  }

  func run() throws {
    if network == SentenceDecoder.name { return try trainDecoder() }
    var recipe = try Recipe.named(network)
    recipe.seed = seed ?? recipe.seed
    recipe.epochs = epochs ?? recipe.epochs
    recipe.epochScenes = epochScenes ?? recipe.epochScenes
    recipe.noise = noise ?? recipe.noise
    recipe.normScale = normScale ?? recipe.normScale
    try makeFolder(output)
    let stem = "\(output)/\(network)"
    // Curves do not say where they are from: beside the log or the state of a run they are this tool's.
    let isRun = [".csv", ".state"].contains { Signature.isOurs(stem + $0) }
    try outputs.check(["state", "csv", "png", "safetensors", "json"].map { "\(stem).\($0)" }, inputs: []) {
      isRun && $0.hasSuffix(".png")
    }
    let run = TrainingRun(recipe, in: output, heldOut: heldOut)
    let report = try run.finish(resumes: resume)
    print("\(recipe.network): \(percent(report.accuracy)) of \(report.scenes) held-out scenes; \(run.checkpointPath)")
  }

  private func trainDecoder() throws {
    for (name, value) in [("--noise", noise), ("--norm-scale", normScale)] where value != nil {
      throw PullbackError(.usage, name, "is of pictures and batch norms, and the decoder has neither")
    }
    var recipe = SentenceRecipe()
    recipe.seed = seed ?? recipe.seed
    recipe.epochs = epochs ?? recipe.epochs
    recipe.epochTexts = epochScenes ?? recipe.epochTexts
    let run = SentenceTrainingRun(recipe, in: output, heldOut: heldOut)
    try makeFolder(run.stem)
    // A model's files do not say where they are from: beside the state of a run they are this tool's.
    let isRun = Signature.isOurs(run.stem + ".state")
    try outputs.check(run.files, inputs: []) { isRun && $0.hasPrefix(run.stem + "/") }
    let report = try run.finish(resumes: resume)
    print("\(recipe.network): \(percent(report.accuracy)) of \(report.texts) held-out verbs; \(run.stem)")
  }
}
