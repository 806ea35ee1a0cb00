import Digests
import Failures
import Foundation
import Kernels
import Pullbacks

#if _endian(big)
  #error("Checkpoints are mapped in place, and every format stores little-endian numbers.")
#endif

/// A file mapped into memory, read-only, for as long as somebody holds this object.
///
/// Everything in the file is untrusted: ``bytes(in:)`` and ``load(_:at:)`` are the only ways in, and both check bounds.
/// Pages are read when first touched. The file must not be truncated by others while it is mapped.
final class MappedFile: Sendable {
  let path: String
  let count: Int
  private let address: UInt
  private let digest = Locked<String?>(nil)

  init(path: String) throws {
    let file = try InputFile(path)
    guard file.size > 0 else {
      throw PullbackError(.data, path, "is empty", advice: "download or save the checkpoint again")
    }
    self.path = path
    count = file.size
    address = UInt(bitPattern: try file.map().baseAddress)
  }

  deinit { munmap(UnsafeMutableRawPointer(bitPattern: address), count) }

  /// The bytes of `range`, valid while this object lives.
  func bytes(in range: Range<Int>) throws -> UnsafeRawBufferPointer {
    guard range.lowerBound >= 0, range.upperBound <= count, let base = UnsafeRawPointer(bitPattern: address) else {
      throw malformed("bytes \(range.lowerBound)..<\(range.upperBound) are asked for, and the file has \(count)")
    }
    return UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
  }

  /// The little-endian number at `offset`, aligned or not.
  func load<Number: BitwiseCopyable>(_ type: Number.Type, at offset: Int) throws -> Number {
    let (end, overflow) = offset.addingReportingOverflow(MemoryLayout<Number>.size)
    guard offset >= 0, !overflow, end <= count else {
      throw malformed("a number at byte \(offset) is asked for, and the file has \(count) bytes")
    }
    return try bytes(in: offset..<end).loadUnaligned(as: type)
  }

  /// Whether the file holds `signature` at `offset`.
  func holds(_ signature: [UInt8], at offset: Int = 0) -> Bool {
    guard offset >= 0, offset <= count, count - offset >= signature.count else { return false }
    return (try? bytes(in: offset..<offset + signature.count).elementsEqual(signature)) ?? false
  }

  /// The SHA-256 of the whole file in hexadecimal, computed once.
  func sha256() throws -> String {
    try digest.withLock { digest in
      if let digest { return digest }
      let text = try Digests.sha256(UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: count))
      digest = text
      return text
    }
  }

  /// The error for content that breaks the rules of its format.
  func malformed(_ problem: String, advice: String? = "download or save the checkpoint again") -> PullbackError {
    PullbackError(.data, path, problem, advice: advice)
  }
}

/// Text from a file as it may appear in an error message: one line, in quotes, of bounded length.
func quoted(_ text: String) -> String {
  let limit = 80
  var line = ""
  for scalar in text.unicodeScalars.prefix(limit) {
    // Control characters and line separators would break the line, quotes and backslashes its end.
    let isPlain =
      (0x20..<0x7F).contains(scalar.value) ? scalar != "\"" && scalar != "\\" : scalar.properties.isAlphabetic
    line += isPlain ? String(scalar) : scalar.escaped(asASCII: true)
  }
  return "\"" + line + (text.unicodeScalars.count > limit ? "…" : "") + "\""
}
