import Foundation
import TestKit
import Testing

/// What the README shows is what the consumer package compiles and runs.
@Suite struct ReadmeTests {
  private let readme: String

  init() throws { readme = try String(contentsOf: Fixture.root.appendingPathComponent("README.md"), encoding: .utf8) }

  /// The last block of the README, and of the tutorial on networks of one's own.
  @Test(arguments: ["README.md", "Sources/SemanticPullbacks/SemanticPullbacks.docc/ANetworkOfYourOwn.md"])
  func swiftCodeIsTheConsumers(page: String) throws {
    let folder = Fixture.root.appendingPathComponent("Tests/Consumer/Sources/Consumer")
    let compiled = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .map { try String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8) }
    let text = try String(contentsOf: Fixture.root.appendingPathComponent(page), encoding: .utf8)
    let blocks = text.components(separatedBy: "```swift\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
    let block = try #require(blocks.last)
    let lines = block.split(separator: "\n").map(String.init)
    #expect(compiled.contains { contains($0, lines) }, "\(block)")
  }

  /// The lines of Python that export a network are those that made the graph which CommandLineTests run the README's
  /// command on.
  @Test func pythonIsTheOracles() throws {
    let script = try String(
      contentsOf: Fixture.root.appendingPathComponent("Tests/Oracles/onnx_fixtures.py"), encoding: .utf8)
    let blocks = readme.components(separatedBy: "```python\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
    #expect(blocks.count == 1)
    let lines = script.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    let block = blocks[0].split(separator: "\n").map(String.init)
    #expect(lines.indices.contains { lines[$0...].starts(with: block) }, "\(block)")
    #expect(Fixture.exists("Tests/Oracles/fixtures/onnx/mine.onnx"))
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

  /// The exported graphs that the README counts, and those that the documentation lists, are those that were measured.
  @Test func exportedGraphsAreThoseMeasured() throws {
    func rows(_ name: String) throws -> [[Substring]] {
      try String(contentsOf: Fixture.root.appendingPathComponent("Tests/Oracles/\(name).csv"), encoding: .utf8)
        .split(separator: "\n").dropFirst().map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    }
    // Network, exporter, ..., problem.
    let zoo = try rows("onnx-zoo").filter { $0.last == "" }
    let keras = zoo.filter { ["tf2onnx", "keras"].contains($0[1]) }
    let pytorch = zoo.filter { !keras.contains($0) }
    for (graphs, words) in [(pytorch, " exported graphs of "), (keras, " of ")] {
      let counts = "\(graphs.count)\(words)\(Set(graphs.map { $0[0] }).count) networks of "
      #expect(readme.contains(counts), "\(counts)")
    }
    // Thousands have a comma, which no other number of the table has.
    let passed = try rows("onnx-conformance").compactMap { Int($0[1]) }.reduce(0, +)
    #expect(readme.contains("\(passed / 1000),\(String(passed).suffix(3)) pass, none fails"))
    #expect(try rows("onnx-conformance").allSatisfy { $0[3] == "0" })
    let page = "Sources/SemanticPullbacks/SemanticPullbacks.docc/GraphsThatAreRead.md"
    let article = try String(contentsOf: Fixture.root.appendingPathComponent(page), encoding: .utf8)
    for row in zoo { #expect(article.contains("| \(row[0]) | "), "\(row[0])") }
  }

  /// The comparisons that the README counts are those of the tables.
  @Test(arguments: [
    ("| localisation, ", "table3-scenes"), ("| faithfulness, ", "table1-twins-scenes"),
    ("| faithfulness on photographs, ", "table1-twins-imagenet"),
    ("| localisation on photographs, ", "table3-imagenet"),
  ]) func countsAreTheTables(row: String, table: String) throws {
    struct Result: Decodable {
      struct Numbers: Decodable { let tallies: [Tally] }
      let numbers: Numbers
    }
    struct Tally: Decodable { let better, worse, undecided, correctedBetter, correctedWorse: Int }
    let file = Fixture.root.appendingPathComponent("Figures/\(table).json")
    let tallies = try JSONDecoder().decode(Result.self, from: Data(contentsOf: file)).numbers.tallies
    let line = try #require(readme.split(separator: "\n").first { $0.hasPrefix(row) })
    let counts = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }.compactMap(Int.init)
    func sum(_ side: KeyPath<Tally, Int>) -> Int { tallies.reduce(0) { $0 + $1[keyPath: side] } }
    #expect(
      counts == [
        sum(\.better), sum(\.worse), sum(\.undecided), sum(\.correctedBetter), sum(\.correctedWorse),
      ])
  }

  private func contains(_ file: String, _ lines: [String]) -> Bool {
    let code = file.split(separator: "\n").map(String.init)
    return code.indices.contains { start in code[start...].starts(with: lines) }
  }
}
