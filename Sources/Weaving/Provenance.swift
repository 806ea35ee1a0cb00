/// How a result came to be, from the file beside it.
struct Provenance {
  let command: String
  let commit: String?
  let seconds: Double

  /// - Parameter record: what the provenance file holds.
  init(_ record: Value) throws {
    command = try ValuePath("command[*]").values(in: record).compactMap(\.plain).joined(separator: " ")
    seconds = try Selection("seconds").number(in: record)
    if case .record(let fields) = record, case .text(let text)? = fields["commit"] {
      commit = text
    } else {
      commit = nil
    }
  }

  /// The sentence under a figure.
  var markdown: String {
    var parts = ["`\(command)`"]
    if let commit {
      // The experiment marks with a plus that files were changed since.
      parts.append("commit `\(commit.prefix { $0 != "+" })`" + (commit.hasSuffix("+") ? " with changes" : ""))
    }
    parts.append("\(Int(seconds.rounded(.up)))\u{A0}s")
    return parts.joined(separator: ", ")
  }
}
