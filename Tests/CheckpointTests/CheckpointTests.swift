import Foundation
import Networks
import Pullbacks

/// A path in a fresh folder that the system clears.
func temporaryPath(_ name: String) throws -> String {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  return folder.appendingPathComponent(name).path
}
