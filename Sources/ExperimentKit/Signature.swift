import Checkpoints
import Digests
import Failures
import Foundation
import Imaging
import Plotting

/// Marks in files by which this tool recognises the files that it made.
///
/// Pictures carry a mark that changes nothing of what they show, JSON says which tool wrote it, and an array is known
/// by the record beside it, which has its shape and the checksum of its values. Tables and logs begin with a line of
/// their own.
public enum Signature {
  /// A PNG chunk of text, `Software: pullbacks`, with its length and checksum.
  private static let pngChunk: [UInt8] =
    [0, 0, 0, 18] + Array("tEXtSoftware\0pullbacks".utf8) + [0x65, 0xEA, 0x75, 0x4F]
  /// The position of the chunk: after the signature and the header.
  private static let pngPlace = 33
  private static let endings = ["pdf": "%pullbacks\n", "svg": "<!-- pullbacks -->\n"]
  /// The mark in the head of a page.
  public static let metaTag = "<meta name=\"generator\" content=\"pullbacks\">"

  /// A file in the format of `path`, marked as this tool's.
  public static func signed(_ bytes: [UInt8], for path: String) -> [UInt8] {
    let ending = fileEnding(path)
    if ending == "png" { return Array(bytes[..<pngPlace]) + pngChunk + Array(bytes[pngPlace...]) }
    return bytes + Array((endings[ending] ?? "").utf8)
  }

  /// Whether the file at `path` is one that this tool made.
  public static func isOurs(_ path: String) -> Bool {
    let ending = fileEnding(path)
    if ending == "npy" { return isRecorded(path) }
    guard let file = try? InputFile(path), let bytes = try? file.read(min(file.size, 1 << 26)) else { return false }
    func begins(with texts: String...) -> Bool { texts.contains { bytes.starts(with: Array($0.utf8)) } }
    switch ending {
    case "png": return bytes.dropFirst(pngPlace).starts(with: pngChunk)
    case "pdf", "svg": return bytes.suffix(endings[ending]!.utf8.count).elementsEqual(endings[ending]!.utf8)
    case "html", "htm": return String(decoding: bytes.prefix(1000), as: UTF8.self).contains(metaTag)
    case "json": return isOurs(json: bytes)
    case "csv":
      return begins(
        with: "model,explainer,metric,", "model,pair,metric,", "file,label,class,scale,noise,",
        "epoch,scenes,rate,noise,", "epoch,texts,rate,loss,")
    // The log of a run: a checksum and the run's description.
    case "log":
      return String(decoding: bytes.dropFirst(16).prefix(1 << 16), as: UTF8.self).hasPrefix(" {\"checkpoint\":")
    case "state", "safetensors": return (try? Checkpoint(contentsOf: path).metadata["recipe"]) != nil
    // The version of the format and the program's name come first.
    case "onnx": return bytes.dropFirst(4).starts(with: Array("pullbacks".utf8))
    default: return false
    }
  }

  /// The keys of this tool's records before they named it: of attributions, counterfactuals, trainings and runs.
  private static let recordKeys: [Set<String>] = [
    ["checkpointSHA256", "method", "settings", "targets"], ["checkpointSHA256", "method", "sequences"],
    ["recipe", "confusion", "difficulty"], ["recipe", "texts", "difficulty"],
    ["explainers", "metrics", "shard", "checkpoint"],
  ]

  private static func isOurs(json bytes: [UInt8]) -> Bool {
    guard let object = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any] else { return false }
    if (object["tool"] as? String)?.hasPrefix("pullbacks ") == true { return true }
    return recordKeys.contains { $0.isSubset(of: object.keys) }
  }

  private struct ArrayRecord: Decodable {
    struct Target: Decodable { let sha256: String }
    let shape: [Int]
    let targets: [[Target]]?
    let sha256: [String]?

    var digests: [String] { sha256 ?? targets?.flatMap { $0.map(\.sha256) } ?? [] }
  }

  /// Whether the record beside an array is this tool's and about it: its shape, and its first part's checksum.
  private static func isRecorded(_ path: String) -> Bool {
    guard let bytes = try? InputFile.bytes(of: recordPath(path), limit: 1 << 28), isOurs(json: bytes),
      let record = try? JSONDecoder().decode(ArrayRecord.self, from: Data(bytes))
    else { return false }
    let digests = record.digests
    let start = NPY.start(of: path) { shape in digests.isEmpty ? 0 : shape.reduce(1, *) / digests.count }
    guard let start, start.shape == record.shape else { return false }
    return digests.isEmpty || (try? start.values.withUnsafeBytes { try sha256($0) }) == digests[0]
  }

  /// The path of an array's record.
  public static func recordPath(_ path: String) -> String { (path as NSString).deletingPathExtension + ".json" }

  private static func fileEnding(_ path: String) -> String { (path as NSString).pathExtension.lowercased() }
}

extension Figure {
  /// Writes the figure as ``write(to:)`` does, marked as this tool's.
  public func writeSigned(to path: String) throws {
    try Figure.checkName(path)
    let bytes =
      switch (path as NSString).pathExtension.lowercased() {
      case "pdf": try pdf()
      case "svg": try svg()
      default: try png()
      }
    try AtomicFile.write(Signature.signed(bytes, for: path), to: path)
  }
}

extension Picture {
  /// Writes the picture as ``writePNG(to:)`` does, marked as this tool's.
  public func writeSignedPNG(to path: String) throws {
    try AtomicFile.write(Signature.signed(try pngBytes(), for: "x.png"), to: path)
  }
}
