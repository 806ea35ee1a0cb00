import Failures
import Foundation
import Pullbacks
import TestKit
import Testing

/// Written files: whole or absent, in the place that was named.
struct AtomicFileTests {
  private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
  private func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder)
  }
  private func permissions(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
  }

  @Test func replacesAndLeavesNothingBehind() throws {
    try withTemporaryFolder { folder in
      try AtomicFile.write(text: "first, and longer", to: "\(folder)/a.txt")
      try AtomicFile.write(Data("second".utf8), to: "\(folder)/a.txt")
      #expect(try text("\(folder)/a.txt") == "second")
      #expect(try names(folder) == ["a.txt"])
    }
  }

  @Test(arguments: [
    ("a", "."), (".", "."), ("a/", "."), ("", "."), ("a.txt", "."), ("a/b", "a"), ("a//b", "a"), ("/a", "/"),
    ("/", "/"), ("//a", "/"), ("/a/b/c.d", "/a/b"), ("ü/é", "ü"),
  ])
  func folders(path: String, expected: String) { #expect(folder(of: path) == expected) }

  @Test func partsFollowOneAnother() throws {
    try withTemporaryFolder { folder in
      try AtomicFile.write(to: "\(folder)/a.txt") { sink in
        for part in ["one, ", "", "two"] { try Array(part.utf8).withUnsafeBytes(sink) }
        #expect(try names(folder) != ["a.txt"])
      }
      #expect(try text("\(folder)/a.txt") == "one, two")
    }
  }

  @Test func aFailureKeepsTheOldFile() throws {
    struct Failure: Error {}
    try withTemporaryFolder { folder in
      try AtomicFile.write(text: "old", to: "\(folder)/a.txt")
      #expect(throws: Failure.self) {
        try AtomicFile.write(to: "\(folder)/a.txt") { sink in
          try [UInt8](repeating: 0, count: 100_000).withUnsafeBytes(sink)
          throw Failure()
        }
      }
      #expect(try text("\(folder)/a.txt") == "old")
      #expect(try names(folder) == ["a.txt"])
    }
  }

  /// `link` leads to `target` by way of `middle`, which another folder holds.
  @Test(arguments: [true, false])
  func linksStayLinks(isThereATarget: Bool) throws {
    try withTemporaryFolder { folder in
      let files = FileManager.default
      try files.createDirectory(atPath: "\(folder)/inner", withIntermediateDirectories: false)
      if isThereATarget { try AtomicFile.write(text: "old", to: "\(folder)/target") }
      try files.createSymbolicLink(atPath: "\(folder)/inner/middle", withDestinationPath: "../target")
      try files.createSymbolicLink(atPath: "\(folder)/link", withDestinationPath: "\(folder)/inner/middle")
      try AtomicFile.write(text: "new", to: "\(folder)/link")
      #expect(try text("\(folder)/target") == "new")
      #expect(try files.destinationOfSymbolicLink(atPath: "\(folder)/link") == "\(folder)/inner/middle")
      #expect(try files.destinationOfSymbolicLink(atPath: "\(folder)/inner/middle") == "../target")
      #expect(try names(folder).sorted() == ["inner", "link", "target"])
    }
  }

  @Test(arguments: [0o600, 0o755, 0o666])
  func aReplacedFileKeepsItsPermissions(mode: Int) throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.txt"
      try AtomicFile.write(text: "old", to: path)
      try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
      try AtomicFile.write(text: "new", to: path)
      #expect(try permissions(path) == mode)
      #expect(try text(path) == "new")
    }
  }

  @Test func aNewFileHasThePermissionsOfAnyOther() throws {
    try withTemporaryFolder { folder in
      try AtomicFile.write(text: "", to: "\(folder)/ours")
      #expect(FileManager.default.createFile(atPath: "\(folder)/theirs", contents: nil))
      #expect(try permissions("\(folder)/ours") == permissions("\(folder)/theirs"))
    }
  }

  @Test func whatCannotBeCreated() throws {
    try withTemporaryFolder { folder in
      try FileManager.default.createSymbolicLink(atPath: "\(folder)/circle", withDestinationPath: "circle")
      let long = "\(folder)/\(String(repeating: "a", count: 300))"
      let refused = [
        ("\(folder)/none/a.txt", "cannot be created: No such file or directory"),
        (folder, "expected the name of a file, found a folder"),
        ("/dev/null", "expected the name of a file, found a device or pipe"),
        ("\(folder)/circle", "expected a file, found a circle of symbolic links"),
        // Longer than a file system allows: the temporary can be made, the renaming fails, and nothing is left.
        (long, "cannot be created: File name too long"),
      ]
      for (path, problem) in refused {
        let error = try #require(throws: PullbackError.self) { try AtomicFile.write(text: "a", to: path) }
        #expect(error.kind == .cannotCreate)
        #expect(error.subject == path)
        #expect(error.problem == problem)
      }
      #expect(try names(folder) == ["circle"])
    }
  }

  /// What a killed process left is removed; what a living one still writes, and what merely looks alike, is not.
  @Test func abandonedTemporariesAreRemoved() throws {
    try withTemporaryFolder { folder in
      for name in [".99999-1.part", ".4-2.part", ".notes.part", "1-1.part"] {
        try Data("x".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
      }
      let writer = open("\(folder)/.4-2.part", O_RDONLY)
      defer { close(writer) }
      #expect(flock(writer, LOCK_EX) == 0)
      try AtomicFile.write(text: "a", to: "\(folder)/a.txt")
      #expect(try names(folder).sorted() == [".4-2.part", ".notes.part", "1-1.part", "a.txt"])
    }
  }

  /// Many at once on one file: it is one of theirs, whole, and nothing is left beside it.
  @Test func writersOfOneFileDoNotMix() throws {
    try withTemporaryFolder { folder in
      let texts = (0..<16).map { String(repeating: "\($0) ", count: 20_000) }
      DispatchQueue.concurrentPerform(iterations: texts.count) { index in
        try? AtomicFile.write(text: texts[index], to: "\(folder)/a.txt")
      }
      let found = try text("\(folder)/a.txt")
      #expect(texts.contains(found))
      #expect(try names(folder) == ["a.txt"])
    }
  }
}
