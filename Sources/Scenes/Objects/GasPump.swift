import Foundation

/// A petrol pump from the front: cabinet with display and grade buttons, a sign on top, a hose with its nozzle.
enum GasPump: ObjectDrawing {
  static let body = Part(.gasPump, "cabinet", .body)
  static let base = Part(.gasPump, "base", .support)
  static let sign = Part(.gasPump, "sign", .appendage)
  static let display = Part(.gasPump, "display", .detail, diagnostic: true)
  static let buttons = Part(.gasPump, "buttons", .detail)
  static let hose = Part(.gasPump, "hose", .appendage, diagnostic: true)
  static let nozzle = Part(.gasPump, "nozzle", .support, diagnostic: true)
  static let parts = [body, base, sign, display, buttons, hose, nozzle]
  static let tilt = 0.08
  static let stands = true

  static func draw(_ p: Painter, _ dice: inout Dice) {
    let tint = dice.tint((0, 1), (0.3, 0.92), (0.5, 0.95))
    let trim = dice.chance(0.5) ? Tint(0.95, 0.94, 0.9) : dice.tint((0, 1), (0.2, 0.8), (0.6, 0.98))
    let half = dice.number(0.34, 0.46)
    let top = dice.number(-0.72, -0.6)
    let radius = dice.number(0.02, 0.14)

    p.begin(sign)
    let kind = dice.whole(0...2)
    if kind == 0 {
      p.box(-0.06, top - 0.1, 0.12, 0.14)
      p.solid(trim.dark(0.3))
      p.circle(0, top - 0.23, 0.2)
      p.ball(trim)
      p.circle(0, top - 0.23, 0.1)
      p.shade(tint.dark(0.1))
    } else if kind == 1 {
      p.box(-half * 1.1, top - 0.24, half * 2.2, 0.27, radius: 0.05)
      p.solid(trim)
      p.box(-half * 0.8, top - 0.16, half * 1.6, 0.09, radius: 0.03)
      p.shade(tint.dark(0.15))
    } else {
      p.box(-half * 0.7, top - 0.09, half * 1.4, 0.13, radius: 0.06)
      p.solid(trim)
    }
    p.begin(base)
    p.box(-half - 0.1, 0.86, half * 2 + 0.2, 0.12, radius: 0.02)
    p.solid(Tint(grey: 0.55))

    p.begin(body)
    p.box(-half, top, half * 2, 0.88 - top, radius: radius)
    p.solid(tint)
    p.box(-half * 0.82, 0.16, half * 1.64, 0.6, radius: 0.04)
    p.shade(trim.faded(0.92))
    p.box(-half * 0.82, 0.16, half * 1.64, 0.6, radius: 0.04)
    p.wash((-half, 0.1), (half, 0.8), [(0, Tint.white.faded(0.25)), (1, Tint.black.faded(0.3))])
    p.blob([(0, 0.3), (0.11, 0.48), (0.07, 0.6), (-0.07, 0.6), (-0.11, 0.48)])
    p.shade(tint.dark(0.2))

    p.begin(display)
    let lit = dice.pick([Tint(0.75, 0.9, 0.7), Tint(0.08, 0.14, 0.1), Tint(0.96, 0.96, 0.9), Tint(0.65, 0.82, 0.92)])
    let ink = lit.green > 0.5 ? Tint(0.08, 0.1, 0.12) : Tint(1, 0.45, 0.15)
    p.box(-half * 0.8, top + 0.1, half * 1.6, 0.46, radius: 0.03)
    p.solid(Tint(grey: 0.16))
    for y in [top + 0.14, top + 0.35] {
      p.box(-half * 0.7, y, half * 1.4, 0.17, radius: 0.015)
      p.solid(lit, depth: 0.4, outlined: false)
      for i in 0..<4 {
        let x = -half * 0.52 + Double(i) * half * 0.34
        digit(p, &dice, x, y + 0.03, half * 0.17, 0.11, ink)
      }
    }
    p.begin(buttons)
    for (i, tint) in [Tint(0.9, 0.2, 0.15), Tint(0.95, 0.8, 0.15), Tint(0.2, 0.65, 0.3)].enumerated() {
      p.circle(-half * 0.5 + Double(i) * half * 0.5, top + 0.68, 0.055)
      p.solid(tint)
    }

    let side = half + 0.05
    p.begin(hose)
    let sag = dice.number(0.5, 0.75)
    let out = dice.number(0.3, 0.44)
    p.move(half * 0.6, top + 0.03)
    p.curve(half + 0.1, top - 0.22, half + out * 1.3, top + 0.1, half + out * 1.05, 0.1)
    p.curve(half + out, sag, half + 0.1, sag + 0.16, side + 0.09, 0.14)
    p.tube(Tint(grey: 0.16), 0.085, gloss: 0.5)

    p.begin(nozzle)
    let grip = dice.pick([Tint(0.85, 0.15, 0.12), Tint(0.1, 0.45, 0.25), Tint(0.15, 0.2, 0.5), Tint(0.95, 0.7, 0.1)])
    p.box(half - 0.02, -0.2, 0.1, 0.3)
    p.solid(Tint(grey: 0.3))
    p.path([(side + 0.02, -0.2), (side + 0.02, -0.38), (side - 0.06, -0.46), (side - 0.18, -0.48)])
    p.tube(Tint(grey: 0.78), 0.055)
    p.blob([
      (side - 0.03, -0.26), (side + 0.1, -0.3), (side + 0.15, -0.1), (side + 0.15, 0.12), (side + 0.05, 0.16),
      (side + 0.02, 0),
    ])
    p.solid(grip, depth: 1.2)
    p.path([(side + 0.14, -0.16), (side + 0.22, -0.06), (side + 0.14, 0.08)])
    p.stroke(Tint(grey: 0.2), 0.035)
  }

  /// One to three of a digit's seven strokes missing.
  private static func digit(
    _ p: Painter, _ dice: inout Dice, _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ ink: Tint
  ) {
    let shape = dice.whole(0...3)
    let (right, middle, bottom) = (x + width, y + height / 2, y + height)
    p.move(right, y)
    p.line(right, bottom)
    if shape != 1 {
      p.trace([(right, y), (x, y), (x, shape == 2 ? middle : bottom), (right, shape == 2 ? middle : bottom)])
    }
    if shape == 3 { p.trace([(x, middle), (right, middle)]) }
    p.mark(ink, 0.028)
  }
}
