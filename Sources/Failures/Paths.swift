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
  guard let folder = PathText.withPath(path, opendir) else {
    throw PullbackError(.noInput, path, "expected a folder that can be read")
  }
  defer { closedir(folder) }
  var names: [String] = []
  while let entry = readdir(folder) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { PathText.text(of: $0.prefix { $0 != 0 }) }
    if name != "." && name != ".." { names.append(name) }
  }
  // Two names may be the same text in different characters: their bytes decide.
  return names.sorted { $0 == $1 ? $0.utf8.lexicographicallyPrecedes($1.utf8) : $0 < $1 }
}

/// Whether there is a folder at `path`.
public func isFolder(_ path: String) -> Bool { status(of: path).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false }

/// Whether there is anything at `path`, links followed.
public func exists(_ path: String) -> Bool { status(of: path) != nil }

/// Whether files may be made in the folder at `path`.
public func isWritableFolder(_ path: String) -> Bool {
  isFolder(path) && PathText.withPath(path) { access($0, W_OK | X_OK) } == 0
}

/// The identity of a file, whatever its names: two paths with the same identity are one file.
public struct FileIdentity: Hashable, Sendable {
  private let device, node: UInt64

  /// Nil where there is no file.
  public init?(_ path: String) {
    guard let status = Failures.status(of: path) else { return nil }
    (device, node) = (UInt64(status.st_dev), UInt64(status.st_ino))
  }
}

/// Makes `path` a folder if there is none yet.
///
/// - Throws: `PullbackError` of kind `cannotCreate`.
public func makeFolder(_ path: String) throws {
  if isFolder(path) { return }
  guard !exists(path) else {
    throw PullbackError(.cannotCreate, path, "expected a folder, found a file", advice: "choose another")
  }
  let parent = folder(of: path)
  if parent != path && !isFolder(parent) { try makeFolder(parent) }
  // Another process may make it at the same moment.
  guard PathText.withPath(path, { mkdir($0, 0o777) }) == 0 || isFolder(path) else {
    throw PullbackError(.cannotCreate, path, "the folder cannot be made", advice: "choose another")
  }
}

/// The system's information on the file at `path`, links followed; nil if there is none.
func status(of path: String) -> stat? {
  var status = stat()
  return PathText.withPath(path) { stat($0, &status) } == 0 ? status : nil
}

/// The message of the last system call that failed.
func systemMessage() -> String { String(cString: strerror(errno)) }

extension stat {
  var isRegularFile: Bool { st_mode & S_IFMT == S_IFREG }
  var isPipe: Bool { [S_IFIFO, S_IFSOCK].contains(st_mode & S_IFMT) }

  /// The kind of file that was found instead of a regular file, in words.
  var kindOfFile: String { st_mode & S_IFMT == S_IFDIR ? "a folder" : "a device or pipe" }
}
