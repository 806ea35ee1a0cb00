import ArgumentParser
import ExperimentKit
import Foundation
import Training

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train one of the networks of the scenes.")

  @Option(help: ArgumentHelp("Which: \(Recipe.all.map(\.network).joined(separator: ", ")).", valueName: "name"))
  var network: String

  @Option(help: ArgumentHelp("Where everything goes.", valueName: "folder"))
  var output: String

  @Flag(help: "Go on with the run that was interrupted in the folder --output.")
  var resume = false

  @Option(help: "Another seed than the recipe's.")
  var seed: UInt64?

  @Option(help: "Another number of epochs than the recipe's.")
  var epochs: Int?
  @Option var epochScenes: Int?
  @Option var batch: Int?
  @Option var rate: Double?
  @Option var noise: Double?
  @Option var noiseGrowth: Double?
  @Option var decay: Double?

  func run() throws {
    var recipe = try Recipe.named(network)
    if let seed { recipe.seed = seed }
    if let epochs { recipe.epochs = epochs }
    if let epochScenes { recipe.epochScenes = epochScenes }
    if let batch { recipe.batch = batch }
    if let rate { recipe.rate = rate }
    if let noise { recipe.noise = noise }
    if let noiseGrowth { recipe.noiseGrowth = noiseGrowth }
    if let decay { recipe.decay = decay }
    try makeFolder(output)
    let stem = "\(output)/\(network)"
    var trainer = resume ? try Trainer(resuming: stem + ".state", as: recipe) : try Trainer(recipe)
    let count = trainer.network.graph.parameters.reduce(0) { $0 + $1.description.shape.reduce(1, *) }
    print("\(count) parameters")
    while !trainer.isFinished {
      let start = Date()
      try trainer.trainEpoch { step, loss in
        if step % 20 == 0 {
          let speed = Double(step * recipe.batch) / Date().timeIntervalSince(start)
          FileHandle.standardError.write(Data("  \(step) \(loss) \(speed) scenes/s\n".utf8))
        }
      }
      try trainer.save(to: stem + ".state")
      FileHandle.standardError.write(Data("\(trainer.log.last!)\n".utf8))
    }
  }
}
