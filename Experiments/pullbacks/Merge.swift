import ArgumentParser
import ExperimentKit

struct Merge: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Join the parts of an evaluation that were computed with --shard.",
    discussion: """
      All parts must be present, complete, and of one run: the same model, images, methods, metrics, settings and \
      seed. The results are identical to those of an undivided run.

      Example: pullbacks merge part1 part2 part3 --output results
      """)

  @Argument(help: ArgumentHelp("The folders of the parts.", valueName: "folder"))
  var parts: [String]

  @Option(help: ArgumentHelp("Folder for the results.", valueName: "folder"))
  var output: String

  @OptionGroup var outputs: OutputOptions

  func run() throws {
    let scores = try Scores(merging: parts)
    try makeFolder(output)
    try outputs.checkResults(in: output, inputs: [])
    try write(scores, to: output)
  }
}

/// Writes a run's results and prints its table.
func write(_ scores: Scores, to folder: String) throws {
  let files = try scores.write(to: folder)
  print(try String(contentsOfFile: "\(folder)/table.md", encoding: .utf8))
  print("wrote \(files.joined(separator: ", ")) to \(folder)")
}
