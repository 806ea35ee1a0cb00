import Pullbacks

/// The lines of Tests/Oracles/text_lines.py, drawn from the same random streams.
enum TextLines {
  static let count = 10_000

  private static let words =
    ("the cat sat on a windowsill while revenue fell and fuel prices rose don't we'll I've THE Keys cabinet running "
    + "unbelievable antibiotics 2,000 3.14 naïve café Straße coöperate İstanbul ΣΊΣΥΦΟΣ e-mail isn't over—under x² ½ "
    + "ＦＵＬＬ ﬁnal").split(separator: " ").map(String.init)

  private static let blocks: [(UInt32, UInt32)] = [
    (0xC0, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF), (0x590, 0x5FF), (0x600, 0x6FF), (0x900, 0x97F), (0xB80, 0xBFF),
    (0xE00, 0xE7F), (0xF00, 0xFFF), (0x1100, 0x11FF), (0x1680, 0x173F), (0x1880, 0x18AF), (0x1CD0, 0x1CFF),
    (0x1E00, 0x1EFF), (0x1F00, 0x1FFF), (0x2000, 0x206F), (0x2100, 0x218F), (0x2460, 0x24FF), (0x3040, 0x30FF),
    (0x3300, 0x33FF), (0x4E00, 0x4FFF), (0xAC00, 0xACFF), (0xA980, 0xA9FF), (0xF900, 0xF9FF), (0xFB00, 0xFB4F),
    (0xFE00, 0xFE2F), (0xFF00, 0xFFEF), (0x11100, 0x111FF), (0x11700, 0x1173F), (0x1D100, 0x1D1FF), (0x1D400, 0x1D4FF),
    (0x1F300, 0x1F6FF), (0x20000, 0x200FF), (0x2F800, 0x2F8FF), (0xE0000, 0xE007F),
  ]

  private static let spaces: [UInt32] = [
    0x09, 0x0A, 0x0D, 0x20, 0x20, 0x20, 0x85, 0xA0, 0x1680, 0x2003, 0x200B, 0x200D, 0x2028, 0x3000, 0xFEFF, 0x0B,
  ]

  private static let special = [
    "[MASK]", " [SEP]", "[CLS] ", "<mask>", " <mask> ", "</s>", "<|endoftext|>", "'S", "'LL", "'\u{17F}", "'re",
    "\u{212A}", "[mask]", "Zebra", "zebra", "zebras", "\u{344}", "\u{1E9B}\u{323}", "\u{F77}\u{F71}", "👩‍👩‍👧‍👦", "🇩🇪",
    "\u{0}", "\u{FFFD}",
  ]

  static func line(_ number: Int) -> String {
    let stream = RandomStream(seed: 21, "text lines", image: number)
    var position = 0
    func below(_ bound: Int) -> Int {
      defer { position += 1 }
      return Int((UInt64(stream[position]) * UInt64(bound)) >> 32)
    }
    var bytes: [UInt8] = []
    func add(_ scalar: UInt32) { bytes += UTF8.encode(Unicode.Scalar(scalar)!)! }
    for _ in 0..<1 + below(16) {
      switch below(14) {
      case ..<6:
        if below(8) > 0 { add(0x20) }
        bytes += words[below(words.count)].utf8
      case 6:
        let scalar = UInt32(below(0x110000 - 0x800))
        add(scalar < 0xD800 ? scalar : scalar + 0x800)
      case ..<9:
        let (first, last) = blocks[below(blocks.count)]
        for _ in 0..<1 + below(4) { add(first + UInt32(below(Int(last - first) + 1))) }
      case 9: for _ in 0..<1 + below(3) { add(0x300 + UInt32(below(0x70))) }
      case 10: for _ in 0..<1 + below(3) { add(spaces[below(spaces.count)]) }
      case 11: for _ in 0..<1 + below(5) { add(0x21 + UInt32(below(0x5E))) }
      case 12: bytes += special[below(special.count)].utf8
      default: for _ in 0..<1 + below(3) { bytes.append(UInt8(0x80 + below(0x80))) }
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  static let all = (0..<count).map(line)
}
