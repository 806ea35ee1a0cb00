import Checkpoints
import Failures
import Foundation
import Pullbacks
import TestKit
import Testing

@Suite struct WritingTests {
  static let tensors: [(name: String, tensor: Tensor)] = [
    ("scalar", Tensor(shape: [], [7])),
    ("b", Tensor(shape: [3], [1.5, -2.25, 1 / 3])),
    ("naïve \"name\"\\\n\u{1}", Tensor(shape: [0, 2])),
    ("a.weight", Tensor(shape: [2, 3], [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])),
  ]

  /// The Python library wrote the same tensors into the fixtures.
  @Test func writesTheBytesOfThePythonLibrary() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.safetensors"
      try SafeTensors.write(Self.tensors, metadata: ["made \"by\"": "an\toracle"], to: path)
      #expect(try InputFile.bytes(of: path, limit: 1 << 20) == Fixtures.bytes("written-float32.safetensors"))
      try SafeTensors.write(Self.tensors, as: .float16, to: path)
      #expect(try InputFile.bytes(of: path, limit: 1 << 20) == Fixtures.bytes("written-float16.safetensors"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a.safetensors"])
    }
  }

  @Test func whatIsWrittenIsRead() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.safetensors"
      let metadata = ["z": "\u{1F600} \u{7F}/", "a": "", "naïve": "\\\"\u{0}\u{C}\u{8}\r"]
      let edge = Tensor(shape: [4], [.nan, -.infinity, -0.0, .leastNonzeroMagnitude])
      try SafeTensors.write(Self.tensors + [("edge", edge)], metadata: metadata, to: path)
      let checkpoint = try Checkpoint(contentsOf: path)
      #expect(checkpoint.metadata == metadata)
      #expect(checkpoint.names == ["a.weight", "b", "edge", "naïve \"name\"\\\n\u{1}", "scalar"])
      for (name, tensor) in Self.tensors { #expect(try checkpoint.tensor(name) == tensor) }
      #expect(bits(try checkpoint.tensor("edge")) == bits(edge))
    }
  }

  @Test func anEmptyFileOfTensorsIsOne() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.safetensors"
      try SafeTensors.write([], to: path)
      #expect(try Checkpoint(contentsOf: path).names == [])
    }
  }

  @Test func refusesWhatItCannotKeep() throws {
    let one = Tensor(shape: [2], [1, 65520])
    #expect(throws: PullbackError.self) { try SafeTensors.write([("a", one), ("a", one)], to: "/nowhere/a") }
    #expect(throws: PullbackError.self) { try SafeTensors.write([("__metadata__", one)], to: "/nowhere/a") }
    let error = try #require(throws: PullbackError.self) {
      try SafeTensors.write([("w", one)], as: .float16, to: "/nowhere/a")
    }
    #expect(error.problem == "holds 65520.0 at index 1, beyond float16's 65504")
    let unwritable = try #require(throws: PullbackError.self) { try SafeTensors.write([("w", one)], to: "/nowhere/a") }
    #expect(unwritable.kind == .cannotCreate)
  }

  /// A name that is taken by a folder cannot be renamed over: nothing may remain beside it.
  @Test func leavesNothingBehindWhenItFails() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/taken"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      #expect(throws: PullbackError.self) { try SafeTensors.write(Self.tensors, to: path) }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["taken"])
    }
  }
}
