/// Makes damaged files out of good ones, the same from the same seed.
struct Mutator {
  private var state: UInt64
  /// What single mutations take their pieces from, and start from.
  let seeds: [[UInt8]]

  /// Numbers at which sizes and offsets go wrong.
  private static let edges: [UInt64] = [
    0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 40, UInt64(Int64.max), 1 << 63,
    .max,
  ]
  /// The text of header fields and of pickled names, to be found where another was expected.
  private static let words = [
    "\"dtype\":", "\"F32\"", "\"BOOL\"", "data_offsets", "[0,0]", "{", "}", "\\ud800", "__metadata__",
    "18446744073709551615", "ctorch._utils\n_rebuild_tensor_v2\n", "ctorch\nFloatStorage\n", "ctorch\nUntypedStorage\n",
    "cos\nsystem\n", "Q", "R", "\u{85}", "(t", "}q\u{0}", "h\u{0}", "e", "u", "b", "PK\u{1}\u{2}", "PK\u{3}\u{4}",
    "PK\u{6}\u{6}", "data.pkl", "byteorder",
  ].map { Array($0.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }) }

  init(seed: UInt64, seeds: [[UInt8]]) {
    state = seed
    self.seeds = seeds
  }

  /// SplitMix64 (Steele, Lea and Flood 2014).
  private mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  private mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }

  /// One of the seeds with one to six mutations.
  mutating func mutant() -> [UInt8] {
    var bytes = seeds[below(seeds.count)]
    for _ in 0...below(6) { mutate(&bytes) }
    return bytes
  }

  private mutating func mutate(_ bytes: inout [UInt8]) {
    let place = below(bytes.count)
    guard place < bytes.count else {
      bytes.append(UInt8(truncatingIfNeeded: next()))
      return
    }
    switch below(9) {
    case 0: bytes[place] ^= 1 << UInt8(below(8))
    case 1: bytes[place] = UInt8(truncatingIfNeeded: next())
    case 2: bytes.removeLast(bytes.count - place)
    case 3:
      // A length or an offset: another number of one, two, four or eight bytes, odd or slightly off.
      let width = min(1 << below(4), bytes.count - place)
      let old = (0..<width).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64(bytes[place + $1]) }
      let new = below(2) == 0 ? Self.edges[below(Self.edges.count)] : old &+ UInt64(below(17)) &- 8
      for i in 0..<width { bytes[place + i] = UInt8(truncatingIfNeeded: new >> UInt64(8 * i)) }
    case 4:
      // A decimal digit, which in a safetensors header is a size or an offset.
      if let digit = bytes[place...].firstIndex(where: { (0x30...0x39).contains($0) }) {
        bytes[digit] = UInt8(0x30 + below(10))
      }
    case 5: bytes.insert(contentsOf: Self.words[below(Self.words.count)], at: place)
    case 6: bytes.removeSubrange(place..<min(bytes.count, place + 1 + below(24)))
    case 7:
      // A piece of this or another file, inserted or laid over.
      let source = below(2) == 0 ? bytes : seeds[below(seeds.count)]
      let start = below(source.count)
      let piece = source[start..<min(source.count, start + 1 + below(200))]
      bytes.replaceSubrange(place..<(below(2) == 0 ? place : min(bytes.count, place + piece.count)), with: piece)
    default:
      // The same piece again and again: nesting, memo keys, duplicate names.
      let piece = bytes[place..<min(bytes.count, place + 1 + below(12))]
      bytes.insert(contentsOf: Array(repeatElement(piece, count: 1 + below(50)).joined()), at: place)
    }
  }
}
