import Foundation

/// A chain saw from the side, its bar to the left: toothed chain around the bar, housing, two handles, starter.
enum ChainSaw: ObjectDrawing {
  static let body = Part(.chainSaw, "housing", .body)
  static let bar = Part(.chainSaw, "guide bar", .appendage, diagnostic: true)
  static let chain = Part(.chainSaw, "chain", .detail, diagnostic: true, on: "guide bar")
  static let frontHandle = Part(.chainSaw, "front handle", .support, diagnostic: true)
  static let rearHandle = Part(.chainSaw, "rear handle", .support, diagnostic: true)
  static let starter = Part(.chainSaw, "starter", .detail)
  static let guardPlate = Part(.chainSaw, "hand guard", .appendage)
  static let parts = [body, bar, chain, frontHandle, rearHandle, starter, guardPlate]
  static let tilt = 0.55
  static let stands = false

  static func draw(_ p: Painter, _ dice: inout Dice) {
    let tint =
      dice.chance(0.5) ? dice.tint((0, 0.1), (0.75, 0.95), (0.75, 0.98)) : dice.tint((0, 1), (0.5, 0.9), (0.45, 0.9))
    let trim = dice.chance(0.6) ? Tint(grey: dice.number(0.14, 0.3)) : Tint(grey: 0.85)
    let reach = dice.number(0.95, 1.25)
    let tip = 0.1 - reach
    let half = dice.number(0.1, 0.145)
    let y = 0.13

    p.begin(rearHandle)
    p.move(0.62, -0.12)
    p.curve(0.85, -0.2, 1.08, -0.1, 1.06, 0.1)
    p.curve(1.05, 0.3, 0.9, 0.34, 0.6, 0.3)
    p.tube(trim, 0.12, gloss: 0.4)

    p.begin(chain)
    teeth(p, tip, half, y)
    p.begin(bar)
    p.box(tip, y - half * 0.78, 0.3 - tip, half * 1.56, radius: half * 0.78)
    p.linear(
      (0, y - half), (0, y + half),
      [(0, Tint(grey: 0.92)), (0.45, Tint(0.7, 0.72, 0.76)), (0.55, Tint(0.55, 0.57, 0.62)), (1, Tint(grey: 0.82))])
    p.box(tip + 0.26, y - half * 0.16, -tip * 0.55, half * 0.32, radius: half * 0.16)
    p.shade(tint.dark(0.35).faded(0.85))
    p.circle(tip + half * 0.75, y, half * 0.2)
    p.shade(Tint(grey: 0.3))

    p.begin(body)
    let back = dice.number(0.6, 0.74)
    let high = dice.number(-0.34, -0.24)
    p.blob([
      (-0.08, -0.06), (0.02, high + 0.04), (0.25, high), (0.5, high + 0.03), (back, -0.14), (back + 0.03, 0.18),
      (back - 0.06, 0.37), (0.3, 0.4), (-0.02, 0.36), (-0.1, 0.2),
    ])
    p.solid(tint)
    p.polygon([(-0.06, 0.24), (back - 0.02, 0.22), (back - 0.07, 0.36), (0.3, 0.395), (-0.02, 0.35)])
    p.solid(trim, outlined: false)
    for i in 0..<4 {
      p.move(0.06 + Double(i) * 0.08, high + 0.1)
      p.line(0.02 + Double(i) * 0.08, high + 0.22)
    }
    p.mark(tint.dark(0.75), 0.03)
    p.circle(0.03, 0.14, 0.055)
    p.shade(Tint(grey: 0.2))
    p.circle(0.03, 0.14, 0.025)
    p.shade(Tint(grey: 0.8))

    p.begin(starter)
    p.circle(0.42, 0.06, 0.2)
    p.solid(tint.lit(0.2), depth: 1.2)
    p.circle(0.42, 0.06, 0.14)
    p.solid(trim, outlined: false)
    for i in 0..<6 {
      let angle = Double(i) * .pi / 3 + 0.2
      p.move(0.42 + 0.05 * cos(angle), 0.06 + 0.05 * sin(angle))
      p.line(0.42 + 0.12 * cos(angle), 0.06 + 0.12 * sin(angle))
    }
    p.mark(tint.lit(0.35), 0.028)

    p.begin(frontHandle)
    let rise = dice.number(-0.62, -0.5)
    p.path([(0.0, 0.0), (0.0, rise + 0.16), (0.12, rise), (0.34, rise + 0.03), (0.44, high + 0.06)])
    p.tube(trim, 0.095, gloss: 0.4)
    p.begin(guardPlate)
    p.blob([(-0.16, rise + 0.06), (-0.06, rise + 0.03), (-0.03, -0.1), (-0.1, -0.05), (-0.19, rise + 0.2)])
    p.solid(trim.lit(0.15))
  }

  /// The chain: a dark band with cutters all around the bar.
  private static func teeth(_ p: Painter, _ tip: Double, _ half: Double, _ y: Double) {
    let steel = Tint(0.24, 0.24, 0.27)
    let length = 0.1 - tip
    let count = Int(length / 0.105)
    for i in 0..<count {
      let x = tip + half * 0.8 + Double(i) * 0.105
      for (edge, way) in [(y - half * 0.9, -1.0), (y + half * 0.9, 1.0)] {
        p.polygon([(x, edge), (x + 0.012, edge + way * 0.075), (x + 0.055, edge + way * 0.055), (x + 0.07, edge)])
      }
    }
    for i in -2...2 {
      let angle = .pi + Double(i) * 0.6
      let (c, s) = (cos(angle), sin(angle))
      let (cx, r) = (tip + half * 0.8, half)
      p.polygon([
        (cx + c * r - s * 0.03, y + s * r + c * 0.03), (cx + c * (r + 0.075), y + s * (r + 0.075)),
        (cx + c * r + s * 0.03, y + s * r - c * 0.03),
      ])
    }
    p.flat(steel, outlined: false)
    p.box(tip - half * 0.2, y - half, 0.35 - tip, half * 2, radius: half)
    p.solid(steel.lit(0.12), outlined: false)
  }
}
