import Checkpoints
import Foundation
import Pullbacks
import TestKit
import Testing

/// Containers that are damaged, contradict themselves or are something else.
@Suite struct HostileFileTests {
  private static func header(
    dtype: String = "\"F32\"", shape: String = "[2,3]", offsets: String = "[0,24]", more: String = ""
  ) -> String {
    "{\"w\":{\"dtype\":\(dtype),\"shape\":\(shape),\"data_offsets\":\(offsets)}\(more)}"
  }

  static let headers: [Hostile] = [
    Hostile(safeTensors(header(offsets: "[0,28]")), "cover 28 bytes of data, and the file has 24"),
    Hostile(safeTensors(header(shape: "[2,2]")), "has 24 bytes"),
    Hostile(safeTensors(header(shape: "[2,4]")), "has 24 bytes"),
    Hostile(safeTensors(header(offsets: "[4,28]")), "begins at byte 4"),
    Hostile(safeTensors(header(offsets: "[24,0]")), "ordered pair"),
    Hostile(safeTensors(header(offsets: "[0]")), "ordered pair"),
    Hostile(safeTensors(header(offsets: "[0,24,24]")), "more than 2 numbers"),
    Hostile(safeTensors(header(shape: "[4611686018427387904,4]")), "its size overflows"),
    Hostile(safeTensors(header(shape: "[0,9223372036854775807,9223372036854775807]")), "its size overflows"),
    Hostile(safeTensors(header(shape: "[18446744073709551616]")), "beyond 64 bits"),
    Hostile(safeTensors(header(shape: "[-1]")), "no natural number"),
    Hostile(safeTensors(header(shape: "[2.0]")), "no \"]\""),
    Hostile(safeTensors(header(shape: "[06]")), "no natural number"),
    Hostile(safeTensors(header(shape: "[[6]]")), "no natural number"),
    Hostile(safeTensors(header(shape: "[" + String(repeating: "1,", count: 70) + "6]")), "more than 64 numbers"),
    Hostile(safeTensors(header(dtype: "\"F3\"")), "unknown type \"F3\""),
    Hostile(safeTensors(header(dtype: "3")), "no \"\"\""),
    Hostile(safeTensors(header(more: ",\"w\":{}")), "names \"w\" twice"),
    Hostile(safeTensors(header(more: ",\"v\":{}")), "lacks its dtype"),
    Hostile(
      safeTensors(header(more: ",\"v\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[12,24]}")),
      "begins at byte 12"),
    Hostile(safeTensors(header(more: ",\"v\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}")), "unexpected field \"dtype\""),
    Hostile(safeTensors(header(more: ",\"v\":{\"strides\":[1]}")), "unexpected field \"strides\""),
    Hostile(safeTensors(header(more: ",\"__metadata__\":{\"a\":1}")), "no \"\"\""),
    Hostile(safeTensors(header(more: ",\"__metadata__\":{\"a\":\"\",\"a\":\"\"}")), "names \"a\" twice"),
    Hostile(safeTensors(header(more: ",\"\\ud800\":{}")), "half a surrogate pair"),
    Hostile(safeTensors(header(more: ",\"\\ud800\\u0041\":{}")), "half a surrogate pair"),
    Hostile(safeTensors(header(more: ",\"\\x\":{}")), "unknown escape"),
    Hostile(safeTensors(header(more: ",\"\\u12\":{}")), "unknown escape"),
    Hostile(safeTensors(header(more: ",\"\n\":{}")), "control character"),
    Hostile(safeTensors(header(more: ",\"open")), "no \"\"\""),
    Hostile(safeTensors(header() + "{}"), "more text"),
    Hostile(safeTensors("{"), "no \"\"\""),
    Hostile(safeTensors("{" + String(repeating: "[", count: 100_000)), "no \"\"\""),
    Hostile(safeTensors("{\"a\":" + String(repeating: "{\"a\":", count: 100_000)), "unexpected field"),
    Hostile(safeTensors("{}"), "cover 0 bytes of data, and the file has 24"),
  ]

  @Test(arguments: headers)
  func aWrongHeaderIsRefused(_ hostile: Hostile) throws {
    let error = try #require(try refusal(of: hostile.bytes))
    #expect(error.kind == .data)
    #expect(error.problem.contains(hostile.says), "\(error)")
  }

  @Test func tooManyTensorsAreRefused() throws {
    let tensors = (0...200_000).map { "\"\($0)\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}" }
    let error = try #require(try refusal(of: safeTensors("{" + tensors.joined(separator: ",") + "}", data: [])))
    #expect(error.problem == "the header lists more than 200000 tensors")
  }

  @Test(arguments: [31, 1000, 100_000_001, 1 << 39] as [UInt64])
  func anAbsurdHeaderLengthIsRefused(_ excess: UInt64) throws {
    let header = Self.header()
    let error = try #require(try refusal(of: safeTensors(header, length: UInt64(header.utf8.count) + excess)))
    #expect(error.problem.contains("is announced"))
  }

  @Test func theHandMadeHeaderIsGood() throws {
    #expect(try refusal(of: safeTensors(Self.header() + "  ")) == nil)
    #expect(try refusal(of: safeTensors(Self.header(), length: 1 << 63))?.problem.contains("is no checkpoint") == true)
    let name = try #require(String(bytes: [0x22, 0xF0, 0x9F, 0x98, 0x80, 0x22], encoding: .utf8))
    let empty = ":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[24,24]}"
    #expect(try refusal(of: safeTensors(Self.header(more: ",\(name)\(empty)"))) == nil)
    #expect(try refusal(of: safeTensors(Self.header(more: ",\"\\ud83d\\ude00\"\(empty)"))) == nil)
    #expect(
      try refusal(of: safeTensors(Self.header(more: ",\"\\ud83d\\ude00\"\(empty),\(name)\(empty)")))?.problem
        .contains("twice") == true)
    #expect(try refusal(of: safeTensors(Self.header()), under: ["model"])?.kind == .usage)
  }

  private static let good = Pickle.whole(Pickle.dict("w", Pickle.tensor(shape: [2, 3], strides: [3, 1])))
  private static let entries: [(name: String, bytes: [UInt8])] = [("a/data.pkl", good), ("a/data/0", sixFloats)]

  static let archives: [Hostile] = [
    Hostile(zip(entries + [("a/data/0", sixFloats)]), "names \"a/data/0\" twice"),
    Hostile(zip(entries + [("b/data.pkl", good)]), "2 files called data.pkl"),
    Hostile(zip([("readme", [1])]), "0 files called data.pkl"),
    Hostile(zip([]), "0 files called data.pkl"),
    Hostile(
      zip(entries, lies: ["a/data/0": ZipLies(size: 25)]), "expects 6 elements of 4 bytes in a storage of 25 bytes"),
    Hostile(
      zip(entries, lies: ["a/data/0": ZipLies(size: 20)]), "expects 6 elements of 4 bytes in a storage of 20 bytes"),
    Hostile(zip(entries, lies: ["a/data/0": ZipLies(size: 1 << 30)]), "more bytes than the file has"),
    Hostile(zip(entries, lies: ["a/data/0": ZipLies(offset: 0)]), "is not where its archive says"),
    Hostile(zip(entries, lies: ["a/data/0": ZipLies(offset: 1)]), "is not where its archive says"),
    Hostile(zip(entries, lies: ["a/data/0": ZipLies(offset: 1 << 31)]), "contradictory sizes"),
    Hostile(zip(entries, lies: ["a/data/0": ZipLies(offset: .max, flags: 0)]), "contradictory sizes"),
    Hostile(zip(entries, lies: ["a/data/0": ZipLies(localName: "a/data/1")]), "is not where its archive says"),
    Hostile(zip(entries, lies: ["a/data/0": ZipLies(flags: 1)]), "compressed or encrypted"),
    Hostile(zip(entries, lies: ["a/data/0": ZipLies(method: 8)]), "compressed or encrypted"),
    Hostile(Array(zip(entries).dropLast(1)), "the download was cut short"),
    Hostile(zip(entries) + [0], "the download was cut short"),
    Hostile(zipCheckpoint(good, byteOrder: "big"), "big-endian"),
    Hostile(legacyCheckpoint(good, littleEndian: false), "big-endian"),
    Hostile(legacyCheckpoint(good, count: 5), "has 5 elements, and its tensors expect 6"),
    Hostile(legacyCheckpoint(good, count: -1), "has -1 elements"),
    Hostile(legacyCheckpoint(good, storage: Array(sixFloats.dropLast())), "ends too early"),
    Hostile(legacyCheckpoint(good, keys: []), "lacks the storage \"0\""),
    Hostile(legacyCheckpoint(good, keys: ["0", "0"]), "lists a storage twice"),
    Hostile(legacyCheckpoint(good, keys: ["1"]), "one that no tensor refers to"),
    Hostile(Pickle.whole(Pickle.dict("w", Pickle.none)), "a Python pickle, not written by torch.save"),
  ]

  @Test(arguments: archives)
  func aWrongArchiveIsRefused(_ hostile: Hostile) throws {
    let error = try #require(try refusal(of: hostile.bytes))
    #expect(error.kind == .data)
    #expect(error.problem.contains(hostile.says), "\(error)")
  }

  @Test func aCommentAndPaddingAtTheEndAreAllowed() throws {
    var archive = zip(Self.entries)
    archive.replaceSubrange(archive.count - 2..<archive.count, with: little(UInt16(5)) + Array("hello".utf8))
    #expect(try refusal(of: archive) == nil)
    #expect(try refusal(of: legacyCheckpoint(Self.good) + [0, 0, 0]) == nil)
  }

  static let refused: [(file: String, says: String)] = [
    ("deflated.pt", "is compressed or encrypted"),
    ("ambiguous.pt", "holds several state dicts, at \"model\", \"net\" / \"state_dict\""),
    ("ambiguous-top.pt", "holds several state dicts, at the top, \"model\""),
    ("unusual.pt", "its keys are \"generator\" (1 tensors), \"discriminator\" (1 tensors), \"step\""),
    ("tensor.pt", "holds a tensor and no dictionary"),
    ("list.pt", "holds a list and no dictionary"),
    ("no-tensors.pt", "holds no state dict"),
    ("negated.pt", "whose sign PyTorch would flip"),
    ("module.pt", "asks for \"torch.nn.modules.container.Sequential\""),
    ("torchscript.pt", "is a TorchScript archive"),
    ("arrays.npz", "is a NumPy .npz archive"),
    ("arrays.pkl", "is a Python pickle, not written by torch.save"),
    ("array.npy", "is a NumPy .npy array"),
  ]

  @Test(arguments: refused)
  func aFileOfAnotherKindIsNamed(_ foreign: (file: String, says: String)) throws {
    let error = try #require(throws: PullbackError.self) { try Checkpoint(contentsOf: Fixtures.path(foreign.file)) }
    #expect(error.kind == .data)
    #expect(error.problem.contains(foreign.says), "\(error)")
    #expect(error.advice != nil)
  }

  static let beginnings: [Hostile] = [
    Hostile([0x89] + Array("HDF\r\n\u{1A}\n".utf8), "an HDF5 file"),
    Hostile([0x08, 0x08, 0x12, 0x07] + Array("pytorch".utf8), "an ONNX model"),
    Hostile(Array("GGUF".utf8) + [3, 0, 0, 0], "a GGUF file"),
    Hostile([0x1C, 0, 0, 0] + Array("TFL3".utf8), "a TensorFlow Lite model"),
    Hostile([UInt8](repeating: 0, count: 257) + Array("ustar\u{0}00".utf8), "a tar archive"),
    Hostile([0x89] + Array("PNG\r\n".utf8), "a picture"),
    Hostile([0xFF, 0xD8, 0xFF, 0xE0], "a picture"),
    Hostile([0x1F, 0x8B, 8], "a gzip archive"),
    Hostile(Array("version https://git-lfs.github.com/spec/v1\n".utf8), "a Git LFS pointer"),
    Hostile(Array("<!DOCTYPE html>".utf8), "a web page"),
    Hostile(Array("hello".utf8), "is no checkpoint"),
    Hostile([], "is empty"),
  ]

  @Test(arguments: beginnings)
  func aBeginningOfAnotherKindIsNamed(_ foreign: Hostile) throws {
    let error = try #require(try refusal(of: foreign.bytes))
    #expect(error.problem.contains(foreign.says), "\(error)")
  }

  @Test func whatIsNoFileIsNoInput() throws {
    try withTemporaryFolder { folder in
      #expect(throws: PullbackError(.noInput, "/no/such", "cannot be opened: No such file or directory")) {
        try Checkpoint(contentsOf: "/no/such")
      }
      #expect(throws: PullbackError(.noInput, folder, "expected a file, found a folder")) {
        try Checkpoint(contentsOf: folder)
      }
      let pipe = "\(folder)/pipe"
      #expect(mkfifo(pipe, 0o600) == 0)
      #expect(throws: PullbackError(.noInput, pipe, "expected a file, found a device or pipe")) {
        try Checkpoint(contentsOf: pipe)
      }
    }
  }
}
