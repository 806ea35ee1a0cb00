import Foundation

/// A spaniel, standing in profile with its head to the left or sitting and looking at us: long ears, white blaze,
/// patches, feathered legs and tail.
enum EnglishSpringer: ObjectDrawing {
  static let body = Part(.englishSpringer, "body", .body)
  static let patches = Part(.englishSpringer, "patches", .detail, on: "body")
  static let legs = Part(.englishSpringer, "legs", .support)
  static let tail = Part(.englishSpringer, "tail", .appendage)
  static let head = Part(.englishSpringer, "head", .appendage, diagnostic: true)
  static let ears = Part(.englishSpringer, "ears", .appendage, diagnostic: true, on: "head")
  static let muzzle = Part(.englishSpringer, "muzzle", .detail, diagnostic: true, on: "head")
  static let eye = Part(.englishSpringer, "eye", .detail, on: "head")
  static let parts = [body, patches, legs, tail, head, ears, muzzle, eye]
  static let tilt = 0.12
  static let stands = true

  static func draw(_ p: Painter, _ dice: inout Dice) {
    let coat = dice.pick([
      dice.tint((0.02, 0.06), (0.55, 0.75), (0.3, 0.5)), dice.tint((0.05, 0.09), (0.55, 0.8), (0.5, 0.72)),
      Tint(0.13, 0.12, 0.15), dice.tint((0.6, 0.7), (0.15, 0.4), (0.25, 0.45)),
    ])
    let white = Tint(0.96, 0.94, 0.9).mixed(coat, dice.number(0, 0.15))
    let feather = white.mixed(coat, 0.15)
    if dice.chance(0.35) { return SittingSpringer.draw(p, &dice, coat, white) }
    let stride = dice.number(-0.12, 0.12)
    let length = dice.number(0.5, 0.66)

    p.begin(tail)
    let wag = dice.number(-0.32, 0.1)
    p.blob([
      (length - 0.06, -0.24), (length + 0.16, -0.3 + wag * 0.5), (length + 0.36, -0.34 + wag),
      (length + 0.3, -0.2 + wag), (length + 0.2, -0.12 + wag * 0.4), (length - 0.02, -0.1),
    ])
    p.solid(coat.mixed(white, 0.3))

    p.begin(legs)
    leg(p, white.dark(0.3), -0.28 - stride, lean: -stride)
    leg(p, white.dark(0.3), length - 0.2 + stride, lean: stride + 0.05)

    p.begin(body)
    p.blob([
      (-0.52, -0.26), (-0.25, -0.33), (0.2, -0.3), (length, -0.3), (length + 0.1, -0.12), (length, 0.1),
      (0.25, 0.1), (0, 0.2), (-0.32, 0.27), (-0.55, 0.12),
    ])
    p.solid(white)
    fringe(p, feather.dark(0.18), [(-0.4, 0.22), (-0.2, 0.22), (0, 0.17), (0.18, 0.1)], depth: 0.12)

    p.begin(patches)
    let shift = dice.number(-0.1, 0.12)
    p.blob([
      (-0.12 + shift, -0.31), (0.25 + shift, -0.29), (0.3 + shift, -0.06), (0.12 + shift, 0.05), (-0.1 + shift, -0.08),
    ])
    p.solid(coat, outlined: false)
    p.blob([(length - 0.16, -0.3), (length + 0.05, -0.26), (length + 0.06, -0.1), (length - 0.1, -0.04)])
    p.solid(coat, outlined: false)
    for _ in 0..<5 {
      p.circle(dice.number(-0.4, length), dice.number(-0.1, 0.1), dice.number(0.015, 0.03))
      p.shade(coat)
    }

    p.begin(legs)
    leg(p, white, -0.38 + stride, lean: stride)
    leg(p, white, length - 0.08 - stride, lean: -stride + 0.06)

    head(p, &dice, coat, white)
  }

  private static func head(_ p: Painter, _ dice: inout Dice, _ coat: Tint, _ white: Tint) {
    let nod = dice.number(-0.3, 0.3)
    p.place(x: -0.46, y: -0.2, turn: nod) {
      p.begin(head)
      p.blob([(-0.18, -0.3), (0.08, -0.28), (0.16, 0.06), (0.02, 0.3), (-0.2, 0.24), (-0.22, 0)])
      p.solid(white)
    }
    p.place(x: -0.6, y: -0.48, scale: 1.15, turn: nod * 0.7) {
      p.begin(head)
      p.blob([(-0.22, -0.06), (-0.14, -0.22), (0.04, -0.27), (0.2, -0.16), (0.2, 0.08), (0.02, 0.18), (-0.18, 0.14)])
      p.solid(coat)
      p.begin(muzzle)
      p.blob([
        (-0.24, -0.12), (-0.34, -0.04), (-0.5, -0.02), (-0.54, 0.06), (-0.48, 0.15), (-0.3, 0.18), (-0.12, 0.14),
        (-0.12, -0.02), (-0.18, -0.16),
      ])
      p.solid(white)
      p.path([(-0.5, 0.11), (-0.38, 0.12), (-0.26, 0.09)])
      p.mark(Tint(0.25, 0.12, 0.12), 0.022)
      p.ellipse(-0.52, 0.02, 0.06, 0.052)
      p.flat(Tint(0.1, 0.07, 0.08))
      p.circle(-0.54, 0.0, 0.016)
      p.shade(Tint.white.faded(0.8))
      for spot: Point in [(-0.38, 0.06), (-0.33, 0.1), (-0.29, 0.05)] { p.circle(spot.x, spot.y, 0.013) }
      p.shade(coat)
      p.begin(eye)
      p.ellipse(-0.15, -0.07, 0.045, 0.04)
      p.flat(Tint(0.12, 0.06, 0.03))
      p.circle(-0.165, -0.085, 0.014)
      p.shade(.white)
      p.begin(ears)
      let swing = dice.number(-0.06, 0.08)
      p.blob([
        (-0.02, -0.17), (0.12, -0.2), (0.22, -0.06), (0.24 + swing, 0.2), (0.17 + swing, 0.4), (0.04 + swing, 0.4),
        (-0.04 + swing, 0.22), (-0.05, 0),
      ])
      p.solid(coat.dark(0.18), depth: 1.3)
      for x in [0.04, 0.1, 0.16] {
        p.path([(x, 0.1), (x + 0.02 + swing, 0.22), (x - 0.01 + swing, 0.36)])
        p.mark(coat.dark(0.6).faded(0.7), 0.02)
      }
    }
  }

  private static func leg(_ p: Painter, _ tint: Tint, _ x: Double, lean: Double) {
    let foot = x + lean
    p.blob([
      (x - 0.11, -0.02), (x + 0.13, -0.02), (x + 0.1, 0.25), (foot + 0.06, 0.52), (foot + 0.05, 0.68),
      (foot - 0.12, 0.7), (foot - 0.13, 0.62), (foot - 0.06, 0.5), (x - 0.08, 0.25),
    ])
    p.solid(tint)
    fringe(p, tint.dark(0.15), [(x + 0.1, 0.14), (x + 0.09, 0.26), (foot + 0.07, 0.4)], depth: 0.05)
  }

  /// Short hanging strands.
  private static func fringe(_ p: Painter, _ tint: Tint, _ roots: [Point], depth: Double) {
    for root in roots {
      p.move(root.x - 0.07, root.y - 0.04)
      p.curve(root.x - 0.02, root.y + depth, root.x + 0.02, root.y + depth, root.x + 0.05, root.y + depth)
      p.curve(root.x + 0.05, root.y + depth / 2, root.x + 0.06, root.y, root.x + 0.07, root.y - 0.04)
      p.close()
      p.solid(tint, outlined: false)
    }
  }
}

/// The English springer from the front, sitting.
enum SittingSpringer {
  static func draw(_ p: Painter, _ dice: inout Dice, _ coat: Tint, _ white: Tint) {
    typealias Dog = EnglishSpringer
    let wide = dice.number(0.9, 1.1)
    p.begin(Dog.tail)
    let wag = dice.number(-0.2, 0.15)
    p.blob([(0.3, 0.62), (0.52, 0.5 + wag), (0.74, 0.34 + wag), (0.72, 0.52 + wag), (0.5, 0.74)])
    p.solid(coat.mixed(white, 0.3))

    p.begin(Dog.body)
    p.blob([
      (-0.2, -0.3), (0.2, -0.3), (0.34 * wide, 0), (0.46 * wide, 0.5), (0.5 * wide, 0.78), (0.2, 0.86), (-0.2, 0.86),
      (-0.5 * wide, 0.78), (-0.46 * wide, 0.5), (-0.34 * wide, 0),
    ])
    p.solid(white)
    p.begin(Dog.patches)
    let side = dice.chance(0.5) ? 1.0 : -1.0
    for (way, drop) in [(side, 0.0), (-side, 0.26)] {
      p.blob([
        (way * 0.2, 0.12 + drop), (way * 0.36 * wide, 0.08 + drop), (way * 0.44 * wide, 0.45 + drop * 0.7),
        (way * 0.3, 0.5 + drop * 0.7),
      ])
      p.solid(coat, outlined: false)
    }

    p.begin(Dog.legs)
    for way in [-1.0, 1.0] {
      p.ellipse(way * 0.42 * wide, 0.83, 0.17, 0.09)
      p.solid(white.dark(0.08))
      p.blob([
        (way * 0.04, 0.05), (way * 0.22, 0.05), (way * 0.22, 0.5), (way * 0.25, 0.82), (way * 0.14, 0.92),
        (way * 0.03, 0.84), (way * 0.06, 0.5),
      ])
      p.solid(white, depth: 1.1)
      for x in [0.1, 0.16] {
        p.move(way * x, 0.83)
        p.line(way * x, 0.89)
      }
      p.mark(white.dark(0.6), 0.018)
    }
    p.begin(Dog.body)
    for (x, y) in [(-0.14, 0.02), (0.02, 0.1), (0.14, 0.0)] {
      p.move(x - 0.1, y - 0.1)
      p.curve(x - 0.03, y + 0.14, x + 0.02, y + 0.16, x + 0.02, y + 0.18)
      p.curve(x + 0.04, y + 0.1, x + 0.09, y + 0.02, x + 0.1, y - 0.1)
      p.close()
      p.solid(white.dark(0.06), outlined: false)
    }
    let nod = dice.number(-0.22, 0.22)
    p.place(x: dice.number(-0.05, 0.05), y: -0.42, scale: dice.number(0.95, 1.15), turn: nod) {
      head(p, &dice, coat, white)
    }
  }

  private static func head(_ p: Painter, _ dice: inout Dice, _ coat: Tint, _ white: Tint) {
    typealias Dog = EnglishSpringer
    p.begin(Dog.head)
    p.blob([(-0.16, -0.34), (0.16, -0.34), (0.29, -0.12), (0.22, 0.14), (0, 0.24), (-0.22, 0.14), (-0.29, -0.12)])
    p.solid(coat)
    p.begin(Dog.muzzle)
    p.blob([
      (0, -0.36), (0.05, -0.2), (0.06, -0.06), (0.17, 0.06), (0.17, 0.2), (0, 0.29), (-0.17, 0.2), (-0.17, 0.06),
      (-0.06, -0.06), (-0.05, -0.2),
    ])
    p.solid(white)
    if dice.chance(0.4) {
      p.blob([(-0.06, 0.2), (0.06, 0.2), (0.05, 0.34), (-0.03, 0.35)])
      p.flat(Tint(0.9, 0.42, 0.45), outlined: true)
    }
    p.trace([(0, 0.09), (0, 0.18)])
    p.path([(-0.1, 0.19), (0, 0.18), (0.1, 0.19)])
    p.mark(Tint(0.25, 0.12, 0.12), 0.022)
    p.blob([(-0.075, 0.03), (0.075, 0.03), (0.04, 0.1), (-0.04, 0.1)])
    p.flat(Tint(0.1, 0.07, 0.08))
    p.circle(-0.025, 0.045, 0.016)
    p.shade(Tint.white.faded(0.8))
    for (x, y) in [(-0.11, 0.12), (-0.13, 0.16), (0.11, 0.12), (0.13, 0.16)] { p.circle(x, y, 0.012) }
    p.shade(coat)
    p.begin(Dog.eye)
    for x in [-0.135, 0.135] {
      p.ellipse(x, -0.07, 0.045, 0.048)
      p.flat(Tint(0.12, 0.06, 0.03))
      p.circle(x - 0.015, -0.09, 0.015)
      p.shade(.white)
    }
    p.begin(Dog.ears)
    let length = dice.number(0.3, 0.42)
    for way in [-1.0, 1.0] {
      p.blob([
        (way * 0.17, -0.3), (way * 0.3, -0.27), (way * 0.42, 0), (way * 0.45, length - 0.1), (way * 0.36, length),
        (way * 0.25, length - 0.08), (way * 0.24, -0.02),
      ])
      p.solid(coat.dark(0.2), depth: 1.3)
      for x in [0.3, 0.37] {
        p.path([(way * x, 0.02), (way * (x + 0.02), length * 0.5), (way * x, length - 0.05)])
        p.mark(coat.dark(0.6).faded(0.7), 0.02)
      }
    }
  }
}
