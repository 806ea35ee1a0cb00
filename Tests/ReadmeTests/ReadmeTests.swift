import Foundation
import TestKit
import Testing

/// What the README shows is what the consumer package compiles and runs.
@Suite struct ReadmeTests {
  private let readme: String

  init() throws { readme = try String(contentsOf: Fixture.root.appendingPathComponent("README.md"), encoding: .utf8) }

  @Test func swiftCodeIsTheConsumers() throws {
    let folder = Fixture.root.appendingPathComponent("Tests/Consumer/Sources/Consumer")
    let compiled = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .map { try String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8) }
    let blocks = readme.components(separatedBy: "```swift\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
    #expect(blocks.count == 2)
    for block in blocks {
      let lines = block.split(separator: "\n").map(String.init)
      #expect(compiled.contains { contains($0, lines) }, "\(block)")
    }
  }

  /// Pictures and folders that the README points to are there.
  @Test func linksLeadSomewhere() throws {
    let targets = readme.components(separatedBy: "](").dropFirst().map { $0.prefix { $0 != ")" } }
    for target in targets where !target.hasPrefix("http") {
      #expect(
        FileManager.default.fileExists(atPath: Fixture.root.appendingPathComponent(String(target)).path), "\(target)")
    }
    #expect(targets.contains { $0.hasPrefix("Figures/") })
  }

  private func contains(_ file: String, _ lines: [String]) -> Bool {
    let code = file.split(separator: "\n").map(String.init)
    return code.indices.contains { start in code[start...].starts(with: lines) }
  }
}
