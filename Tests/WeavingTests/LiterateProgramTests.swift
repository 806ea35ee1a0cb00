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
        .code("import ExperimentKit\n\nrun {"), .prose("Then this.\n\n- a list"),
        .code("  let x = 1  //: not prose\n\n  let y = \"``\"\n}"),
      ])
    #expect(program.markdown.hasPrefix("```swift\nimport ExperimentKit\n\nrun {\n```\n\nThen this."))
  }

  @Test func fencesAreLongerThanWhatTheyHold() {
    #expect(LiterateProgram.fenced("let s = \"````\"\n") == "`````swift\nlet s = \"````\"\n`````")
  }

  @Test func withoutATitleThereIsNone() {
    #expect(LiterateProgram("let x = 1\n") == LiterateProgram("\nlet x = 1"))
    #expect(LiterateProgram("let x = 1").title == nil)
    let untitled = LiterateProgram("//: Prose alone.\nlet x = 1")
    #expect(untitled.title == nil)
    #expect(untitled.introduction == "Prose alone.")
    #expect(LiterateProgram("").chunks == [])
  }
}
