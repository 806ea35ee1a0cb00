import Failures
import Foundation
import Onnx
import TestKit
import Testing

/// Damaged files: whatever the bytes are, reading ends in a network or in a `PullbackError`.
@Suite struct FuzzTests {
  static let seeds =
    ReadingTests.files.filter { $0 != "halves" }.map { file in
      [UInt8](try! Data(contentsOf: ReadingTests.folder.appendingPathComponent("\(file).onnx")))
    }
    + WindowTests.files.map { file in
      [UInt8](try! Data(contentsOf: URL(fileURLWithPath: Fixture.path("onnx-windows/\(file).onnx"))))
    }

  /// Some hundred mutants; `ONNX_FUZZ_SECONDS` asks for more of them.
  @Test func damagedFilesEndInErrors() throws {
    let seconds = ProcessInfo.processInfo.environment["ONNX_FUZZ_SECONDS"].flatMap(Double.init)
    var mutator = OnnxMutator(seed: seconds == nil ? 1 : UInt64(Date().timeIntervalSince1970), seeds: Self.seeds)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("onnx-fuzz-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("model.onnx")
    let start = Date()
    var (read, refused) = (0, 0)
    while seconds == nil ? read + refused < 400 : Date().timeIntervalSince(start) < seconds! {
      let bytes = mutator.mutant()
      // Left behind where reading it ends the program.
      try Data(bytes).write(to: file)
      do {
        _ = try OnnxModel(contentsOf: file)
        read += 1
      } catch is PullbackError {
        refused += 1
      } catch {
        Issue.record("another error: \(error)")
      }
    }
    if seconds != nil { print("\(read + refused) mutants, of which \(read) were read") }
    #expect(refused > 0)
  }
}

/// Makes damaged files out of good ones, the same from the same seed.
struct OnnxMutator {
  private var state: UInt64
  private let seeds: [[UInt8]]

  init(seed: UInt64, seeds: [[UInt8]]) { (state, self.seeds) = (seed, seeds) }

  /// Variable-length numbers at which sizes go wrong: 0, -1, the largest, 2^31, 2^40.
  private static let numbers: [[UInt8]] = [
    [0], [1], [0x7F], [0xFF, 0x7F], [0xFF, 0xFF, 0xFF, 0xFF, 0x07], [0x80, 0x80, 0x80, 0x80, 0x08],
    [0x80, 0x80, 0x80, 0x80, 0x80, 0x20], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
    [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
  ]
  private static let words = [
    "Conv", "MatMul", "Reshape", "Slice", "Gather", "Concat", "Expand", "Resize", "Pad", "Split", "Where", "Einsum",
    "Squeeze", "Tile", "Trilu", "Range", "ConstantOfShape", "Gemm", "MaxPool", "ScatterND", "GatherND", "CumSum",
    "TopK", "ArgMax", "Hardmax", "GridSample", "AffineGrid", "ConvTranspose", "Softmax", "axis", "axes", "perm", "pads",
    "kernel_shape", "group", "x", "y",
  ].map { Array($0.utf8) }

  /// SplitMix64 (Steele, Lea and Flood 2014).
  private mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  private mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }

  mutating func mutant() -> [UInt8] {
    var bytes = seeds[below(seeds.count)]
    for _ in 0...below(4) { mutate(&bytes) }
    return bytes
  }

  private mutating func mutate(_ bytes: inout [UInt8]) {
    let place = below(bytes.count)
    guard place < bytes.count else { return bytes.append(UInt8(truncatingIfNeeded: next())) }
    switch below(10) {
    case 0: bytes[place] ^= 1 << UInt8(below(8))
    case 1: bytes[place] = UInt8(truncatingIfNeeded: next())
    case 2: bytes.removeLast(bytes.count - place)
    case 3, 4:
      // A short number in the place of another: an extent, an axis, an attribute.
      if let small = bytes[place...].firstIndex(where: { $0 < 32 }) { bytes[small] = UInt8(below(64)) }
    case 5: bytes.replaceSubrange(place..<place + 1, with: Self.numbers[below(Self.numbers.count)])
    case 6:
      // A word of the same length, so that the messages around it stay whole.
      let word = Self.words[below(Self.words.count)]
      if let found = bytes[place...].firstIndex(of: UInt8(word.count)), found + word.count < bytes.count {
        bytes.replaceSubrange(found + 1...found + word.count, with: word)
      }
    case 7: bytes.removeSubrange(place..<min(bytes.count, place + 1 + below(24)))
    case 8:
      let source = seeds[below(seeds.count)]
      let start = below(source.count)
      let piece = source[start..<min(source.count, start + 1 + below(100))]
      bytes.replaceSubrange(place..<min(bytes.count, place + piece.count), with: piece)
    default:
      // A place where words stand is swapped with another of its length.
      let count = 1 + below(6)
      let other = below(max(1, bytes.count - count))
      guard place + count < bytes.count else { return }
      let (a, b) = (Array(bytes[place..<place + count]), Array(bytes[other..<other + count]))
      bytes.replaceSubrange(place..<place + count, with: b)
      bytes.replaceSubrange(other..<other + count, with: a)
    }
  }
}
