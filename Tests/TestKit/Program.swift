import Foundation
import Processes
import Testing

/// An executable of this package, run as its users run it.
public struct Program: Sendable {
  public struct Outcome: Sendable {
    public let status: Int32
    public let output: String
    public let errors: String
  }

  /// Where it lies.
  public let url: URL

  /// - Parameter name: of an executable target that the test target depends on.
  public init(_ name: String) {
    // Executables lie beside the bundle that the test runner was started with.
    let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    var folder = bundle.deletingLastPathComponent()
    if !FileManager.default.fileExists(atPath: folder.appendingPathComponent(name).path) {
      folder = Fixture.root.appendingPathComponent(".build/debug")
    }
    url = folder.appendingPathComponent(name)
  }

  /// - Parameter script: relative to the package.
  public init(script: String) { url = Fixture.root.appendingPathComponent(script) }

  /// Runs the program to its end.
  ///
  /// OpenBLAS is asked for its AVX2 kernels unless the environment names others: every x86-64 processor of the last
  /// decade has them, and with the same kernels results are the same bytes.
  ///
  /// - Parameters:
  ///   - arguments: of the command line.
  ///   - environment: what is added to the surroundings.
  ///   - folder: where it is run; nil is the repository's folder.
  ///   - input: what it reads on standard input.
  public func run(
    _ arguments: [String], environment: [String: String] = [:], in folder: String? = nil, input: Data? = nil
  ) throws -> Outcome {
    try run(arguments, environment: environment, folder, input) { _ in }
  }

  /// Runs a shell script in which `pullbacks` and the other programs are on the path.
  public func shell(_ script: String, in folder: String, environment: [String: String] = [:]) throws -> Outcome {
    let path = url.deletingLastPathComponent().path + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "")
    return try Program(url: URL(fileURLWithPath: "/bin/bash")).run(
      ["-c", script], environment: environment.merging(["PATH": path]) { $1 }, in: folder)
  }

  private init(url: URL) { self.url = url }

  /// - Parameter path: of a program that is no part of this package.
  public init(path: String) { url = URL(fileURLWithPath: path) }

  /// Runs the program until it ends, which `body`, called as soon as it has started, may bring about.
  ///
  /// - Returns: its exit code, or the number of the signal that ended it, and what it wrote to standard error.
  public func start(
    _ arguments: [String], environment: [String: String] = [:], _ body: (ChildProcess) -> Void
  ) throws -> (status: Int32, errors: String) {
    let outcome = try run(arguments, environment: environment, nil, nil, body)
    return (outcome.status, outcome.errors)
  }

  private func run(
    _ arguments: [String], environment: [String: String], _ place: String?, _ input: Data?,
    _ body: (ChildProcess) -> Void
  ) throws -> Outcome {
    let environment = ["OPENBLAS_CORETYPE": "Haswell"]
      .merging(ProcessInfo.processInfo.environment) { $1 }.merging(environment) { $1 }
    let folder = try TemporaryFolder()
    let (output, errors) = (folder.path("output"), folder.path("errors"))
    for path in [output, errors] { _ = FileManager.default.createFile(atPath: path, contents: nil) }
    let pipe = input.map { _ in Pipe() }
    let process = try ChildProcess(
      url.path, arguments, environment: environment, folder: place ?? Fixture.root.path,
      input: pipe?.fileHandleForReading, output: FileHandle(forWritingAtPath: output),
      errors: FileHandle(forWritingAtPath: errors))
    if let input, let pipe {
      try pipe.fileHandleForReading.close()
      // The program may end before it has read all.
      signal(SIGPIPE, SIG_IGN)
      try? pipe.fileHandleForWriting.write(contentsOf: input)
      try pipe.fileHandleForWriting.close()
    }
    body(process)
    guard let end = process.wait(seconds: Self.patience) else {
      process.send(SIGKILL)
      process.wait()
      throw Endless(program: url.path, arguments: arguments)
    }
    return Outcome(
      status: end.code, output: try String(contentsOfFile: output, encoding: .utf8),
      errors: try String(contentsOfFile: errors, encoding: .utf8))
  }

  /// How many seconds a program may take before it is ended: many times what the slowest one takes.
  private static let patience = 1_800.0

  /// A program that did not end.
  struct Endless: Error {
    let program: String
    let arguments: [String]
  }
}
