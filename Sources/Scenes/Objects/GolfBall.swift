import Foundation

/// A golf ball: a shaded sphere with rows of dimples in perspective, perhaps on a tee.
enum GolfBall: ObjectDrawing {
  static let body = Part(.golfBall, "ball", .body)
  static let dimples = Part(.golfBall, "dimples", .detail, diagnostic: true, on: "ball")
  static let stripe = Part(.golfBall, "mark", .detail, on: "ball")
  static let tee = Part(.golfBall, "tee", .support)
  static let parts = [body, dimples, stripe, tee]
  static let tilt = 0.5
  static let stands = true

  static func draw(_ p: Painter, _ dice: inout Dice) {
    let tint =
      dice.chance(0.6)
      ? Tint(0.95, 0.95, 0.93).mixed(dice.tint((0, 1), (0.3, 0.6), (0.7, 0.9)), dice.number(0, 0.15))
      : dice.tint((0, 1), (0.35, 0.9), (0.7, 1))
    p.begin(tee)
    if dice.chance(0.4) {
      let wood = dice.tint((0, 1), (0.3, 0.9), (0.6, 0.95))
      let length = dice.number(1.35, 1.7)
      p.move(-0.26, 0.9)
      p.curve(-0.1, 1.02, -0.07, 1.1, -0.02, length)
      p.line(0.02, length)
      p.curve(0.07, 1.1, 0.1, 1.02, 0.26, 0.9)
      p.close()
      p.solid(wood)
    }
    p.begin(body)
    p.circle(0, 0, 1)
    p.ball(tint, gloss: 0.85)

    p.begin(stripe)
    let hasStripe = dice.chance(0.4)
    let ink = dice.tint((0, 1), (0.7, 0.95), (0.3, 0.7))
    let (x, y) = (dice.number(-0.25, 0.25), dice.number(-0.3, 0.3))
    if hasStripe {
      p.path([(x - 0.3, y + 0.03), (x, y), (x + 0.3, y + 0.03)])
      p.stroke(ink, 0.09)
    }

    p.begin(dimples)
    draw(dimplesOn: p, &dice, tint, count: dice.whole(110...190))
    p.begin(body)
    p.glow(p.light.x * 0.45, p.light.y * 0.45, 0.3, 0.3, Tint.white.faded(0.55))
  }

  /// Dimples on a turned Fibonacci lattice, each a foreshortened disc with a dark bed and a lit rim.
  private static func draw(dimplesOn p: Painter, _ dice: inout Dice, _ tint: Tint, count: Int) {
    let (a, b) = (dice.number(0, 2 * .pi), dice.number(0, .pi))
    let (ca, sa, cb, sb) = (cos(a), sin(a), cos(b), sin(b))
    let radius = 1.42 / Double(count).squareRoot()
    var discs: [(x: Double, y: Double, depth: Double, turn: Double)] = []
    for i in 0..<count {
      let h = 1 - 2 * (Double(i) + 0.5) / Double(count)
      let ring = (1 - h * h).squareRoot()
      let angle = Double(i) * 2.399963
      let (u, v) = (ring * cos(angle), ring * sin(angle))
      let (x, w) = (u * ca - v * sa, u * sa + v * ca)
      let (y, z) = (h * cb - w * sb, h * sb + w * cb)
      if z > 0.18 { discs.append((x, y, z, atan2(y, x))) }
    }
    let reach = 1 - radius * 0.55
    for disc in discs where disc.x * disc.x + disc.y * disc.y < 1 {
      p.ellipse(disc.x * reach, disc.y * reach, radius * disc.depth, radius, turn: disc.turn)
    }
    p.flat(tint.dark(0.42))
    if p.isPicture {
      let shift = radius * 0.42
      for disc in discs {
        p.ellipse(
          disc.x * reach - p.light.x * shift, disc.y * reach - p.light.y * shift, radius * disc.depth * 0.62,
          radius * 0.62, turn: disc.turn)
      }
      p.shade(tint.lit(0.5).faded(0.8))
    }
    p.begin(body)
    p.circle(0, 0, 1)
    p.wash(
      (p.light.x * 0.3, p.light.y * 0.3), (-p.light.x, -p.light.y),
      [(0, Tint.black.faded(0)), (1, Tint(0.05, 0.04, 0.12, alpha: 0.45 * p.style.contrast))])
  }
}
