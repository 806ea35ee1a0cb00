import Foundation
import Pullbacks
import TestKit
import Testing

@testable import Weaving

@Suite struct WeaverTests {
  private let repository: SmallRepository

  init() throws { repository = try SmallRepository() }

  @Test(arguments: [
    (
      "A {{fig1:numbers[0].score|fixed 2}}\nand b.",
      #"A [0.25]{.quoted file="Figures/fig1-here.json" path="numbers[0].score" exact="0.25" "#
        + #"program="Experiments/fig1/main.swift" line="10" anchor="fig1-cell2-10"}"# + "\nand b."
    ),
    (
      "{{ fig1-there:numbers[0].name }} {{Figures/long.csv:[who=y].what}}", "t speed"
    ),
    (
      "{{Figures/long.csv:[who=y].how much|fixed 2}}",
      #"[3.25]{.quoted file="Figures/long.csv" path="[who=y].how much" exact="3.25"}"#
    ),
    (
      "{{long:[what=speed].how much|mean|percent 1}}",
      "[237.5\u{A0}%]{.quoted file=\"Figures/long.csv\" path=\"[what=speed].how much\" exact=\"2.375\"}"
    ),
    (
      "{{film fig1}}",
      "::: {.film sheet=\"Figures/fig1-here.png\" description=\"Figures/fig1-here.json\"}\n:::"
    ), ("{{include rows}}", "| a |\n|---|\n| b |\n"),
    ("One\n{{claim fig1:numbers[1].score > fig1:numbers[0].score}}\ntwo", "One\ntwo"),
    ("One{{claim fig1:numbers[*].score|mean <= 0.375}} two", "One two"),
    ("{{when fig1}}\nyes\n{{end}}\n{{when fig2}}\n{{fig2:x}}\n{{end}}\nafter", "yes\nafter"),
    ("{{when tier here}}\nyes\n{{end}}\n{{when tier there}}\nno\n{{end}}\n", "yes\n"),
    ("{{experiment fig2}}\n{{fig2:x}}\n{{end}}\n{{absent}}", "`fig2`"), ("{{absent}}", "none"),
    (
      "{{figure fig1-part}}",
      "![**Figure 1, part.** [`swift run fig1`, commit `abc`, 3\u{A0}s.]{.made}](Figures/fig1-part-here.png)"
        + "{alt=\"Figure 1: one\"}"
    ),
    (
      "{{figure fig1-rows}}",
      """
      ::: {.result}

      Table: **Figure 1.2: is it two?** [`swift run fig1`, 3\u{A0}s; numbers: \
      [`fig1-rows-here.json`](Figures/fig1-rows-here.json){.data}.]{.made}

      | a |
      |---|
      | b |

      :::
      """
    ),
    (
      "{{table fig1:numbers; Name = name;\n  Score = score | percent}}",
      "| Name | Score |\n| :-- | --: |\n| a | 25\u{A0}% |\n| b\\|c | 50\u{A0}% |"
    ),
    (
      "{{table long; rows = who; columns = what; cell = how much | fixed 1}}",
      "| Who | speed | size |\n| :-- | --: | --: |\n| x | 1.5 | 2.0 |\n| y | 3.2 | – |"
    ),
  ])
  func directivesAreReplaced(_ body: String, _ expected: String) throws {
    #expect(try repository.markdown(body) == expected)
  }

  @Test func anExperimentBecomesASection() throws {
    let expected = """
      ## Figure 1: one {#fig1}

      What it *is*.

      ![**Figure 1.1: one.** [`swift run fig1`, commit `abc` with changes, 3\u{A0}s; numbers: \
      [`fig1-here.json`](Figures/fig1-here.json){.data}.]{.made}](Figures/fig1-here.png){alt="Figure 1: one"}

      One.


      ::: {.program #fig1-program label="Figure 1" file="Experiments/fig1/main.swift"}

      ``` {.swift .numberLines startFrom="5" #fig1-cell0}
      let x = 1
      ```

      ::: {.output}

      ```
      one
      two
      ```



      :::

      And why.

      ``` {.swift .numberLines startFrom="9" #fig1-cell2}
      let score: Double = 2
      try experiment.write(figure, numbers: Numbers(score: score))
      try write(other, part: "part")
      ```

      ::: {.output}

      [`Figures/fig1-here.png`](#fig1){.drawn picture="Figures/fig1-here.png"}, \
      [`Figures/fig1-part-here.png`](#fig1){.drawn picture="Figures/fig1-part-here.png"}

      :::

      `Experiments/fig1/Other.swift`:

      ``` {.swift .numberLines startFrom="1" #fig1-file0}
      let z = 3
      ```

      :::

      """
    let body = "{{experiment fig1}}\nOne.\n{{end}}\n"
    #expect(try repository.markdown(body) == expected)
  }

  /// On another tier the same name means the other results; without a picture the caption stands alone.
  @Test func anExperimentOnAnotherTier() throws {
    let text = try repository.markdown(
      "{{experiment fig1 on there}}\n{{fig1:numbers|count}}\n{{end}}\n{{fig1:numbers|count}}")
    #expect(text.contains("## Figure 1 on there {#fig1-there}\n\n**Figure 1: one.**"))
    #expect(!text.contains("What it *is*") && !text.contains("let x = 1"))
    #expect(
      text.contains(
        "**Figure 1: one.** [`swift run fig1 --there`, 1\u{A0}s; "
          + "numbers: [`fig1-there.json`](Figures/fig1-there.json){.data}.]{.made}\n\n[1]{"))
    #expect(text.contains("\n[2]{"))
  }

  @Test func absentExperimentsAreNamed() throws {
    let body = "{{experiment fig1}}\n{{end}}\n{{experiment fig9}}\n{{end}}\n{{experiment fig1 on nowhere}}\n{{end}}\n"
    #expect(try repository.weave(body).absent == ["fig9", "fig1 on nowhere"])
  }

  @Test(arguments: [
    ("\n{{fig7:x}}", 5, "{{fig7:x}}: fig7: there is no such result; looked for Figures/fig7-here.json"),
    ("{{a/b.txt:x}}", 4, "there is no such result"), ("{{broken:x}}", 4, "is not JSON"),
    ("a\nb {{fig1:numbers[2].score|fixed 2}}", 5, "there is no element 2"),
    ("{{fig1:numbers[0].score|fixd 2}}", 4, "is not a format"),
    ("a\n\n{{fig1}}", 6, "the directives are experiment, when"),
    ("{{claim fig1:numbers[0].score > 0.25}}", 4, "does not hold: found 0.25 and 0.25"),
    ("{{claim fig1:numbers[0].name > 0.25}}", 4, "expected a number"),
    ("{{claim fig1:numbers|count}}", 4, "expected a comparison"),
    ("{{when fig1}}\n\n{{fig1:nothing}}\n{{end}}", 6, "there is no nothing"),
    ("{{when fig1 too}}", 4, "number of arguments"),
    ("{{when fig1}}\na", 4, "has no {{end}}"),
    ("a\n{{end}}", 5, "{{end}} without"),
    ("a\n{{fig1:x", 5, "{{ without }}"),
    ("{{table fig1:numbers}}", 4, "a table needs columns"), ("{{table fig1:numbers; name}}", 4, "expected a column"),
    ("\n{{table fig1:numbers;\n Name = nme}}", 5, "there is no nme"),
    ("{{table long; rows = who; columns = who; cell = what}}", 4, "two entries for x, x"),
    ("{{include long}}", 4, "no such result"),
    ("{{figure fig1-other}}", 4, "looked for Figures/fig1-other-here.png"),
    ("{{figure fig8}}", 4, "Experiments/fig8/main.swift"),
    ("{{experiment untitled}}\n{{end}}", 4, "does not begin with a title"),
    ("{{experiment fig1}}\na\n{{fig1:seed}}\n{{end}}", 6, "there is no seed"),
    ("It is\n0.25 of it", 5, "the number 0.25 is not quoted"), ("and 30 % of it", 4, "the number 0 % is not quoted"),
  ])
  func mistakesAreReportedWithTheirLine(_ body: String, _ line: Int, _ problem: String) throws {
    let error = #expect(throws: PullbackError.self) { try repository.weave(body) }
    #expect(error?.subject == "paper.md:\(line)")
    #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
  }

  /// A claim anywhere in the paragraph, text outside sections, and names of files and results may compare.
  @Test func aComparisonNeedsAClaim() throws {
    let claim = "{{claim fig1:numbers[0].score > 0}}"
    for body in [
      "One is better.\n", "{{experiment fig1}}\nOne is\nbetter.\n\(claim)\n{{end}}\n",
      "{{experiment fig1}}\n\n*What you should see*: it falls.\n{{end}}\n",
      "{{experiment fig1}}\n{{when fig1}}\n`lower` is a name.\n{{end}}\n{{end}}\n\nAll are lower.\n",
    ] { _ = try repository.weave(body) }
    for (body, line) in [
      ("{{experiment fig1}}\nOne is\nbetter.\n{{end}}\n\(claim)\n", 6),
      ("{{experiment fig1}}\nIt rises.\n{{end}}\n", 5), ("{{experiment fig1}}\nIt has more than\nthat.\n{{end}}\n", 5),
      ("{{experiment fig1}}\nNothing.\n\(claim)\n\nOne loses.\n{{end}}\n", 8),
    ] {
      let error = #expect(throws: PullbackError.self) { try repository.weave(body) }
      #expect(error?.problem.hasPrefix("the paragraph compares") == true, "\(error?.description ?? "")")
      #expect(error?.subject == "paper.md:\(line)")
    }
  }

  @Test func settingsCodeAndLinksMayHoldNumbers() throws {
    let body =
      "$\\tau = 0.6$, `Quantus 0.6.0`, [x](https://a.b/1.2), [@x, 1.2], <!-- 30 % -->\n"
      + "$$\n0.5\n$$\n```\n0.1\n```\nVersion 5"
    #expect(try repository.markdown(body) == body)
  }

  @Test func aTemplateNamesItsTier() throws {
    try withTemporaryFolder { folder in
      try Data("---\ntitle: T\n---\nText".utf8).write(to: URL(fileURLWithPath: "\(folder)/t.md"))
      let error = #expect(throws: PullbackError.self) { try Weaver(template: "t.md", root: folder) }
      #expect(error?.problem == "names no tier")
      #expect(throws: PullbackError.self) { try Weaver(template: "other.md", root: folder) }
    }
  }

  /// The write-up holds together with the results in Figures/: every value is there, every claim is true.
  @Test func theWriteUpWeaves() throws {
    let document = try Weaver(template: "paper/paper.md", root: Fixture.root.path)()
    #expect(!document.markdown.contains("{{"))
    let made = document.markdown.matches(of: #/\*\*((?:Figure|Table) \d+[^*]*)\*\*([^\[\n]*) \[`swift run/#)
    let captions = made.map(\.output.1)
    for caption in made where caption.output.2.isEmpty { Issue.record("\(caption.output.1) is not described") }
    #expect(captions.count > 20 && Set(captions).count == captions.count, "two pictures have one caption: \(captions)")
    let bibliography = Fixture.root.appendingPathComponent("paper/references.bib")
    let references = try String(contentsOf: bibliography, encoding: .utf8)
    for citation in document.markdown.matches(of: #/[\[; ]-?@([a-z]+\d{4})/#) {
      #expect(references.contains("{\(citation.output.1),"), "\(citation.output.1)")
    }
  }
}
