import Foundation
import Imaging
import Pullbacks
import TestKit
import Testing

/// The C interface and the Python package over it, as their users use them: a C program that links the library, and the
/// tests in `python`, which a Python with numpy runs. Tests that need PyTorch or Quantus are skipped by name without
/// them; `$PYTHON` names a Python that has them.
@Suite(.serialized, .enabled(if: Bridge.exists, "needs swift build --product SemanticPullbacksBridge"))
struct BridgeTests {
  @Test(.enabled(if: Bridge.compiler != nil, "needs a C compiler"))
  func aProgramInC() throws {
    let folder = try TemporaryFolder()
    let program = try Bridge.compiled(in: folder)
    let input = Tensor(shape: [1, 3, 96, 96]) { values in
      for index in values.indices { values[index] = Float((index &* 2_654_435_761) >> 9 & 255) / 127.5 - 1 }
    }
    try NPY.write(input, to: folder.path("x.npy"))
    let made = try Program("pullbacks").run([
      "attribute", "--model", "vgg-scenes", "--input", folder.path("x.npy"), "--target", "3", "--method",
      "smooth-pullback", "--set", "smooth.draws=2", "--seed", "7", "--output", folder.path("map.npy"),
    ])
    #expect(made.status == 0, "\(made.errors)")
    let bytes = input.withUnsafeBuffer { Data(UnsafeRawBufferPointer($0)) }
    let outcome = try program.run([folder.path("map")], input: bytes)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let map = try Data(contentsOf: URL(fileURLWithPath: folder.path("map")))
    #expect(map == (try NPY.read(folder.path("map.npy"))).withUnsafeBuffer { Data(UnsafeRawBufferPointer($0)) })
  }

  @Test(.enabled(if: Bridge.compiler != nil, "needs a C compiler"))
  func mistakesInC() throws {
    let folder = try TemporaryFolder()
    let outcome = try Bridge.compiled(in: folder).run([])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n").map(String.init)
    let expected = [
      "no source\t64\tsource: expected a text, found NULL",
      "no place\t64\tnetwork: expected a place for it, found NULL",
      "no options\t64\toptions: expected 2 of them, found none",
      "no name\t64\tname of option 0: expected a text, found NULL",
      "no value\t64\toption key: expected a text, found NULL",
      "no UTF-8\t64\toption key: expected UTF-8",
      "no file\t66\tnowhere.pth: cannot be opened: No such file or directory",
      "no network\t64\tnetwork: expected one, found NULL",
      "not described\t64\tnetwork: expected one, found NULL",
      "shape of none\t0",
      "axes\t3\t1",
      "extents\t3\t-1",
      "no inputs\t64\tinputs: expected 1 of them, found NULL",
      "none at all\t64\tinputs: expected at least one, found 0",
      "too many\t64\tinputs: expected at least one, found -1",
      "far too many\t64\tinputs: expected at least one, found 2305843009213693951",
      "no room\t64\toutputs: expected room for them, found NULL",
      "no targets\t64\ttargets: expected 1 of them, found NULL",
      "too many targets\t64\ttarget: expected one, or one for each of 1 inputs, found 2",
      "no target\t64\ttarget of input 0: expected a text, found NULL",
      "no json\t64\tjson: expected a place for it, found NULL",
      "silent\t64",
      "json\t0\t-",
      "listed\t1",
    ]
    #expect(lines == expected)
  }

  @Test(
    .enabled(if: Bridge.python != nil, "needs a python3 with numpy"),
    arguments: ["test_bytes", "test_errors", "test_threads", "test_quantus", "test_readme"])
  func python(_ module: String) throws {
    let outcome = try Bridge.run(["-W", "ignore", "-m", "unittest", "-v", module])
    for line in outcome.errors.split(separator: "\n") where line.contains(" ... skipped") { print("skipped: \(line)") }
    #expect(outcome.status == 0, "\(outcome.output)\n\(outcome.errors)")
    #expect(!outcome.errors.contains("Ran 0 tests"))
  }
}

/// What the tests find on this computer.
private enum Bridge {
  private static let folder = Program("pullbacks").url.deletingLastPathComponent()
  private static let library = folder.appendingPathComponent("libSemanticPullbacksBridge.so").path
  static let exists = FileManager.default.fileExists(atPath: library)

  private static func found(_ names: [String?]) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return names.compactMap { $0 }.lazy
      .flatMap { name in name.contains("/") ? [name] : folders.map { "\($0)/\(name)" } }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  static let compiler = found(["cc", "clang", "gcc"])

  /// One with numpy: `$PYTHON`, or `python3`.
  static let python: String? = {
    guard let path = found([ProcessInfo.processInfo.environment["PYTHON"], "python3"]),
      let outcome = try? Program(path: path).run(["-c", "import numpy"]), outcome.status == 0
    else { return nil }
    return path
  }()

  /// The C program, which must compile without a warning.
  static func compiled(in folder: TemporaryFolder) throws -> Program {
    let program = folder.path("explain")
    let outcome = try Program(path: compiler!).run([
      "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I", "Sources/CBridge/include",
      "Tests/BridgeTests/explain.c", library, "-Wl,-rpath,\(Self.folder.path)", "-o", program,
    ])
    try #require(outcome.status == 0, "\(outcome.errors)")
    return Program(path: program)
  }

  /// Runs Python with the package of the checkout and the library of this build.
  static func run(_ arguments: [String]) throws -> Program.Outcome {
    try Program(path: python!).run(
      arguments,
      environment: [
        "SEMANTIC_PULLBACKS_LIBRARY": library, "PULLBACKS": folder.appendingPathComponent("pullbacks").path,
        "PYTHONPATH": Fixture.root.appendingPathComponent("Sources/Python").path, "PYTHONDONTWRITEBYTECODE": "1",
      ], in: Fixture.root.appendingPathComponent("Tests/BridgeTests/python").path)
  }
}
