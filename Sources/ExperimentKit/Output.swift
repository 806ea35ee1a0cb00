import Failures
import Foundation
import Pullbacks

/// Ends the program after one line on standard error that says what went wrong. The exit code is the error's, by
/// `sysexits`.
public func exitReporting(_ error: any Error, from program: String) -> Never {
  FileHandle.standardError.write(Data("\(program): \(error)\n".utf8))
  exit((error as? PullbackError)?.exitCode ?? PullbackError.Kind.software.rawValue)
}

/// The names of what lies in the folder `path`, sorted.
///
/// - Throws: `PullbackError` of kind `noInput` if it is no folder or may not be read.
public func namesOfFiles(in path: String) throws -> [String] {
  do {
    return try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  } catch {
    throw PullbackError(.noInput, path, "expected a folder that can be read")
  }
}

/// Makes `path` a folder if there is none yet.
///
/// - Throws: `PullbackError` of kind `cannotCreate`.
public func makeFolder(_ path: String) throws {
  var isFolder: ObjCBool = false
  if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue {
    throw PullbackError(.cannotCreate, path, "expected a folder, found a file", advice: "choose another with --output")
  }
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch {
    throw PullbackError(.cannotCreate, path, "the folder cannot be made", advice: "choose another with --output")
  }
}

/// `value` as JSON with sorted keys: equal values give equal bytes.
///
/// - Parameter path: where it goes, for the message.
/// - Throws: `PullbackError` if a number is not finite.
func json(_ value: some Encodable, for path: String) throws -> [UInt8] {
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
