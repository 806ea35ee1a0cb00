import Foundation

/// What the last failed system call has to say.
func systemMessage() -> String { String(cString: strerror(errno)) }

extension stat {
  var isRegularFile: Bool { st_mode & S_IFMT == S_IFREG }

  /// What stands where a regular file was expected, in words.
  var kindOfFile: String { st_mode & S_IFMT == S_IFDIR ? "a folder" : "a device or pipe" }
}
