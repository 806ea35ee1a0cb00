import Foundation
import TestKit

@testable import Weaving

/// A repository with one experiment, its results and a template.
struct SmallRepository {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try write(
      "Experiments/fig1/main.swift",
      """
      //: # Figure 1: one
      //: ## rows: is it two?
      //: What it *is*.

      let x = 1

      //: And why.

      let score: Double = 2
      try experiment.write(figure, numbers: Numbers(score: score))
      try write(other, part: "part")

      """)
    try write("Experiments/fig1/Other.swift", "let z = 3\n")
    try write(
      "Figures/fig1-here.json",
      #"""
      {"numbers": [{"name": "a", "score": 0.25}, {"name": "b|c", "score": 0.5}],
       "printed": [{"line": 5, "text": "one"}, {"line": 5, "text": "two"}]}
      """#)
    try write("Figures/fig1-here.png", "a picture")
    try write(
      "Figures/fig1-here.provenance.json", #"{"command": ["swift", "run", "fig1"], "commit": "abc+", "seconds": 2.5}"#)
    try write("Figures/fig1-there.json", #"{"numbers": [{"name": "t", "score": 0.75}]}"#)
    try write("Figures/fig1-there.provenance.json", #"{"command": ["swift", "run", "fig1", "--there"], "seconds": 1}"#)
    try write("Figures/fig1-part-here.png", "another picture")
    try write(
      "Figures/fig1-part-here.provenance.json",
      #"{"command": ["swift", "run", "fig1"], "commit": "abc", "seconds": 3}"#)
    for ending in ["md", "json", "provenance.json"] {
      try write(
        "Figures/fig1-rows-here.\(ending)",
        ending == "md" ? "| a |\n|---|\n| b |\n" : #"{"command": ["swift", "run", "fig1"], "seconds": 3}"#)
    }
    try write("Figures/long.csv", "who,what,how much\r\nx,speed,1.5\r\nx,size,2\r\ny,speed,3.25\r\n")
    try write("Figures/rows-here.md", "| a |\n|---|\n| b |\n")
    try write("Experiments/untitled/main.swift", "let x = 1\n")
    try write("Figures/untitled-here.json", "{}")
    try write("Figures/broken.json", "{")
  }

  func write(_ path: String, _ text: String) throws {
    let url = folder.url.appendingPathComponent(path)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  /// What becomes of `body` on the tier `here`; its first line is the fourth of the template.
  func weave(_ body: String) throws -> Weaver.Document {
    try write("paper.md", "---\ntier: here\n---\n\(body)")
    return try Weaver(template: "paper.md", root: folder.url.path)()
  }

  func markdown(_ body: String) throws -> String {
    let text = try weave(body).markdown
    return String(text.dropFirst("---\ntier: here\n---\n".count))
  }
}
