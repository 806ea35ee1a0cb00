import Digests
import Failures
import Foundation
import Kernels
import Plotting
import Pullbacks
import Subjects

/// The provenance of a figure: it lies beside the figure, in a file of its own, since it differs from run to run.
struct Provenance: Encodable {
  let command: [String]
  /// The package's, followed by a plus where files that matter were changed since.
  let commit: String?
  let seconds: Double
  let versions: [String: String]
  let processor: String
  let threads: Int
  /// The SHA-256 of each file, by its name.
  let sha256: [String: String]

  init(_ tier: Tier, since start: Date, files: [(name: String, bytes: [UInt8])]) throws {
    let program = (CommandLine.arguments[0] as NSString).lastPathComponent
    let arguments = Array(CommandLine.arguments.dropFirst())
    command =
      ["swift", "run", program] + (arguments.contains("--networks") ? [] : ["--networks", tier.rawValue]) + arguments
    commit = Self.commit()
    seconds = (Date().timeIntervalSince(start) * 10).rounded() / 10
    versions = LibraryVersions.all
    processor = Machine.processor
    threads = Machine.threads
    sha256 = Dictionary(uniqueKeysWithValues: try files.map { ($0.name, try $0.bytes.withUnsafeBytes(Digests.sha256)) })
  }

  /// The package's commit, followed by a plus where files that matter were changed since; nil outside a repository.
  static func commit() -> String? {
    guard let head = git("rev-parse", "--short=12", "HEAD") else { return nil }
    let changed = git("status", "--porcelain", "--", "Package.swift", "Sources", "Experiments") ?? ""
    return changed.isEmpty ? head : head + "+"
  }

  private static func git(_ arguments: String...) -> String? {
    FetchedFiles.packageFolder.flatMap { output(of: ["git", "-C", $0] + arguments) }
  }
}

/// `value` as JSON with sorted keys: equal values give equal bytes.
///
/// - Parameter path: the path of the file, for the message.
/// - Throws: `PullbackError` if a number is not finite.
public func json(_ value: some Encodable, for path: String) throws -> [UInt8] {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  do {
    return Array(try encoder.encode(value)) + Array("\n".utf8)
  } catch {
    throw PullbackError(.software, path, "the numbers cannot be written as JSON: \(error)")
  }
}

/// Writes `value` as JSON with sorted keys: equal values give equal bytes.
///
/// - Throws: `PullbackError` if the file cannot be written or a number is not finite.
public func writeJSON(_ value: some Encodable, to path: String) throws {
  try AtomicFile.write(json(value, for: path), to: path)
}

/// Writes `bytes` to `path` unless the file holds them already; whether it did.
func writeIfNew(_ bytes: [UInt8], to path: String) throws -> Bool {
  if let old = FileManager.default.contents(atPath: path), old.elementsEqual(bytes) { return false }
  try AtomicFile.write(bytes, to: path)
  return true
}
