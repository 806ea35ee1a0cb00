import Checkpoints
import ExperimentKit
import Foundation
import TestKit
import Testing

/// A real checkpoint cut short, as by a broken download. Every 64th kilobyte, or every one with `PULLBACKS_LONG`.
@Test(.enabled(if: ImageNetTier.isFetched, "needs make imagenet"))
func everyTruncationOfARealCheckpointIsRefused() throws {
  let folder = try TemporaryFolder()
  let path = folder.path("cut.pth")
  try FileManager.default.copyItem(atPath: ImageNetTier.checkpointPath, toPath: path)
  let size = try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
  let step = ProcessInfo.processInfo.environment["PULLBACKS_LONG"] == nil ? 64 << 10 : 1 << 10
  var tried = 0
  for length in stride(from: (size - 1) / step * step, through: 0, by: -step) {
    #expect(truncate(path, length) == 0)
    let error = try #require(throws: PullbackError.self, "cut after \(length) bytes") {
      try Checkpoint(contentsOf: path)
    }
    #expect(error.kind == .data && error.subject == path)
    tried += 1
  }
  #expect(tried == (size - 1) / step + 1)
}
