import Foundation
import Testing

@testable import Scenes

@Suite struct SensorTests {
  /// A grey surface with one white pixel, seen by the camera of a scene for which `holds` is true.
  func exposure(size: Int, grey: UInt8, where holds: (Difficulty) -> Bool) -> (Difficulty, [UInt8]) {
    let scene = (0..<5000).lazy.map { Scene(seed: 9, index: $0, label: .church) }.first { holds($0.difficulty) }!
    var data = [UInt8](repeating: grey, count: size * size * 4)
    for byte in 0..<4 { data[(size / 2 * size + size / 2) * 4 + byte] = 255 }
    let sensor = Sensor(size: size, bank: nil)
    let pixels = data.withUnsafeMutableBufferPointer {
      sensor.expose($0.baseAddress!, stride: size * 4, scene)
    }
    return (scene.difficulty, pixels)
  }

  @Test func noiseHasTheDeviationStated() {
    let (difficulty, pixels) = exposure(size: 128, grey: 128) { $0.noise > 0.08 && $0.blur == 0 }
    let errors = pixels.map { Double($0) - 128 }
    let mean = errors.reduce(0, +) / Double(errors.count)
    let deviation = (errors.reduce(0) { $0 + $1 * $1 } / Double(errors.count) - mean * mean).squareRoot()
    #expect(abs(mean) < 0.6)
    #expect(abs(deviation - 255 * difficulty.noise) < 0.03 * 255 * difficulty.noise)
  }

  @Test func blurIsAGaussian() {
    let size = 96
    let (difficulty, pixels) = exposure(size: size, grey: 0) { $0.noise < 0.0005 && $0.blur > 0.6 }
    let at = { (x: Int, y: Int) in Double(pixels[(y * size + x) * 3 + 1]) }
    let (middle, side) = (at(48, 48), at(49, 48))
    #expect(abs(side / middle - exp(-1 / (2 * difficulty.blur * difficulty.blur))) < 0.06)
    #expect([at(47, 48), at(48, 47), at(48, 49)].allSatisfy { abs($0 - side) <= 1 })
    #expect(at(60, 48) <= 1)
  }

  @Test func tintsFollowHueSaturationAndValue() {
    let red = Tint(hue: 0, saturation: 1, value: 1)
    #expect((red.red, red.green, red.blue) == (1, 0, 0))
    let teal = Tint(hue: 0.5, saturation: 0.5, value: 0.8)
    #expect(abs(teal.red - 0.4) < 1e-12 && abs(teal.green - 0.8) < 1e-12 && abs(teal.blue - 0.8) < 1e-12)
    let wrapped = Tint(hue: -0.5, saturation: 0.5, value: 0.8)
    #expect(wrapped.red == teal.red && wrapped.green == teal.green)
  }

  @Test func diceStayInTheirRanges() {
    var dice = Dice(seed: 1, "test", index: 3)
    let wholes = (0..<400).map { _ in dice.whole(2...5) }
    #expect(Set(wholes) == [2, 3, 4, 5])
    #expect((0..<400).allSatisfy { _ in (-1..<3).contains(dice.number(-1, 3)) })
    var again = Dice(seed: 1, "test", index: 3)
    #expect((0..<400).map { _ in again.whole(2...5) } == wholes)
  }
}
