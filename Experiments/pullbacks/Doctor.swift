import ArgumentParser
import ExperimentKit
import Foundation

struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check what this computer has: libraries, font, processor, fetched networks and images.",
    discussion: """
      The exit code is 0 if every command and experiment works without further options. Otherwise it is 69, and the \
      last line says what to do.

      Example: pullbacks doctor
      """)

  func run() throws {
    let examination = Examination()
    let width = examination.sections.flatMap { $0.findings.map(\.name.count) }.max() ?? 0
    for section in examination.sections {
      print(section.title)
      for finding in section.findings {
        let mark = finding.trouble == nil ? " " : finding.isOptional ? "-" : "!"
        print("\(mark) \(finding.name.padding(toLength: width, withPad: " ", startingAt: 0))  \(finding.text)")
        if let advice = finding.trouble?.advice { print(String(repeating: " ", count: width + 4) + advice) }
      }
    }
    if let trouble = examination.troubles.first { throw trouble }
    print("ready")
  }
}
