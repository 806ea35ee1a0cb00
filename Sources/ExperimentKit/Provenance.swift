import Files
import Foundation
import Kernels
import Plotting

/// How a figure came to be: beside the figure, in a file of its own, since it differs from run to run.
struct Provenance: Encodable {
  let command: [String]
  /// The package's, followed by a plus where files that matter were changed since.
  let commit: String?
  let seconds: Double
  let versions: [String: String]
  let processor: String
  let threads: Int
  /// By the name of the file.
  let sha256: [String: String]

  init(_ tier: Tier, since start: Date, files: [(name: String, bytes: [UInt8])]) throws {
    let program = (CommandLine.arguments[0] as NSString).lastPathComponent
    let arguments = Array(CommandLine.arguments.dropFirst())
    command =
      ["swift", "run", program] + (arguments.contains("--networks") ? [] : ["--networks", tier.rawValue]) + arguments
    commit = Self.commit()
    seconds = (Date().timeIntervalSince(start) * 10).rounded() / 10
    versions = LibraryVersions.all
    processor = Self.processor()
    threads = ProcessInfo.processInfo.activeProcessorCount
    sha256 = Dictionary(uniqueKeysWithValues: try files.map { ($0.name, try $0.bytes.withUnsafeBytes(Files.sha256)) })
  }

  private static func commit() -> String? {
    guard let head = git("rev-parse", "--short=12", "HEAD") else { return nil }
    let changed = git("status", "--porcelain", "--", "Package.swift", "Sources", "Experiments") ?? ""
    return changed.isEmpty ? head : head + "+"
  }

  /// What git says, without the line's end; nil where there is no repository or no git.
  private static func git(_ arguments: String...) -> String? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["git", "-C", Cache.packageFolder] + arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { return nil }
    return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private static func processor() -> String {
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
    let name = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last
    return name?.trimmingCharacters(in: .whitespaces) ?? "unknown"
  }
}
