import Foundation
import Pullbacks

/// The folder of fetched files: `$PULLBACKS_CACHE`, or `.cache` in the package's own folder.
enum Cache {
  static var folder: String {
    ProcessInfo.processInfo.environment["PULLBACKS_CACHE"] ?? packageFolder + "/.cache"
  }

  static let packageFolder: String = {
    var url = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { url.deleteLastPathComponent() }
    return url.path
  }()

  static func has(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  /// - Throws: `PullbackError` of kind `unavailable` that says what fetches the file.
  static func check(_ path: String, madeBy command: String) throws {
    guard has(path) else {
      throw PullbackError(.unavailable, path, "has not been fetched yet", advice: "run \(command)")
    }
  }
}
