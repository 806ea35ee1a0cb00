import Foundation

/// The folder that `path` lies in, `.` for a bare name and `/` for what lies in the root.
///
/// Foundation's `deletingLastPathComponent` ends the program where a path is a single character.
public func folder(of path: String) -> String {
  let slash = UInt8(ascii: "/")
  var bytes = Array(path.utf8)
  func dropSlashes() {
    while bytes.count > 1, bytes.last == slash { bytes.removeLast() }
  }
  dropSlashes()
  guard let last = bytes.lastIndex(of: slash) else { return "." }
  bytes.removeSubrange((last + 1)...)
  dropSlashes()
  return String(decoding: bytes, as: UTF8.self)
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
    throw PullbackError(.cannotCreate, path, "expected a folder, found a file", advice: "choose another")
  }
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch {
    throw PullbackError(.cannotCreate, path, "the folder cannot be made", advice: "choose another")
  }
}

/// The message of the last system call that failed.
func systemMessage() -> String { String(cString: strerror(errno)) }

extension stat {
  var isRegularFile: Bool { st_mode & S_IFMT == S_IFREG }

  /// What was found where a regular file was expected, in words.
  var kindOfFile: String { st_mode & S_IFMT == S_IFDIR ? "a folder" : "a device or pipe" }
}
