import Testing

@testable import Plotting

/// Tables as text, and the parts of their layout that only long tables have.
@Suite struct TableTextTests {
  private let table = Table(
    [.init("Method", .left), .init("Focus\n↑"), .init("Focus\n↑")],
    [
      .heading("ResNet_50"), .cells(["SfP", .bold("0.71"), .muted("0.75")]), .notes(["", "[0.70, 0.72]"]), .rule,
      .cells(["A | B", "−1 %"]),
    ],
    groups: [.init("", columns: 1), .init("Measured", columns: 1), .init("Published", columns: 1)])

  @Test func markdown() {
    #expect(
      table.markdown == """
        | Method | Focus ↑ | Published Focus ↑ |
        | :-- | --: | --: |
        | **ResNet_50** |  |  |
        | SfP | **0.71** [0.70, 0.72] | *0.75* |
        | A \\| B | −1 % |  |

        """)
  }

  @Test func latex() {
    #expect(
      table.latex == #"""
        \begin{tabular}{lrr}
        \toprule
        \multicolumn{1}{c}{} & \multicolumn{1}{c}{Measured} & \multicolumn{1}{c}{Published} \\
        Method & Focus $\uparrow$ & Focus $\uparrow$ \\
        \midrule
        \multicolumn{3}{l}{\textbf{ResNet\_50}} \\
        SfP & \textbf{0.71} {\scriptsize [0.70, 0.72]} & \textit{0.75} \\
        A | B & $-$1 \% &  \\
        \bottomrule
        \end{tabular}

        """#)
  }

  /// A footnote is below the table, in every form of it, and makes it higher.
  @Test func footnotes() throws {
    var noted = table
    noted.footnote = "n: of 5 images, 40 % at most."
    #expect(noted.markdown == table.markdown + "\nn: of 5 images, 40 % at most.\n")
    let line = #"\multicolumn{3}{l}{\scriptsize n: of 5 images, 40 \% at most.} \\"#
    #expect(noted.latex == table.latex.replacing("\\bottomrule\n", with: "\\bottomrule\n\(line)\n"))
    let (before, after) = (table.size(in: .paper), noted.size(in: .paper))
    #expect(after.height > before.height && after.width >= before.width)
    let marks = marks(of: noted)
    let foot = try marks.text("n: of 5 images, 40 % at most.")
    #expect(foot.start.y > (try marks.text("−1 %").start.y) && foot.start.y < after.height)
  }

  /// Notes stand below their cells, aligned with them, and a group's title over the middle of its columns.
  @Test func layout() throws {
    let marks = marks(of: table)
    let (cell, note, title) = (try marks.text("0.71"), try marks.text("[0.70, 0.72]"), try marks.text("Measured"))
    #expect(isClose(cell.start.x + cell.width, note.start.x + note.width, 1e-6))
    #expect(note.start.y > cell.start.y && note.start.y < cell.start.y + 11)
    #expect(title.start.y < cell.start.y && note.color == Theme.paper.mutedInk)
    #expect(try marks.text("0.75").color == Theme.paper.mutedInk)
    let plain = Table(table.columns, table.rows)
    #expect(table.size(in: .paper).height > plain.size(in: .paper).height)
  }
}
