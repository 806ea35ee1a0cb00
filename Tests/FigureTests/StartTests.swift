import Foundation
import TestKit
import Testing

/// The first notebook: what it computes by hand is what the library computes.
@Suite struct StartTests {
  @Test func theCellsAgree() throws {
    let folder = try TemporaryFolder()
    let outcome = try Program("start").run(["--quick", "--output", folder.url.path])
    #expect(outcome.status == 0, "\(outcome.errors)")
    func vectors(_ beginning: String) throws -> [Substring] {
      let lines = outcome.output.split(separator: "\n")
      let line = try #require(lines.first { $0.drop { $0 == " " }.hasPrefix(beginning) }, "no line \(beginning)")
      return line.matches(of: /\([−0-9., ]+\)/).map(\.output)
    }
    #expect(try vectors("hard pullback, by the library") == vectors("W(x) = "))
    let soft = try vectors("soft pullback, by hand")
    #expect(soft.count == 2 && soft[0] == soft[1])
    #expect(try vectors("mean of 100000 hard pullbacks") == [soft[0]])
    for (rules, isSame) in [("hard: ", true), ("soft, tau", false), ("soft, c", true)] {
      let both = try vectors(rules)
      #expect(both.count == 2 && (both[0] == both[1]) == isSame, "\(rules)\(both)")
    }
  }
}
