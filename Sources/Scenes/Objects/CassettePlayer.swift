import Foundation

/// A portable cassette player from the front: a window with two reels, speakers, a row of keys, a dial, a handle.
enum CassettePlayer: ObjectDrawing {
  static let body = Part(.cassettePlayer, "case", .body)
  static let handle = Part(.cassettePlayer, "handle", .support)
  static let antenna = Part(.cassettePlayer, "antenna", .appendage)
  static let speakers = Part(.cassettePlayer, "speakers", .detail, diagnostic: true)
  static let window = Part(.cassettePlayer, "window", .detail, diagnostic: true)
  static let reels = Part(.cassettePlayer, "reels", .detail, diagnostic: true, on: "window")
  static let keys = Part(.cassettePlayer, "keys", .appendage, diagnostic: true)
  static let dial = Part(.cassettePlayer, "dial", .detail)
  static let parts = [body, handle, antenna, speakers, window, reels, keys, dial]
  static let tilt = 0.3
  static let stands = true

  static func draw(_ p: Painter, _ dice: inout Dice) {
    let tint = dice.chance(0.4) ? Tint(grey: dice.number(0.2, 0.8)) : dice.tint((0, 1), (0.4, 0.85), (0.4, 0.9))
    let trim = dice.chance(0.5) ? Tint(grey: 0.82) : tint.dark(0.5)
    let isBoombox = dice.chance(0.62)
    let half = isBoombox ? 1.0 : dice.number(0.5, 0.62)
    let (top, bottom) = isBoombox ? (-0.42, dice.number(0.4, 0.55)) : (-0.62, dice.number(0.55, 0.8))

    let isRaised = dice.chance(0.75)
    p.begin(handle)
    if isRaised {
      let rise = top - dice.number(0.2, 0.32)
      p.path([(-half * 0.72, top + 0.05), (-half * 0.7, rise), (half * 0.7, rise), (half * 0.72, top + 0.05)])
      p.tube(trim, 0.08)
    }
    p.begin(antenna)
    let reach = dice.number(0.15, 0.5)
    if dice.chance(0.6) {
      p.trace([(half * 0.82, top + 0.05), (half * 0.82 + reach * 0.5, top - reach)])
      p.stroke(Tint(grey: 0.75), 0.03)
      p.circle(half * 0.82 + reach * 0.5, top - reach, 0.03)
      p.flat(Tint(grey: 0.9))
    }
    p.begin(keys)
    let keyTint = dice.chance(0.5) ? Tint(grey: dice.number(0.75, 0.95)) : dice.tint((0, 1), (0.5, 0.9), (0.6, 0.95))
    let keyWidth = half * 0.2
    for i in 0..<6 {
      let x = -half * 0.63 + Double(i) * keyWidth * 1.06
      p.box(x, top - 0.09, keyWidth * 0.9, 0.2, radius: 0.02)
      p.solid(i == 5 ? Tint(0.85, 0.15, 0.12) : keyTint)
    }
    p.begin(body)
    p.box(-half, top, half * 2, bottom - top, radius: dice.number(0.04, 0.16))
    p.solid(tint)
    p.box(-half + 0.05, top + 0.05, half * 2 - 0.1, bottom - top - 0.1, radius: 0.06)
    p.mark(tint.lit(0.45).faded(0.8), 0.018)

    if isBoombox {
      boombox(p, &dice, tint, trim, top, bottom)
    } else {
      walkman(p, &dice, tint, trim, half, top, bottom)
    }
  }

  private static func boombox(
    _ p: Painter, _ dice: inout Dice, _ tint: Tint, _ trim: Tint, _ top: Double, _ bottom: Double
  ) {
    let r = min(0.3, (bottom - top) * 0.36)
    let y = bottom - r - 0.08
    p.begin(speakers)
    for x in [-0.64, 0.64] { speaker(p, x, y, r, trim) }
    p.begin(dial)
    p.box(-0.85, top + 0.08, 1.7, 0.11, radius: 0.02)
    p.solid(Tint(0.95, 0.9, 0.72), depth: 0.5)
    for i in 0..<12 {
      let x = -0.8 + Double(i) * 0.145
      p.move(x, top + 0.1)
      p.line(x, top + 0.15)
    }
    p.mark(Tint(grey: 0.15), 0.015)
    let needle = dice.number(-0.7, 0.7)
    p.trace([(needle, top + 0.09), (needle, top + 0.18)])
    p.mark(Tint(0.9, 0.1, 0.05), 0.03)
    tape(p, &dice, 0, y - 0.02, 0.29, 0.21)
  }

  private static func walkman(
    _ p: Painter, _ dice: inout Dice, _ tint: Tint, _ trim: Tint, _ half: Double, _ top: Double, _ bottom: Double
  ) {
    tape(p, &dice, 0, top + 0.36, half * 0.8, 0.24)
    p.begin(speakers)
    let middle = (top + 0.62 + bottom) / 2
    let r = min(half * 0.55, (bottom - top - 0.72) / 2)
    speaker(p, -half * 0.3, middle, r, trim)
    p.begin(dial)
    for (i, y) in [middle - r * 0.45, middle + r * 0.45].enumerated() {
      p.circle(half * 0.6, y, half * 0.17)
      p.ball(i == 0 ? trim : tint.lit(0.4))
      p.trace([(half * 0.6, y), (half * 0.6 + 0.05, y - 0.07)])
      p.mark(.black, 0.025)
    }
  }

  private static func speaker(_ p: Painter, _ x: Double, _ y: Double, _ r: Double, _ trim: Tint) {
    p.circle(x, y, r)
    p.solid(trim, depth: 1.2)
    p.circle(x, y, r * 0.85)
    p.solid(Tint(grey: 0.17), outlined: false)
    for share in [0.66, 0.48] {
      p.circle(x, y, r * share)
      p.mark(Tint(grey: 0.42), 0.022)
    }
    p.circle(x, y, r * 0.28)
    p.ball(Tint(grey: 0.42))
  }

  /// The window with its cassette, about the middle given.
  private static func tape(
    _ p: Painter, _ dice: inout Dice, _ x: Double, _ y: Double, _ halfWidth: Double, _ halfHeight: Double
  ) {
    p.begin(window)
    p.box(x - halfWidth, y - halfHeight, halfWidth * 2, halfHeight * 2, radius: 0.04)
    p.solid(Tint(grey: 0.13))
    let label = dice.tint((0, 1), (0.2, 0.8), (0.75, 1))
    p.box(x - halfWidth * 0.86, y - halfHeight * 0.78, halfWidth * 1.72, halfHeight * 1.5, radius: 0.03)
    p.solid(label, depth: 0.5, outlined: false)
    p.box(x - halfWidth * 0.7, y - halfHeight * 0.36, halfWidth * 1.4, halfHeight * 0.78, radius: halfHeight * 0.36)
    p.flat(Tint(grey: 0.16))
    p.begin(reels)
    let r = halfHeight * 0.33
    let full = dice.number(0.2, 0.8)
    for (side, share) in [(-1.0, full), (1.0, 1 - full)] {
      let cx = x + side * halfWidth * 0.4
      p.circle(cx, y, r * (1 + share * 0.35))
      p.flat(Tint(0.36, 0.2, 0.12))
      p.circle(cx, y, r)
      p.flat(Tint(grey: 0.95))
      let turn = dice.number(0, 1)
      for spoke in 0..<3 {
        let angle = turn + Double(spoke) * .pi / 3
        p.move(cx - r * 0.8 * cos(angle), y - r * 0.8 * sin(angle))
        p.line(cx + r * 0.8 * cos(angle), y + r * 0.8 * sin(angle))
      }
      p.mark(Tint(grey: 0.2), r * 0.2)
    }
    p.begin(window)
    p.polygon([
      (x - halfWidth * 0.8, y - halfHeight), (x - halfWidth * 0.4, y - halfHeight),
      (x - halfWidth * 0.75, y + halfHeight),
      (x - halfWidth, y + halfHeight), (x - halfWidth, y),
    ])
    p.shade(Tint.white.faded(0.16))
  }
}
