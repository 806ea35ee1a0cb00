import Checkpoints
import Foundation
import TestKit
import Testing

/// A checkpoint of zeros with tensors of these names and shapes, F32 unless `types` says I8 or I32, whose file takes no
/// room on disk: it is a hole.
func withCheckpoint<Result>(
  of tensors: [(name: String, shape: [Int])], stored types: [String: String] = [:],
  allowingLeftOver patterns: [String] = [],
  _ body: (Checkpoint) throws -> Result
) throws -> Result {
  var offset = 0
  let entries = tensors.map { name, shape in
    let start = offset
    let type = types[name] ?? "F32"
    offset += (type == "I8" ? 1 : 4) * shape.reduce(1, *)
    return "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":[\(start),\(offset)]}"
  }
  let header = Data("{\(entries.joined(separator: ","))}".utf8)
  return try withTemporaryFolder { folder in
    let path = folder + "/checkpoint"
    let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
    try (length + header).write(to: URL(fileURLWithPath: path))
    let file = try #require(FileHandle(forWritingAtPath: path))
    try file.truncate(atOffset: UInt64(8 + header.count + offset))
    try file.close()
    return try body(Checkpoint(contentsOf: path, named: nil, allowingLeftOver: patterns))
  }
}
