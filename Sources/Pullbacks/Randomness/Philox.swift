/// Philox4x32-10: four random words for every value of a 128-bit counter, under a 64-bit key.
///
/// A counter-based generator is a function, not a sequence: word 12 million costs what the first one costs, and no
/// order of asking changes what is answered. Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (SC
/// 2011).
struct Philox: Sendable {
  typealias Block = SIMD4<UInt32>

  let key: UInt64

  subscript(counter: Block) -> Block {
    var block = counter
    var (low, high) = (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32))
    for _ in 0..<10 {
      let first = UInt64(block[0]) &* 0xD251_1F53
      let second = UInt64(block[2]) &* 0xCD9E_8D57
      block = Block(
        UInt32(truncatingIfNeeded: second >> 32) ^ block[1] ^ low, UInt32(truncatingIfNeeded: second),
        UInt32(truncatingIfNeeded: first >> 32) ^ block[3] ^ high, UInt32(truncatingIfNeeded: first))
      low = low &+ 0x9E37_79B9
      high = high &+ 0xBB67_AE85
    }
    return block
  }
}
