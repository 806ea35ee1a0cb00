import Foundation
import Pullbacks
import Synchronization

/// Files that appear whole or not at all.
///
/// The bytes go to a temporary name in the file's own folder, which is then renamed over the file: a reader sees the
/// old contents or the new, and a failure leaves the old ones and removes the temporary. A symbolic link stays a link,
/// and its target is replaced. (Nothing is forced to the disk: this guards against failing programs, not failing
/// power.)
public enum AtomicFile {
  private static let serial = Atomic<Int>(0)

  /// Writes `bytes` to `path`, replacing what is there.
  ///
  /// - Throws: ``PullbackError`` of kind `cannotCreate` if the file cannot be made, `io` if writing fails midway.
  public static func write(_ bytes: some ContiguousBytes, to path: String) throws {
    try bytes.withUnsafeBytes { try write(parts: [$0], to: path) }
  }

  /// Writes `text` to `path` as UTF-8.
  public static func write(text: String, to path: String) throws {
    try write(Array(text.utf8), to: path)
  }

  /// Writes the parts one after another as one file, without joining them in memory first.
  static func write(parts: [UnsafeRawBufferPointer], to path: String) throws {
    let target = try resolve(path)
    let folder = (target as NSString).deletingLastPathComponent
    let (descriptor, temporary) = try createTemporary(in: folder.isEmpty ? "." : folder, for: path)
    var isOpen = true
    do {
      for part in parts { try write(part, to: descriptor, path: path) }
      isOpen = false
      guard close(descriptor) == 0 else { throw PullbackError(.io, path, "cannot be written: \(systemMessage())") }
      guard rename(temporary, target) == 0 else {
        throw PullbackError(.cannotCreate, path, "cannot be created: \(systemMessage())")
      }
    } catch {
      if isOpen { close(descriptor) }
      unlink(temporary)
      throw error
    }
  }

  /// The file that `path` means, links followed. Renaming onto a device would replace the device.
  private static func resolve(_ path: String) throws -> String {
    var status = stat()
    guard stat(path, &status) == 0 else { return path }
    guard status.st_mode & S_IFMT == S_IFREG else {
      let isFolder = status.st_mode & S_IFMT == S_IFDIR
      throw PullbackError(
        .cannotCreate, path, "expected the name of a file, found \(isFolder ? "a folder" : "a device or pipe")")
    }
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// A new file under a name nobody has, open for writing.
  private static func createTemporary(in folder: String, for path: String) throws -> (Int32, String) {
    while true {
      let number = serial.add(1, ordering: .relaxed).newValue
      let name = "\(folder)/.\(getpid())-\(number).part"
      let descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor >= 0 { return (descriptor, name) }
      // A process of this number may have been killed while writing.
      guard errno == EEXIST else {
        throw PullbackError(
          .cannotCreate, path, "cannot be created: \(systemMessage())",
          advice: errno == ENOENT ? "make the folder \(folder) first" : nil)
      }
    }
  }

  private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws {
    var written = 0
    while written < bytes.count {
      let count = Foundation.write(descriptor, bytes.baseAddress! + written, bytes.count - written)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw PullbackError(.io, path, "cannot be written: \(systemMessage())") }
      written += count
    }
  }
}
