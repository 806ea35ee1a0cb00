import ArgumentParser
import ExperimentKit
import Failures
import Foundation
import Processes
import Studio

struct StudioCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "studio",
    abstract: "Explain pictures and sentences in a local web page.",
    discussion: """
      The page is served on 127.0.0.1 only, makes no other network requests and writes no file. On the page you drop, \
      paste or pick a picture, choose a network and a class, and move the temperature while the map follows. You can \
      compare two explainers, play the counterfactual as a film, shade the words of two sentences (after \
      \(FetchedFiles.command(for: "text"))), and save pictures, arrays and the command lines that make the same \
      bytes. The first printed line is the page's address; Ctrl-C ends the server.

      Examples:
        pullbacks studio
        pullbacks studio --port 8080 --no-browser
        pullbacks studio --checkpoint resnet50.pth
        pullbacks studio --model mine.onnx --preprocess imagenet
      """)

  /// The default port, used unless another program listens on it.
  private static let usualPort: UInt16 = 8507

  @Option(help: "The port; 0 picks a free one. By default \(usualPort), or a free one if that is taken.")
  var port: UInt16?

  @Flag(help: "Print the address and open no browser.")
  var noBrowser = false

  @OptionGroup var model: ModelOptions

  @Option(
    help: ArgumentHelp(
      "How pictures become inputs of --model or --checkpoint; the help of attribute lists the names.",
      valueName: "name or file.json"),
    completion: .list(Preprocessing.Named.allCases.map(\.rawValue)))
  var preprocess: String?

  @Option(
    help: ArgumentHelp("The sentence encoder: a folder; by default minilm, if it was fetched.", valueName: "folder"))
  var textModel: String?

  func run() throws {
    let studio = try Studio(
      own: try ownNetwork(), textModel: try textFolder(), textOption: textModel ?? NamedTextModel.encoder.rawValue,
      readsTextModel: textModel != nil)
    let server = try StudioServer(studio)
    // A page that is closed amid an answer is no reason to end.
    signal(SIGPIPE, SIG_IGN)
    // Whoever started this may have blocked signals, and Ctrl-C has to end it at once.
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM] { sigaddset(&signals, number) }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    let opens = !noBrowser
    let ended = DispatchSemaphore(value: 0)
    let (port, isFixed) = (port ?? Self.usualPort, port != nil)
    Task {
      do {
        do { try await server.run(port: port) { Self.announce($0, opens: opens) } } catch let error as PullbackError
          where error.kind == .unavailable && !isFixed
        {
          try await server.run(port: 0) { Self.announce($0, opens: opens) }
        }
        ended.signal()
      } catch { exitReporting(error, from: "pullbacks") }
    }
    ended.wait()
  }

  /// Says where the page is, and shows it.
  private static func announce(_ address: String, opens: Bool) {
    print(address)
    fflush(nil)
    guard opens else { return }
    // Where there is no such program, the address is enough.
    _ = try? ChildProcess("xdg-open", [address])
  }

  /// The network that is named, loaded.
  private func ownNetwork() throws -> OfferedNetwork? {
    guard model.model != nil || model.checkpoint != nil else {
      try model.file.requireNone()
      try model.graph.requireNone()
      guard preprocess == nil else {
        throw PullbackError(
          .usage, "--preprocess", "is about a network of yours", advice: "name it with --model or --checkpoint")
      }
      return nil
    }
    let subject = try model.load(preprocessing: try preprocess.map { try Preprocessing($0) })
    return OfferedNetwork(own: subject, options: model.arguments + (preprocess.map { ["--preprocess", $0] } ?? []))
  }

  private func textFolder() throws -> String? {
    guard let named = NamedTextModel(rawValue: textModel ?? NamedTextModel.encoder.rawValue) else { return textModel }
    if textModel == nil, !named.isFetched { return nil }
    return try named.folder()
  }
}

extension ModelOptions {
  /// The options as they were given.
  fileprivate var arguments: [String] {
    func option(_ name: String, _ value: String?) -> [String] { value.map { [name, $0] } ?? [] }
    return option("--model", model) + option("--checkpoint", checkpoint) + option("--key", file.key)
      + file.allowLeftover.flatMap { ["--allow-leftover", $0] } + option("--explain", graph.explain)
      + option("--output-name", graph.outputName) + graph.shape.flatMap { ["--shape", $0] }
      + option("--labels", graph.labels)
  }
}
