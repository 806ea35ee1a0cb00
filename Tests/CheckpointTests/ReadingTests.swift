import Checkpoints
import Foundation
import Pullbacks
import TestKit
import Testing

/// Files by PyTorch and safetensors, against what those read from them: every value, bit by bit.
@Suite struct ReadingTests {
  static let files = ((try? Fixtures.expected()) ?? [:]).keys.sorted()

  @Test func everyFixtureIsCovered() {
    #expect(Self.files.count == 18)
  }

  @Test(arguments: files)
  func equalsTheOriginalReader(_ file: String) throws {
    let expected = try #require(try Fixtures.expected()[file])
    let checkpoint = try Checkpoint(contentsOf: Fixtures.path(file))
    #expect(checkpoint.names == expected.tensors.map(\.name))
    #expect(checkpoint.container == expected.container)
    #expect(checkpoint.removedPrefix == expected.removedPrefix)
    #expect(checkpoint.metadata == expected.metadata)
    for item in expected.tensors {
      let entry = try #require(checkpoint.entry(item.name))
      #expect(entry.name == item.name)
      #expect(entry.dtype.rawValue == item.dtype)
      #expect(entry.shape == item.shape)
      if let values = item.bits {
        let tensor = try checkpoint.tensor(item.name)
        #expect(tensor.shape == item.shape)
        #expect(bits(tensor) == values, "\(item.name)")
      } else {
        let error = try #require(throws: PullbackError.self) { try checkpoint.tensor(item.name) }
        #expect(error.problem.contains(item.dtype))
      }
    }
  }

  @Test(arguments: [
    ("types.safetensors", Checkpoint.Format.safeTensors), ("types.pt", .torchZip), ("types.pth", .torchLegacy),
  ])
  func recognizesTheFormatWhateverTheName(_ file: String, _ format: Checkpoint.Format) throws {
    try withTemporaryFolder { folder in
      let copy = "\(folder)/weights.bin"
      try FileManager.default.copyItem(atPath: Fixtures.path(file), toPath: copy)
      let checkpoint = try Checkpoint(contentsOf: copy)
      #expect(checkpoint.format == format)
      #expect(checkpoint.path == copy)
    }
  }

  @Test func choosesAStateDictByItsKeys() throws {
    let generator = try Checkpoint(contentsOf: Fixtures.path("unusual.pt"), under: ["generator"])
    #expect(try generator.tensor("a") == Tensor(shape: [1], [1]))
    #expect(generator.container == ["generator"])
    let discriminator = try Checkpoint(contentsOf: Fixtures.path("unusual.pt"), under: ["discriminator"])
    #expect(try discriminator.tensor("a") == Tensor(shape: [2], [2, 2]))
    let top = try Checkpoint(contentsOf: Fixtures.path("ambiguous-top.pt"), under: [])
    #expect(try top.tensor("a") == Tensor(shape: [1], [1]))
    let inner = try Checkpoint(contentsOf: Fixtures.path("ambiguous.pt"), under: ["net", "state_dict"])
    #expect(try inner.tensor("a") == Tensor(shape: [1], [0]))
    let error = try #require(throws: PullbackError.self) {
      try Checkpoint(contentsOf: Fixtures.path("unusual.pt"), under: ["generator", "ema"])
    }
    #expect(error.kind == .usage)
    #expect(error.problem == "has no dictionary \"ema\": its keys are \"a\"")
  }

  @Test func aTensorOutlivesItsCheckpoint() throws {
    var checkpoint: Checkpoint? = try Checkpoint(contentsOf: Fixtures.path("views.pt"))
    var whole = try #require(try checkpoint?.tensor("whole"))
    let again = try #require(try checkpoint?.tensor("whole"))
    checkpoint = nil
    #expect(whole[59] == 22.5)
    // The mapped file is read-only: writing must copy, and leave the other reader's values alone.
    whole[0] = 100
    #expect(again[0] == -7)
  }

  @Test func everyFloat16IsWidenedExactly() throws {
    try withTemporaryFolder { folder in
      let header = "{\"w\":{\"dtype\":\"F16\",\"shape\":[65536],\"data_offsets\":[0,131072]}}"
      let path = "\(folder)/all"
      let patterns = (0...UInt16.max).flatMap { little($0) }
      try Data(safeTensors(header, data: patterns)).write(to: URL(fileURLWithPath: path))
      let values = try Checkpoint(contentsOf: path).tensor("w").scalars
      let wrong = (0...UInt16.max).filter { pattern in
        let (value, expected) = (values[Int(pattern)], Float(Float16(bitPattern: pattern)))
        return expected.isNaN ? !value.isNaN : value.bitPattern != expected.bitPattern
      }
      #expect(wrong.isEmpty)
    }
  }

  @Test func theHashIsThatOfTheFile() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.safetensors"
      try Data([2, 0, 0, 0, 0, 0, 0, 0] + Array("{}".utf8)).write(to: URL(fileURLWithPath: path))
      // By `printf '\002\0\0\0\0\0\0\0{}' | sha256sum`.
      #expect(
        try Checkpoint(contentsOf: path).sha256
          == "411a485216e432ece6b9af94fa32154cf79a2a56d4f81266baa50063f45092bd")
    }
  }

  @Test func findsTheFirstNonFiniteValue() throws {
    var values = [Float](repeating: 1, count: 10_000)
    #expect(Checkpoint.firstNonFinite(in: Tensor(shape: [10_000], values)) == nil)
    values[9_001] = -.infinity
    #expect(Checkpoint.firstNonFinite(in: Tensor(shape: [10_000], values)) == 9_001)
    values[4_096] = .nan
    #expect(Checkpoint.firstNonFinite(in: Tensor(shape: [100, 100], values)) == 4_096)

    let checkpoint = try Checkpoint(contentsOf: Fixtures.path("types.pt"))
    let error = try #require(throws: PullbackError.self) {
      try checkpoint.tensor("torch.float16", requireFinite: true)
    }
    #expect(error.problem == "tensor \"torch.float16\" holds inf at index 7 of 12")
    _ = try checkpoint.tensor("torch.int32", requireFinite: true)
  }

  @Test func aMissingTensorIsNamedWithSimilarOnes() throws {
    let checkpoint = try Checkpoint(contentsOf: Fixtures.path("network.pt"))
    let error = try #require(throws: PullbackError.self) { try checkpoint.tensor("weight") }
    #expect(error.kind == .data)
    #expect(error.problem == "has no tensor \"weight\" among its 9")
    #expect(error.advice == "similar: \"0.weight\", \"1.weight\", \"3.weight\"")
  }
}
