import Foundation

/// A French horn: coiled tube, a wide flared bell, rotary valves with levers, lead pipe and mouthpiece.
enum FrenchHorn: ObjectDrawing {
  static let body = Part(.frenchHorn, "coils", .body)
  static let bell = Part(.frenchHorn, "bell", .appendage, diagnostic: true)
  static let valves = Part(.frenchHorn, "valves", .detail, diagnostic: true)
  static let leadPipe = Part(.frenchHorn, "lead pipe", .support, diagnostic: true)
  static let mouthpiece = Part(.frenchHorn, "mouthpiece", .appendage, on: "lead pipe")
  static let parts = [body, bell, valves, leadPipe, mouthpiece]
  static let tilt = 0.7
  static let stands = false

  static func draw(_ p: Painter, _ dice: inout Dice) {
    let brass =
      dice.chance(0.72)
      ? dice.tint((0.08, 0.15), (0.55, 0.85), (0.78, 0.98))
      : dice.pick([Tint(0.78, 0.8, 0.84), dice.tint((0, 1), (0.3, 0.75), (0.6, 0.95))])
    let width = dice.number(0.085, 0.115)
    let r = dice.number(0.5, 0.6)

    p.begin(leadPipe)
    p.path([(-0.2, -r), (-0.5, -r * 0.9), (-0.78, -0.62), (-0.98, -0.78)])
    p.tube(brass, width * 0.62)
    p.begin(mouthpiece)
    p.polygon([(-0.93, -0.79), (-1.0, -0.7), (-1.15, -0.83), (-1.03, -0.97)])
    p.solid(Tint(0.86, 0.87, 0.9), depth: 1.3)

    p.begin(body)
    p.circle(0, 0, r)
    p.tube(brass, width)
    p.ellipse(0.02, 0.03, r * 0.7, r * 0.74)
    p.tube(brass.dark(0.06), width * 0.85)
    p.path([(-r * 0.62, 0.28), (-0.1, r * 0.42), (0.32, 0.12), (0.18, -0.28), (-0.2, -0.3), (-0.34, 0)])
    p.tube(brass, width * 0.7)
    for y in [-0.06, 0.08] {
      p.path([(-0.3, y), (0.1, y + 0.02), (0.22, y + 0.06), (0.1, y + 0.09), (-0.28, y + 0.07)])
      p.tube(brass.lit(0.1), width * 0.5)
    }

    p.begin(valves)
    for i in 0..<3 {
      let (x, y) = (-0.32 + Double(i) * 0.17, -0.02 - Double(i) * 0.03)
      p.trace([(x, y - 0.05), (x - 0.05, y - 0.3)])
      p.stroke(Tint(0.86, 0.87, 0.9), 0.035)
      p.ellipse(x - 0.06, y - 0.33, 0.065, 0.04)
      p.solid(Tint(0.9, 0.91, 0.94))
      p.circle(x, y, 0.088)
      p.ball(brass.mixed(Tint(0.85, 0.86, 0.9), 0.55))
      p.circle(x, y, 0.035)
      p.shade(brass.dark(0.6))
    }

    p.begin(bell)
    let size = dice.number(0.4, 0.52)
    let (x, y) = (0.62, 0.46)
    p.move(-0.12, r + width * 0.45)
    p.curve(0.14, r + 0.06, 0.24, 0.62, x - size * 0.62, y + size * 0.62)
    p.line(x + size * 0.3, y - size * 0.75)
    p.curve(0.62, 0.04, r + 0.14, 0.1, r - width * 0.45, -0.06)
    p.curve(r - 0.1, 0.3, 0.3, r - 0.1, -0.12, r - width * 0.45)
    p.close()
    p.linear(
      (0.1, 0.3), (0.55, 0.85),
      [(0, brass.dark(0.5)), (0.3, brass), (0.5, brass.lit(0.7)), (0.7, brass), (1, brass.dark(0.45))])
    p.place(x: x, y: y, turn: -0.62) {
      p.ellipse(0, 0, size * 0.72, size)
      p.solid(brass.lit(0.35), depth: 1.1)
      p.ellipse(0.02, 0, size * 0.62, size * 0.9)
      p.linear(
        (-size * 0.6, 0), (size * 0.6, 0), [(0, brass.dark(0.75)), (0.45, brass.dark(0.25)), (1, brass.lit(0.4))],
        outlined: false)
      p.ellipse(-size * 0.2, 0, size * 0.24, size * 0.4)
      p.shade(Tint(0.1, 0.06, 0.03, alpha: 0.75))
    }
  }
}
