import ArgumentParser
import ExperimentKit
import Failures
import Foundation

/// Writes the manual pages, which the commands' own help is the text of; `make install` runs it.
struct Manual: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write the manual page of every command.", discussion: "Example: pullbacks manual --output man1",
    shouldDisplay: false)

  @Option(help: ArgumentHelp("Where the pages go, for man.", valueName: "folder"))
  var output: String

  @Option(help: ArgumentHelp("What the pages are dated.", valueName: "yyyy-mm-dd"))
  var date = ""

  func validate() throws {
    guard date.wholeMatch(of: /([0-9]{4}-[0-9]{2}-[0-9]{2})?/) != nil else {
      throw ValidationError("--date is a year, a month and a day, as 2026-01-31.")
    }
  }

  func run() throws {
    let help = try JSONDecoder().decode(CommandHelp.Dump.self, from: Data(PullbacksCommand._dumpHelp().utf8))
    let pages = ManualPage.all(of: help.command, date: date)
    try makeFolder(output)
    for page in pages { try AtomicFile.write(text: page.text, to: "\(output)/\(page.name).1") }
    print("\(output): \(pages.count) pages")
  }
}

/// A command's help, as ArgumentParser's `--experimental-dump-help` tells it.
struct CommandHelp: Decodable {
  struct Dump: Decodable { let command: CommandHelp }

  struct Argument: Decodable {
    struct Name: Decodable { let kind, name: String }

    let kind: String
    let abstract, valueName, defaultValue: String?
    let names: [Name]?
    let isOptional, isRepeating, shouldDisplay: Bool
  }

  let commandName: String
  let abstract, discussion: String?
  let shouldDisplay: Bool
  let arguments: [Argument]?
  let subcommands: [CommandHelp]?
}

/// A page of the manual in the macros of man(7), in ASCII alone.
private struct ManualPage {
  /// Of the command, as the file is called without its ending.
  let name: String
  let text: String

  /// The pages of a tool and of its commands that help shows.
  static func all(of tool: CommandHelp, date: String) -> [ManualPage] {
    let commands = (tool.subcommands ?? []).filter { $0.shouldDisplay && $0.commandName != "help" }
    let pages = commands.map { ManualPage($0, of: tool, listing: [], date) }
    return [ManualPage(tool, of: nil, listing: commands, date)] + pages
  }

  private init(_ command: CommandHelp, of tool: CommandHelp?, listing commands: [CommandHelp], _ date: String) {
    let typed = [tool?.commandName, command.commandName].compactMap { $0 }
    let name = typed.joined(separator: "-")
    self.name = name
    // Every command takes these, and the tool's page says so.
    let arguments = (command.arguments ?? []).filter { argument in
      argument.shouldDisplay && (tool == nil || !["help", "version"].contains(argument.names?.last?.name))
    }
    let abstract = (command.abstract ?? "").trimmingCharacters(in: ["."])
    var lines = [
      #".TH "\#(Self.escaped(name.uppercased()))" 1 "\#(date)" "pullbacks \#(packageVersion)" "Semantic Pullbacks""#,
      // Commands and names of classes are not to be broken, nor spaces put between their words.
      ".nh", ".ad l", ".SH NAME",
      #"\#(Self.escaped(name)) \- \#(Self.escaped(abstract.prefix(1).lowercased() + abstract.dropFirst()))"#,
      ".SH SYNOPSIS", #".B "\#(Self.escaped(typed.joined(separator: " ")))""#,
    ]
    if !commands.isEmpty { lines.append(#"\fIcommand\fR [\fIoption\fR ...]"#) }
    if commands.isEmpty || tool != nil { lines += Self.synopsis(arguments) }
    let (prose, examples) = Self.parts(command.discussion ?? "")
    if !prose.isEmpty { lines += [".SH DESCRIPTION"] + Self.paragraphs(prose) }
    if !commands.isEmpty {
      lines.append(".SH COMMANDS")
      for each in commands {
        lines += [".TP", #"\fB\#(Self.escaped(each.commandName))\fR"#, Self.sentence(each.abstract ?? "")]
      }
    }
    lines.append(".SH OPTIONS")
    for argument in arguments { lines += [".TP", Self.head(of: argument), Self.sentence(Self.text(of: argument))] }
    if tool != nil {
      lines +=
        (arguments.isEmpty ? [] : [".PP"]) + [
          #"\fB\-h\fR, \fB\-\-help\fR and \fB\-\-version\fR are understood by every command."#
        ]
    }
    if !examples.isEmpty { lines += [".SH EXAMPLES", ".EX"] + examples.map(Self.verbatim) + [".EE"] }
    let others = tool.map { [$0.commandName] } ?? commands.map { "\(name)-\($0.commandName)" }
    lines += (tool == nil ? Self.facts : []) + [".SH SEE ALSO"]
    lines += others.map { #".BR \#(Self.escaped($0)) (1)\#($0 == others.last && tool != nil ? "" : ",")"# }
    if tool == nil { lines.append(Self.paper) }
    text = lines.joined(separator: "\n") + "\n"
  }

  /// What is about the tool as a whole.
  private static let facts = [
    ".SH FILES",
    ".TP", #"\fI~/.cache/semantic\-pullbacks\fR"#,
    sentence(
      "What pullbacks fetch has fetched. $PULLBACKS_CACHE names another folder; else it lies in $XDG_CACHE_HOME, if "
        + "that is set, and of a program that runs in the package's folder, in .cache there."),
    ".SH ENVIRONMENT",
    ".TP", #"\fBPULLBACKS_CACHE\fR"#, "The folder of fetched files.",
    ".TP", #"\fBOPENBLAS_CORETYPE\fR"#,
    "The kernels of OpenBLAS. Results are the same bytes where they are the same; Haswell is the usual choice.",
    ".SH EXIT STATUS",
    "0 if everything was done, else one of sysexits.h, with a line on standard error that says what was wrong: 64 for "
      + "a mistake in the command line, 65 for a file that is damaged or of another kind, 66 for one that cannot be "
      + "read, 69 for what is missing on this computer, 71 to 74 for what the system refuses.",
  ]
  private static let paper =
    #"Pulling Back the Curtain on Deep Networks, \fIhttps://arxiv.org/abs/2507.22832\fR"#

  // MARK: Parts of a page

  /// The prose of a discussion, and the lines of its examples, without the indentation.
  private static func parts(_ discussion: String) -> (prose: String, examples: [Substring]) {
    guard let match = discussion.firstMatch(of: /(?:^|\n)(Examples?: ?\n?|Completion in bash)/) else {
      return (discussion, [])
    }
    // Behind the examples may come prose with examples of its own: all of it is shown as it stands.
    let behind = discussion[match.range.lowerBound...].trimmingPrefix("\n")
    let lines = behind.split(separator: "\n", omittingEmptySubsequences: false)
    let examples =
      lines[0].hasPrefix("Example") ? [lines[0].drop { $0 != ":" }.dropFirst(2)] + lines.dropFirst() : lines
    return (
      String(discussion[..<match.range.lowerBound]),
      examples.map { $0.hasPrefix("  ") ? $0.dropFirst(2) : $0 }.drop { $0.isEmpty }.map { $0 }
    )
  }

  private static func paragraphs(_ prose: String) -> [String] {
    let all = prose.components(separatedBy: "\n\n").map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
    return Array(
      all.filter { !$0.isEmpty }.map { [sentence($0.replacingOccurrences(of: "\n", with: " "))] }.joined(separator: [
        ".PP"
      ])
    )
  }

  /// Options that must be given and what stands without a name, behind `[options]`.
  private static func synopsis(_ arguments: [CommandHelp.Argument]) -> [String] {
    let required = arguments.filter { !$0.isOptional || $0.kind == "positional" }.map { argument in
      let text = head(of: argument) + (argument.isRepeating ? " ..." : "")
      return argument.isOptional ? "[\(text)]" : text
    }
    return (arguments.contains { $0.isOptional && $0.kind != "positional" } ? [#"[\fIoption\fR ...]"#] : []) + required
  }

  private static func head(of argument: CommandHelp.Argument) -> String {
    let value = #"\fI\#(escaped(argument.valueName ?? ""))\fR"#
    guard let names = argument.names, !names.isEmpty else { return value }
    let typed = names.map { #"\fB\#(escaped(($0.kind == "long" ? "--" : "-") + $0.name))\fR"# }.joined(separator: ", ")
    return argument.kind == "option" ? "\(typed) \(value)" : typed
  }

  private static func text(of argument: CommandHelp.Argument) -> String {
    let text = argument.abstract ?? ""
    return argument.defaultValue.map { "\(text) By default \($0)." } ?? text
  }

  // MARK: Characters

  /// A line of text that is filled. Long options and commands keep their hyphens.
  private static func sentence(_ text: String) -> String {
    let line = escaped(text)
    return line.hasPrefix(".") || line.hasPrefix("'") ? #"\&"# + line : line
  }

  private static func verbatim(_ line: Substring) -> String { sentence(String(line)) }

  /// What roff would read as its own, and all that is not ASCII, written out.
  private static func escaped(_ text: String) -> String {
    text.unicodeScalars.map { scalar in
      switch scalar {
      case "\\": #"\(rs"#
      case "-": #"\-"#
      case "\"": #"\(dq"#
      case "'": #"\(aq"#
      case "`": #"\(ga"#
      case "^": #"\(ha"#
      case "~": #"\(ti"#
      case _ where scalar.isASCII: String(scalar)
      default: String(format: #"\[u%04X]"#, scalar.value)
      }
    }.joined()
  }
}
