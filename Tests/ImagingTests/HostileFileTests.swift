import Pullbacks
import Testing

@testable import Imaging

/// Damaged and malicious files are errors: no crash, no absurd allocation, no picture made of part of a file.
struct HostileFileTests {
  @Test(arguments: [
    "rgb8.png", "rgb8-alpha-adam7.png", "palette4-alpha.png", "grey.jpg", "ycc420.jpg", "progressive.jpg", "cmyk.jpg",
    "restarts.jpg", "little6.jpg", "turned6.png",
  ])
  func everyTruncationIsAnError(name: String) throws {
    let whole = try Fixtures.bytes(name)
    for count in whole.indices {
      let error = #expect(throws: PullbackError.self, "the first \(count) bytes") {
        try Photograph(decoding: Array(whole[..<count]), name: name)
      }
      #expect(error?.kind == .data)
    }
  }

  /// A flipped byte may pass unnoticed, but must not crash, and whatever is decoded has the declared size.
  @Test(arguments: ["rgb16-adam7.png", "palette2-alpha.png", "progressive.jpg", "ycck.jpg", "big8.jpg", "turned5.png"])
  func damageNeverCrashes(name: String) throws {
    let whole = try Fixtures.bytes(name)
    for position in whole.indices {
      for mask in [0xFF, 0x01, 0x80] as [UInt8] {
        var damaged = whole
        damaged[position] ^= mask
        guard let photograph = try? Photograph(decoding: damaged, name: name) else { continue }
        let picture = photograph.picture
        #expect(picture.pixels.count == picture.width * picture.height * 3)
      }
    }
  }

  @Test(arguments: [
    (0, 7, "Invalid IHDR"), (13, 0, "Invalid IHDR"), (65_501, 1, "at most 100 million pixels"),
    (1, 2_147_483_647, "at most 100 million"), (10_001, 10_000, "10001 x 10000"),
    (2_147_483_647, 2_147_483_647, "at most 100 million"), (10_000, 10_000, "cannot hold"),
  ])
  func sizesOfPNG(width: Int, height: Int, problem: String) throws {
    var bytes = try Fixtures.bytes("rgb8.png")
    bytes.replaceSubrange(16..<24, with: bigEndian(width, 4) + bigEndian(height, 4))
    bytes.replaceSubrange(29..<33, with: bigEndian(Int(checksum(bytes[12..<29])), 4))
    let error = try #require(throws: PullbackError.self) { try Photograph(decoding: bytes, name: "a.png") }
    #expect(error.kind == .data)
    #expect(error.problem.contains(problem))
  }

  @Test(arguments: [
    (0, 7, "Empty JPEG image"), (13, 0, "Empty JPEG image"), (65_501, 1, "Maximum supported image dimension"),
    (65_500, 65_500, "at most 100 million"), (10_000, 10_000, "cannot hold"),
  ])
  func sizesOfJPEG(width: Int, height: Int, problem: String) throws {
    var bytes = try Fixtures.bytes("progressive.jpg")
    let frame = try #require(bytes.indices.dropLast().first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC2 })
    bytes.replaceSubrange(frame + 5..<frame + 9, with: bigEndian(height, 2) + bigEndian(width, 2))
    let error = try #require(throws: PullbackError.self) { try Photograph(decoding: bytes, name: "a.jpg") }
    #expect(error.kind == .data)
    #expect(error.problem.contains(problem))
  }

  /// Scans that say in 15 bits that no coefficient changes: each costs a few bytes and a pass over the picture.
  @Test func scansAreBounded() throws {
    let whole = try Fixtures.bytes("progressive.jpg")
    let table: [UInt8] = [0xFF, 0xC4, 0, 20, 0x10, 1] + Array(repeating: 0, count: 15) + [0xE0]
    let scan: [UInt8] = [0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 63, 0] + [0x00, 0x01]
    func file(_ count: Int) -> [UInt8] {
      Array(whole.dropLast(2)) + table + Array(repeatElement(scan, count: count).joined()) + [0xFF, 0xD9]
    }
    let unchanged = try Photograph(decoding: file(80), name: "patient.jpg")
    #expect(try unchanged == Photograph(decoding: whole, name: "progressive.jpg"))
    let error = try #require(throws: PullbackError.self) { try Photograph(decoding: file(150), name: "bomb.jpg") }
    #expect(error.problem.contains("more than 100 scans"))
  }

  private func bigEndian(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).reversed().map { UInt8(value >> (8 * $0) & 0xFF) }
  }
}

/// The CRC-32 of PNG, annex D.
func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
  ~bytes.reduce(~0) { sum, byte in
    (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
  }
}
