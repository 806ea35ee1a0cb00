import Digests
import Failures
import Foundation
import Pullbacks

/// The scores of a run as they come: an append-only file that survives being cut off anywhere.
///
/// Each line is a checksum (the first sixteen digits of the SHA-256 of what follows), a space and JSON. The first line
/// describes the run; every other is all that one stage found out about one block of images, written at once and forced
/// to the disk before the next begins. Only the last line can be torn: it is cut off when the log is opened again, and
/// its stage computed again.
public final class ScoreLog {
  /// The scores that one stage found for a few images.
  struct StageScores: Codable, Equatable {
    /// The first image's index, which names the block.
    let block: Int
    let stage: Int
    let entries: [LoggedScore]
  }

  /// A contender's score of one image, as the log writes it.
  struct LoggedScore: Codable, Equatable {
    let explainer: Int
    let metric: Int
    let image: Int
    let score: Double
    let undefined: String?
    let series: [Double]?

    init(explainer: Int, metric: Int, image: Int, _ score: Score) {
      self.explainer = explainer
      self.metric = metric
      self.image = image
      self.score = score.value
      undefined = score.undefined?.rawValue
      series = score.series.isEmpty ? nil : score.series
    }

    private enum CodingKeys: String, CodingKey {
      case explainer = "e"
      case metric = "m"
      case image = "i"
      case score = "s"
      case undefined = "u"
      case series = "c"
    }
  }

  public static let fileName = "scores.log"
  static let limit = 1 << 32

  let description: RunDescription
  private(set) var records: [StageScores]
  private let path: String
  private let descriptor: Int32

  /// Opens the log in `folder`, or begins one.
  ///
  /// - Throws: `PullbackError` if the folder holds another run's log, if another program is writing to it, or if it is
  ///   damaged before its end.
  public init(in folder: String, for description: RunDescription) throws {
    path = folder + "/" + Self.fileName
    if !FileManager.default.fileExists(atPath: path) {
      try AtomicFile.write(Self.line(RunDescription.encoded(description)), to: path)
    }
    descriptor = open(path, O_RDWR | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else { throw PullbackError(.io, path, "cannot be opened for writing") }
    do {
      guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
        throw PullbackError(
          .io, path, "another program is writing to it", advice: "wait for it, or choose another folder")
      }
      let (found, records, length) = try Self.read(path)
      if let difference = description.difference(from: found) {
        throw PullbackError(
          .usage, folder, "holds a run with other settings: \(difference)", advice: "choose another folder")
      }
      guard found.shard == description.shard else {
        throw PullbackError(
          .usage, folder, "holds part \(found.shard), not \(description.shard)", advice: "choose another folder")
      }
      guard ftruncate(descriptor, off_t(length)) == 0 else { throw PullbackError(.io, path, "cannot be written to") }
      self.description = found
      self.records = records
    } catch {
      Self.release(descriptor)
      throw error
    }
  }

  deinit { Self.release(descriptor) }

  /// Unlocks explicitly: a child process between fork and exec still holds a copy of the descriptor.
  private static func release(_ descriptor: Int32) {
    _ = flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  /// Appends a stage's scores and forces it to the disk.
  func append(_ record: StageScores) throws {
    let line = try Self.line(RunDescription.encoded(record))
    try line.withUnsafeBytes { bytes in
      var rest = bytes
      while !rest.isEmpty {
        let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else {
          throw PullbackError(.io, path, "cannot be written to", advice: "make room and run it again")
        }
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
    }
    guard fsync(descriptor) == 0 else { throw PullbackError(.io, path, "cannot be written to") }
    records.append(record)
  }

  /// The log in `folder`, for reading; a torn last line is left out.
  static func read(in folder: String) throws -> (description: RunDescription, records: [StageScores]) {
    let (description, records, _) = try read(folder + "/" + fileName)
    return (description, records)
  }

  private static func line(_ json: Data) throws -> Data {
    Data(try checksum(json).utf8) + Data(" ".utf8) + json + Data("\n".utf8)
  }

  private static func checksum(_ bytes: some ContiguousBytes) throws -> String {
    String(try bytes.withUnsafeBytes { try sha256($0) }.prefix(16))
  }

  /// - Returns: also the length of the part that is whole.
  private static func read(_ path: String) throws -> (RunDescription, [StageScores], Int) {
    let bytes = try InputFile.bytes(of: path, limit: limit)
    var description: RunDescription?
    var records: [StageScores] = []
    var start = 0
    while start < bytes.count {
      guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) else { break }
      do {
        let json = try payload(bytes[start..<end])
        if description == nil {
          description = try RunDescription.decoded(RunDescription.self, from: json)
        } else {
          records.append(try RunDescription.decoded(StageScores.self, from: json))
        }
      } catch {
        if description != nil, end == bytes.count - 1 { break }
        throw PullbackError(
          .data, path, "line \(records.count + (description == nil ? 1 : 2)) is damaged",
          advice: "restore the file, or choose another folder")
      }
      start = end + 1
    }
    guard let description else {
      throw PullbackError(.data, path, "expected the log of a run", advice: "choose another folder")
    }
    try check(records, of: description, path)
    return (description, records, start)
  }

  private static func payload(_ line: ArraySlice<UInt8>) throws -> ArraySlice<UInt8> {
    let json = line.dropFirst(17)
    guard line.count > 17, Array(line.prefix(17)) == Array("\(try checksum(Array(json))) ".utf8) else {
      throw PullbackError(.data, "line", "has another checksum")
    }
    return json
  }

  private static func check(_ records: [StageScores], of description: RunDescription, _ path: String) throws {
    for entry in records.lazy.flatMap(\.entries) {
      guard description.explainers.indices.contains(entry.explainer),
        description.metrics.indices.contains(entry.metric),
        description.images.indices.contains(entry.image)
      else {
        throw PullbackError(.data, path, "holds scores of explainers, metrics or images that are none of its run's")
      }
    }
  }
}
