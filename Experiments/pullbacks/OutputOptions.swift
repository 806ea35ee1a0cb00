import ArgumentParser
import ExperimentKit
import Failures
import Foundation

/// The option that lets a command overwrite existing files.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Overwrite inputs and files that this tool did not make. Without it, stop with a message.")
  var force = false

  /// Checks files that are to be written, before anything is computed.
  ///
  /// - Parameters:
  ///   - files: the files that will be written.
  ///   - inputs: files that are read.
  ///   - isOurs: a further test whether a file was made by this tool.
  /// - Throws: `PullbackError` of kind `cannotCreate` if a file cannot be made, is an input, or was not made by this
  ///   tool.
  func check(_ files: [String], inputs: [String?], isOurs: (String) -> Bool = { _ in false }) throws {
    let inputs = Dictionary(
      inputs.compactMap { path in path.flatMap { path in FileIdentity(path).map { ($0, path) } } },
      uniquingKeysWith: { $1 })
    var places: Set<String> = []
    for path in files {
      try checkName(path)
      try checkFolder(of: path)
      let place = URL(fileURLWithPath: folder(of: path)).resolvingSymlinksInPath()
        .appendingPathComponent((path as NSString).lastPathComponent).path
      guard places.insert(place).inserted else {
        throw PullbackError(.usage, path, "would be written twice", advice: "choose another name for one of the files")
      }
      guard let identity = FileIdentity(path) else { continue }
      guard !isFolder(path) else {
        throw PullbackError(.cannotCreate, path, "expected the name of a file, found a folder")
      }
      if force { continue }
      if let input = inputs[identity] {
        throw PullbackError(
          .cannotCreate, path, "would be replaced, and is read as \(input)",
          advice: "choose another name, or say --force")
      }
      guard Signature.isOurs(path) || isOurs(path) else {
        throw PullbackError(
          .cannotCreate, path, "would be replaced, and was not made by this tool",
          advice: "choose another name, or say --force")
      }
    }
  }
}

extension OutputOptions {
  /// Checks the files of an evaluation's results in a folder that is there; see ``check(_:inputs:isOurs:)``.
  func checkResults(in folder: String, inputs: [String?]) throws {
    func path(_ name: String) -> String { "\(folder)/\(name)" }
    let named = ["run.json", "scores.csv", "summary.csv", "paired.csv"].map(path)
    let unnamed = ["curves.csv", "table.md", "table.tex"].map(path)
    // Tables do not say where they are from: beside other files of a run they are this tool's. The log is never
    // replaced: a run continues it or refuses it.
    let isRun = ["scores.log", "run.json", "scores.csv"].map(path).contains(where: Signature.isOurs)
    try check(named + unnamed, inputs: inputs) { isRun && unnamed.contains($0) }
  }
}

/// Throws unless the folder that `path` lies in exists and may be written to: better now than after the computation.
func checkFolder(of path: String) throws {
  let name = folder(of: path)
  guard isWritableFolder(name) else {
    throw PullbackError(.cannotCreate, path, "the folder \(name) does not exist or cannot be written to")
  }
}

/// Throws if `path` cannot be the name of a file. Elsewhere `-` means standard output; here it would be a file.
func checkName(_ path: String) throws {
  let name = (path as NSString).lastPathComponent
  guard !path.isEmpty else { throw PullbackError(.usage, "an output", "has an empty name", advice: "name a file") }
  guard path != "-" else {
    throw PullbackError(.usage, path, "results are not written to standard output", advice: "name a file")
  }
  guard PathText.bytes(of: name).count <= Int(NAME_MAX) else {
    throw PullbackError(.cannotCreate, path, "expected a name of at most \(NAME_MAX) bytes")
  }
}

/// Prints a note, which is not an error, on a line of standard error.
func remark(_ text: String) {
  writeToStandardError("note: \(PathText.shown(text))\n")
}
