/// An error with all that is needed to mend it: which file or tensor, the expected value, the value found, and advice.
/// Every error of the package is of this type; the command line prints ``description`` on one line and exits with
/// ``exitCode``.
public struct PullbackError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The kind of a failure; the raw value is its exit code in the BSD `sysexits` convention.
  public enum Kind: Int32, Sendable {
    /// The command or call was given wrong arguments.
    case usage = 64
    /// Input data is malformed: a foreign checkpoint, a truncated image, a NaN.
    case data = 65
    /// An input file does not exist or cannot be read.
    case noInput = 66
    /// A needed program, font or download is missing.
    case unavailable = 69
    /// A broken invariant of this package.
    case software = 70
    /// The computer has too little of something, as memory.
    case system = 71
    /// The output cannot be created.
    case cannotCreate = 73
    /// Reading or writing failed midway.
    case io = 74
  }

  /// The kind of failure.
  public var kind: Kind
  /// The file, tensor, node or argument at fault.
  public var subject: String
  /// The problem, with the expected value and the value found.
  public var problem: String
  /// Advice on what to do, if there is any.
  public var advice: String?

  /// - Parameters:
  ///   - kind: the kind of failure.
  ///   - subject: the file, tensor, node or argument at fault.
  ///   - problem: the problem, with the expected value and the value found.
  ///   - advice: advice on what to do.
  public init(_ kind: Kind, _ subject: String, _ problem: String, advice: String? = nil) {
    self.kind = kind
    self.subject = subject
    self.problem = problem
    self.advice = advice
  }

  /// The exit code of a program that fails with this error, by `sysexits`.
  public var exitCode: Int32 { kind.rawValue }

  /// One line, whatever a file is called.
  public var description: String {
    PathText.shown("\(subject): \(problem)" + (advice.map { "; \($0)" } ?? ""))
  }
}

/// Text from a file as it may appear in an error message: one line, in quotes, of bounded length.
package func quoted(_ text: String) -> String {
  let limit = 80
  var line = ""
  for scalar in text.unicodeScalars.prefix(limit) {
    // Control characters and line separators would break the line, quotes and backslashes its end.
    let isPlain =
      (0x20..<0x7F).contains(scalar.value) ? scalar != "\"" && scalar != "\\" : scalar.properties.isAlphabetic
    line += isPlain ? String(scalar) : scalar.escaped(asASCII: true)
  }
  return "\"" + line + (text.unicodeScalars.count > limit ? "…" : "") + "\""
}
