import Testing

@testable import Weaving

@Suite struct LiterateProgramTests {
  @Test func proseAndCodeAlternate() {
    let program = LiterateProgram(
      """
      //: # Figure 9: a story
      //:
      //: It begins
      //: *here*.

      import ExperimentKit

      run {

        //: Then this.
        //:
        //: - a list

        let x = 1  //: not prose

        let y = "``"
      }

      """)
    #expect(program.title == "Figure 9: a story")
    #expect(program.introduction == "It begins\n*here*.")
    #expect(
      program.chunks == [
        .code("import ExperimentKit\n\nrun {", line: 6), .prose("Then this.\n\n- a list"),
        .code("  let x = 1  //: not prose\n\n  let y = \"``\"\n}", line: 14),
      ])
  }

  /// Titles of parts are no prose, and lines keep their numbers.
  @Test func partsHaveTitles() {
    let program = LiterateProgram("//: # Figure 1: one\n//: ## raw: as colour\n//: Prose.\n\nlet x = 1\n")
    #expect(program.title == "Figure 1: one" && program.parts == ["raw": "as colour"])
    #expect(program.introduction == "Prose." && program.chunks == [.code("let x = 1", line: 5)])
  }

  /// Quotations below titles describe results, elsewhere they are prose.
  @Test func resultsAreDescribed() {
    let head = "//: # Figure 1: one\n//: > Maps of\n//: > two.\n//: ## raw: as colour\n//: > Raw.\n"
    let program = LiterateProgram(head + "//:\n//: > Prose.\n\nlet x = 1\n")
    #expect(program.descriptions == ["": "Maps of two.", "raw": "Raw."] && program.parts == ["raw": "as colour"])
    #expect(program.introduction == "> Prose." && program.chunks == [.code("let x = 1", line: 9)])
  }

  @Test func fencesAreLongerThanWhatTheyHold() {
    let expected = "````` {.swift .numberLines startFrom=\"7\" #a}\nlet s = \"````\"\n`````"
    #expect(LiterateProgram.fenced("let s = \"````\"\n", from: 7, id: "a") == expected)
  }

  /// Names of arguments count, those of declarations do not.
  @Test func findsTheLineThatHandsAFieldOver() {
    let program = LiterateProgram("//: # A\n\nstruct N {\n  let score: Double\n}\n//: B\nlet n = N(score: 1)\n")
    #expect(program.line(handingOver: "score") == 7)
    #expect(program.line(handingOver: "other") == nil)
    #expect(program.chunk(of: 7) == 2 && program.chunk(of: 4) == 0)
  }

  @Test func withoutATitleThereIsNone() {
    #expect(LiterateProgram("\nlet x = 1\n\n").chunks == [.code("let x = 1", line: 2)])
    #expect(LiterateProgram("let x = 1").title == nil)
    let untitled = LiterateProgram("//: Prose alone.\nlet x = 1")
    #expect(untitled.title == nil)
    #expect(untitled.introduction == "Prose alone.")
    #expect(LiterateProgram("").chunks == [])
  }
}
