import Failures
import Foundation
import Pullbacks
import TestKit
import Testing

/// Files as they are read, and what is no file.
struct InputFileTests {
  private let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: 7 * $0) }

  @Test func readsOnWhereItStopped() throws {
    try withTemporaryFolder { folder in
      try AtomicFile.write(bytes, to: "\(folder)/a")
      let file = try InputFile("\(folder)/a")
      #expect(file.size == 1000)
      #expect(try file.read(10) == Array(bytes[..<10]))
      #expect(try file.read(0) == [])
      #expect(try file.read(990) == Array(bytes[10...]))
      let error = try #require(throws: PullbackError.self) { try file.read(1) }
      #expect(error == PullbackError(.io, "\(folder)/a", "became shorter while it was read"))
    }
  }

  /// What somebody writes to the file afterwards does not reach the copy, and neither does its end.
  @Test func aCopyOutlivesTheFile() throws {
    try withTemporaryFolder { folder in
      try AtomicFile.write(bytes, to: "\(folder)/a")
      let copy = try InputFile("\(folder)/a").copy()
      let file = try #require(FileHandle(forUpdatingAtPath: "\(folder)/a"))
      try file.write(contentsOf: [0xFF, 0xFF])
      try file.truncate(atOffset: 1)
      #expect(Array(copy) == bytes)
      #expect(munmap(UnsafeMutableRawPointer(mutating: copy.baseAddress), copy.count) == 0)
      try AtomicFile.write([UInt8](), to: "\(folder)/a")
      #expect(throws: PullbackError.self) { try InputFile("\(folder)/a").copy() }
    }
  }

  @Test func longFilesAreRefusedUnread() throws {
    try withTemporaryFolder { folder in
      try AtomicFile.write(bytes, to: "\(folder)/a")
      #expect(try InputFile.bytes(of: "\(folder)/a", limit: 1000) == bytes)
      #expect(throws: PullbackError(.data, "\(folder)/a", "expected at most 999 bytes, found 1000")) {
        try InputFile.bytes(of: "\(folder)/a", limit: 999)
      }
    }
  }

  @Test func whatIsNoFile() throws {
    try withTemporaryFolder { folder in
      #expect(mkfifo("\(folder)/pipe", 0o600) == 0)
      let refused = [
        ("\(folder)/none", "cannot be opened: No such file or directory"), (folder, "expected a file, found a folder"),
        ("/dev/null", "expected a file, found a device or pipe"),
        ("\(folder)/pipe", "expected a file, found a device or pipe"),
      ]
      for (path, problem) in refused {
        #expect(throws: PullbackError(.noInput, path, problem)) { _ = try InputFile(path) }
      }
    }
  }
}
