import Foundation
import Testing

/// An executable of this package, run as its users run it.
public struct Program: Sendable {
  public struct Outcome: Sendable {
    public let status: Int32
    public let output: String
    public let errors: String
  }

  private let url: URL

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
  public func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Outcome {
    try run(arguments, environment: environment) { _ in }
  }

  /// Runs the program until it ends, which `body`, called as soon as it has started, may bring about.
  ///
  /// - Returns: its exit code, or the number of the signal that ended it, and what it wrote to standard error.
  public func start(
    _ arguments: [String], environment: [String: String] = [:], _ body: (Process) -> Void
  ) throws -> (status: Int32, errors: String) {
    let outcome = try run(arguments, environment: environment, body)
    return (outcome.status, outcome.errors)
  }

  private func run(
    _ arguments: [String], environment: [String: String], _ body: (Process) -> Void
  ) throws -> Outcome {
    let process = Process()
    process.executableURL = url
    process.arguments = arguments
    process.currentDirectoryURL = Fixture.root
    process.environment = ["OPENBLAS_CORETYPE": "Haswell"]
      .merging(ProcessInfo.processInfo.environment) { $1 }.merging(environment) { $1 }
    let folder = try TemporaryFolder()
    let (output, errors) = (folder.path("output"), folder.path("errors"))
    for path in [output, errors] { _ = FileManager.default.createFile(atPath: path, contents: nil) }
    process.standardOutput = FileHandle(forWritingAtPath: output)
    process.standardError = FileHandle(forWritingAtPath: errors)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    body(process)
    process.waitUntilExit()
    return Outcome(
      status: process.terminationStatus, output: try String(contentsOfFile: output, encoding: .utf8),
      errors: try String(contentsOfFile: errors, encoding: .utf8))
  }
}
