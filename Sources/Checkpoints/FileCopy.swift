import Digests
import Failures
import Foundation
import Kernels

#if _endian(big)
  #error("Checkpoints are used in place, and every format stores little-endian numbers.")
#endif

/// The bytes of a file, read once into memory of their own, for as long as somebody holds this object: whatever happens
/// to the file afterwards, tensors and hash are those of the bytes that were read.
///
/// Everything in the file is untrusted: ``bytes(in:)`` and ``load(_:at:)`` are the only ways in, and both check bounds.
final class FileCopy: Sendable {
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
    address = UInt(bitPattern: try file.copy().baseAddress)
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

  /// The SHA-256 of the bytes that were read, in hexadecimal; computed once.
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

/// A position in a file that moves forward through a range of it and never leaves it.
struct ByteCursor {
  let file: FileCopy
  private(set) var position: Int
  let end: Int

  /// - Parameter range: a range inside the file.
  init(_ file: FileCopy, _ range: Range<Int>) {
    self.file = file
    position = range.lowerBound
    end = range.upperBound
  }

  /// The next `count` bytes, passed over without being touched.
  mutating func skip(_ count: Int) throws -> Range<Int> {
    guard count >= 0, count <= end - position else {
      throw file.malformed("ends too early: \(count) bytes are announced at byte \(position), \(end - position) follow")
    }
    defer { position += count }
    return position..<position + count
  }

  /// The next little-endian number.
  mutating func number<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type) throws -> Number {
    try file.load(type, at: skip(MemoryLayout<Number>.size).lowerBound)
  }

  /// The bytes up to the next line feed, which is passed over.
  mutating func line(atMost limit: Int) throws -> Range<Int> {
    let start = position
    while try number(UInt8.self) != UInt8(ascii: "\n") {
      guard position - start <= limit else { throw file.malformed("has a line of more than \(limit) bytes") }
    }
    return start..<position - 1
  }
}

extension FileCopy {
  /// The text in `range`, nil if it is no UTF-8.
  func text(in range: Range<Int>) throws -> String? {
    String(validating: try bytes(in: range), as: UTF8.self)
  }
}
