import ArgumentParser

/// What experiments can be told that draw the scores of a long run.
struct ScoreOptions: ParsableArguments {
  @OptionGroup var experiment: ExperimentOptions

  @Flag(help: "Compute the scores anew before they are drawn, which takes hours; stopped, the same command continues.")
  var recompute = false

  @Option(help: "With --recompute: how many images, spread evenly over those there are.")
  var samples: Int?

  @Option(help: ArgumentHelp("The folder of the scores.", valueName: "folder"))
  var scores = "Figures/scores"

  func validate() throws {
    if let samples, samples < 1 { throw ValidationError("--samples is at least 1.") }
    if samples != nil && !recompute { throw ValidationError("--samples goes with --recompute.") }
  }
}
