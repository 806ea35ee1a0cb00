import Digests
import Foundation
import TestKit
import Testing

/// The fetching of the paper's weights, from files instead of the sites they come from.
@Suite struct PaperWeightsTests {
  private let folder: TemporaryFolder
  private let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
  private let digest: String

  init() throws {
    folder = try TemporaryFolder()
    digest = try bytes.withUnsafeBytes { try sha256($0) }
    try Data(bytes).write(to: folder.url.appendingPathComponent("source"))
    try Data("version https://git-lfs.github.com/spec/v1\noid sha256:\(digest)\nsize 100000\n".utf8)
      .write(to: folder.url.appendingPathComponent("pointer"))
  }

  private func fetch(_ rows: [String]) throws -> Program.Outcome {
    try Data((["file,sha256,url"] + rows + [""]).joined(separator: "\n").utf8)
      .write(to: folder.url.appendingPathComponent("list.csv"))
    return try Program(script: "Experiments/paper/fetch").run(
      [], environment: ["PULLBACKS_CACHE": folder.url.path, "PAPER_WEIGHTS": folder.path("list.csv")])
  }

  private func fetched(_ name: String) -> [UInt8]? {
    FileManager.default.contents(atPath: folder.path("paper/\(name)")).map(Array.init)
  }

  private func put(_ content: some Sequence<UInt8>, at name: String) throws {
    try FileManager.default.createDirectory(atPath: folder.path("paper"), withIntermediateDirectories: true)
    try Data(content).write(to: folder.url.appendingPathComponent("paper/\(name)"))
  }

  @Test func fetchesAndVerifies() throws {
    let source = "file://\(folder.path("source"))"
    let outcome = try fetch([
      "a.pth,\(digest.prefix(8)),\(source)", "b.safetensors,file://\(folder.path("pointer")),\(source)",
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(fetched("a.pth") == bytes && fetched("b.safetensors") == bytes)
    #expect(fetched("a.pth.part") == nil)
  }

  @Test(arguments: [1, 50_000, 99_999, 100_000]) func resumes(at count: Int) throws {
    try put(bytes.prefix(count), at: "a.pth.part")
    let outcome = try fetch(["a.pth,\(digest),file://\(folder.path("source"))"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(fetched("a.pth") == bytes)
    #expect(outcome.errors.contains("resuming") == (count < 100_000))
  }

  @Test func replacesAFileThatIsNotRight() throws {
    try put([1, 2, 3], at: "a.pth")
    let outcome = try fetch(["a.pth,\(digest),file://\(folder.path("source"))"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(fetched("a.pth") == bytes)
  }

  @Test func keepsWhatIsRight() throws {
    try put(bytes, at: "a.pth")
    let outcome = try fetch(["a.pth,\(digest),file:///nowhere"])
    #expect(outcome.status == 0 && outcome.errors.contains("a.pth is there"))
  }

  @Test func refusesAnotherDigest() throws {
    let outcome = try fetch(["a.pth,00000000,file://\(folder.path("source"))"])
    #expect(outcome.status == 69 && outcome.errors.contains("expected one that begins with 00000000"))
    #expect(fetched("a.pth") == nil && fetched("a.pth.part") == nil)
  }

  @Test func saysWhatCannotBeFetched() throws {
    let outcome = try fetch(["a.pth,\(digest),file:///nowhere"])
    #expect(outcome.status == 69 && outcome.errors.contains("file:///nowhere could not be fetched"))
    #expect(fetched("a.pth") == nil)
  }
}
