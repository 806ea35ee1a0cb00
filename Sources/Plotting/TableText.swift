import Foundation

extension Table {
  /// The table in Markdown. Headings are rows, notes follow in the cell above, and a group's title stands before those
  /// of its columns that are there twice; greyed cells are italic, and the footnote is a paragraph below.
  public var markdown: String {
    func line(_ cells: [String]) -> String {
      "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |\n"
    }
    let plain = columns.map { $0.title.replacing("\n", with: " ") }
    let titles = plain.indices.map { index in
      plain[..<index].contains(plain[index]) ? [groupTitles[index], plain[index]].joined(separator: " ") : plain[index]
    }
    let rules = columns.map { $0.alignment == .left ? ":--" : $0.alignment == .right ? "--:" : ":-:" }
    return line(titles) + line(rules)
      + textRows.map { row in
        switch row {
        case .heading(let text): line(["**\(text)**"] + columns.dropFirst().map { _ in "" })
        case .cells(let cells):
          line(
            cells.map { cell, note in
              let mark = cell.isBold ? "**" : cell.isMuted && !cell.text.isEmpty ? "*" : ""
              let text = mark + cell.text + mark
              return note.isEmpty ? text : "\(text) \(note)"
            })
        }
      }.joined() + (footnote.map { "\n\($0)\n" } ?? "")
  }

  /// The table as a `tabular` of the package `booktabs`. Greyed cells are italic, notes and the footnote small.
  public var latex: String {
    func line(_ cells: [String]) -> String { cells.joined(separator: " & ") + " \\\\\n" }
    let places = columns.map { $0.alignment == .left ? "l" : $0.alignment == .right ? "r" : "c" }.joined()
    var text = "\\begin{tabular}{\(places)}\n\\toprule\n"
    if !groups.isEmpty {
      text += line(groups.map { "\\multicolumn{\($0.columns)}{c}{\(Self.latex($0.title))}" })
    }
    text += line(columns.map { Self.latex($0.title.replacing("\n", with: " ")) }) + "\\midrule\n"
    for (index, row) in textRows.enumerated() {
      switch row {
      case .heading(let title):
        text +=
          (index > 0 ? "\\midrule\n" : "")
          + line(["\\multicolumn{\(columns.count)}{l}{\\textbf{\(Self.latex(title))}}"])
      case .cells(let cells):
        text += line(
          cells.map { cell, note in
            let content = Self.latex(cell.text)
            let set = cell.isBold ? "\\textbf{\(content)}" : cell.isMuted ? "\\textit{\(content)}" : content
            return note.isEmpty ? set : "\(set) {\\scriptsize \(Self.latex(note))}"
          })
      }
    }
    let foot = footnote.map {
      line(["\\multicolumn{\(columns.count)}{l}{\\scriptsize \(Self.latex($0))}"])
    }
    return text + "\\bottomrule\n" + (foot ?? "") + "\\end{tabular}\n"
  }

  private enum TextRow {
    case heading(String)
    /// Every column's cell with its note.
    case cells([(Cell, note: String)])
  }

  /// The rows without rules, notes put to their cells.
  private var textRows: [TextRow] {
    var result: [TextRow] = []
    for row in rows {
      switch row {
      case .rule: continue
      case .heading(let text): result.append(.heading(text))
      case .cells(let cells):
        result.append(.cells(columns.indices.map { ($0 < cells.count ? cells[$0] : "", "") }))
      case .notes(let notes):
        guard case .cells(let cells)? = result.last else { continue }
        result[result.count - 1] = .cells(
          cells.enumerated().map { index, cell in (cell.0, index < notes.count ? notes[index] : cell.note) })
      }
    }
    return result
  }

  /// The title of the group that each column is in.
  private var groupTitles: [String] {
    let titles = groups.flatMap { group in
      [String](repeating: group.title, count: max(0, min(group.columns, columns.count)))
    }
    return columns.indices.map { $0 < titles.count ? titles[$0] : "" }
  }

  private static func latex(_ text: String) -> String {
    let signs: [Character: String] = [
      "↑": "$\\uparrow$", "↓": "$\\downarrow$", "→": "$\\to$", "−": "$-$", "±": "$\\pm$", "τ": "$\\tau$",
      "α": "$\\alpha$", "–": "--", "×": "$\\times$", "Δ": "$\\Delta$", "∞": "$\\infty$", "\\": "\\textbackslash{}",
      "_": "\\_", "%": "\\%", "&": "\\&", "#": "\\#", "$": "\\$", "{": "\\{", "}": "\\}",
    ]
    return text.map { signs[$0] ?? String($0) }.joined()
  }
}

/// `value` with `places` decimals and a true minus sign; a value that rounds to zero has no sign, NaN is a dash.
public func decimal(_ value: Double, places: Int) -> String {
  guard value.isFinite else { return value.isNaN ? "–" : value < 0 ? "−∞" : "∞" }
  let digits = String(format: "%.\(max(0, min(20, places)))f", abs(value))
  let isZero = digits.allSatisfy { $0 == "0" || $0 == "." }
  return value < 0 && !isZero ? "−" + digits : digits
}

/// `value` with one digit before the point, `places` behind it, and its power of ten: `3.1e−7`.
public func scientific(_ value: Double, places: Int = 1) -> String {
  guard value.isFinite, value != 0 else { return decimal(value, places: 0) }
  let parts = String(format: "%.\(max(0, min(20, places)))e", abs(value)).split(separator: "e")
  let exponent = Int(parts[1]) ?? 0
  return "\(value < 0 ? "−" : "")\(parts[0])e\(exponent < 0 ? "−" : "")\(abs(exponent))"
}
