import Checkpoints
import Foundation
import Pullbacks
import Testing

/// Good files, cut short and with flipped bits: each must be refused or read, and never crash.
@Suite struct DamageTests {
  static let files = ["types.safetensors", "parameters.pth", "parameters.pt"]

  @Test(arguments: files)
  func everyTruncationIsRefused(_ file: String) throws {
    let probe = try Probe()
    let bytes = try Fixtures.bytes(file)
    for length in 0..<bytes.count {
      let outcome = try probe.read(Array(bytes.prefix(length)))
      #expect(outcome.isRefusal, "\(file), cut after \(length) bytes, was read")
    }
  }

  /// Flips each bit of each byte in turn. What can still be read has the shapes of tensors that fit into the file.
  @Test(arguments: files)
  func noFlippedBitCrashes(_ file: String) throws {
    let probe = try Probe()
    let original = try Fixtures.bytes(file)
    var refused = 0
    for index in original.indices {
      var bytes = original
      bytes[index] ^= 1 << UInt8(index % 8)
      if try probe.read(bytes).isRefusal { refused += 1 }
    }
    // Most bytes of these small files are structure: damage there must be noticed more often than not.
    #expect(refused > original.count / 4)
    #expect(try !probe.read(original).isRefusal)
  }
}
