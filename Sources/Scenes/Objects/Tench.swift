import Foundation

/// A fish from the side, its head to the left: deep body, fins, a red eye, barbels at the mouth.
enum Tench: ObjectDrawing {
  static let body = Part(.tench, "body", .body)
  static let gill = Part(.tench, "gill cover", .detail, on: "body")
  static let tail = Part(.tench, "tail", .appendage, diagnostic: true)
  static let dorsalFin = Part(.tench, "dorsal fin", .support, diagnostic: true)
  static let lowerFins = Part(.tench, "lower fins", .support, diagnostic: true)
  static let eye = Part(.tench, "eye", .detail, diagnostic: true, on: "body")
  static let barbels = Part(.tench, "barbels", .appendage)
  static let parts = [body, gill, tail, dorsalFin, lowerFins, eye, barbels]
  static let tilt = 0.6
  static let stands = false

  static func draw(_ p: Painter, _ dice: inout Dice) {
    let tint =
      dice.chance(0.6)
      ? dice.tint((0.09, 0.27), (0.35, 0.75), (0.4, 0.75)) : dice.tint((0, 1), (0.3, 0.85), (0.45, 0.9))
    let fin = tint.mixed(dice.tint((-0.05, 0.15), (0.4, 0.9), (0.3, 0.8)), dice.number(0.2, 0.7)).dark(0.2)
    let belly = tint.mixed(Tint(0.98, 0.88, 0.6), dice.number(0.45, 0.8))
    let (back, under) = (dice.number(0.27, 0.4), dice.number(0.27, 0.4))
    let bend = dice.number(-0.09, 0.09)

    p.begin(tail)
    let spread = dice.number(0.28, 0.44)
    let (upper, lower, notch) = (bend - spread, bend + spread, dice.number(0.8, 0.92))
    p.move(0.56, bend - 0.07)
    p.curve(0.7, bend - 0.12, 0.85, upper, 1, upper)
    p.curve(1.04, bend - 0.2, notch, bend - 0.1, notch, bend)
    p.curve(notch, bend + 0.1, 1.04, bend + 0.2, 1, lower)
    p.curve(0.85, lower, 0.7, bend + 0.12, 0.56, bend + 0.07)
    p.close()
    p.solid(fin)
    rays(p, fin, from: (0.64, bend), (0.95, upper * 0.8), (0.95, lower * 0.8), count: 6)

    p.begin(dorsalFin)
    let height = dice.number(0.2, 0.34)
    p.move(-0.22, -back * 0.85)
    p.curve(-0.12, -back - height, 0.12, -back - height, 0.3, -back - height * 0.35)
    p.curve(0.34, -back, 0.32, -back * 0.7, 0.36, -back * 0.5)
    p.close()
    p.solid(fin)
    rays(p, fin, from: (0.05, -back * 0.4), (-0.12, -back - height * 0.7), (0.3, -back - height * 0.3), count: 6)

    p.begin(lowerFins)
    for (x, size) in [(-0.12, 0.26), (0.38, 0.2)] {
      p.move(x - 0.1, under * 0.6)
      p.curve(x, under + size * 0.8, x + 0.1, under + size, x + 0.24, under + size * 0.8)
      p.curve(x + 0.2, under + size * 0.3, x + 0.14, under * 0.8, x + 0.14, under * 0.55)
      p.close()
      p.solid(fin)
      rays(p, fin, from: (x, under * 0.7), (x + 0.06, under + size * 0.7), (x + 0.2, under + size * 0.7), count: 4)
    }

    p.begin(barbels)
    p.path([(-0.93, 0.12), (-0.98, 0.2), (-0.94, 0.29)])
    p.stroke(fin.dark(0.2), 0.035)
    p.path([(-0.86, 0.14), (-0.88, 0.22), (-0.83, 0.28)])
    p.stroke(fin.dark(0.2), 0.03)

    p.begin(body)
    outline(p, back, under, bend)
    p.linear((-0.1, -back), (0, under), [(0, tint.dark(0.45)), (0.35, tint), (0.65, tint.lit(0.15)), (1, belly)])
    scales(p, tint)
    p.glow(-0.2, -back * 0.5, 0.5, back * 0.28, Tint.white.faded(0.35 * p.style.contrast))
    p.path([(-0.97, 0.06), (-0.88, 0.1), (-0.82, 0.09)])
    p.mark(tint.dark(0.75), 0.03)

    p.begin(gill)
    p.move(-0.5, -back * 0.55)
    p.curve(-0.36, -0.1, -0.38, 0.12, -0.52, under * 0.62)
    p.curve(-0.62, 0.2, -0.62, -0.1, -0.5, -back * 0.55)
    p.close()
    p.solid(tint.mixed(belly, 0.35), outlined: false)
    p.path([(-0.5, -back * 0.55), (-0.4, 0), (-0.52, under * 0.62)])
    p.mark(tint.dark(0.6), 0.035)
    p.begin(lowerFins)
    p.blob([(-0.4, 0.1), (-0.28, 0.08), (-0.14, 0.2), (-0.2, 0.26), (-0.33, 0.2)])
    p.solid(fin)

    p.begin(eye)
    let size = dice.number(0.075, 0.1)
    p.circle(-0.7, -0.08, size)
    p.flat(dice.pick([Tint(0.9, 0.3, 0.12), Tint(0.95, 0.75, 0.2), .white]), outlined: true)
    p.circle(-0.71, -0.08, size * 0.58)
    p.flat(Tint(0.04, 0.03, 0.05))
    p.circle(-0.73, -0.11, size * 0.2)
    p.shade(.white)
  }

  private static func outline(_ p: Painter, _ back: Double, _ under: Double, _ bend: Double) {
    p.blob([
      (-1, 0.04), (-0.88, -0.1), (-0.6, -back * 0.8), (-0.15, -back), (0.3, -back * 0.66), (0.62, bend - 0.1),
      (0.68, bend), (0.62, bend + 0.1), (0.25, under * 0.72), (-0.2, under), (-0.62, under * 0.7), (-0.92, 0.13),
    ])
  }

  private static func rays(
    _ p: Painter, _ fin: Tint, from root: Point, _ first: Point, _ last: Point, count: Int
  ) {
    guard p.isPicture else { return }
    for i in 0..<count {
      let share = Double(i) / Double(count - 1)
      p.move(root.x, root.y)
      p.line(first.x + (last.x - first.x) * share, first.y + (last.y - first.y) * share)
    }
    p.mark(fin.dark(0.5).faded(0.7), 0.016)
  }

  /// Rows of small arcs.
  private static func scales(_ p: Painter, _ tint: Tint) {
    guard p.isPicture else { return }
    for row in -2...2 {
      let y = Double(row) * 0.11
      let reach = 0.52 - abs(Double(row)) * 0.12
      var x = -0.28 + (row % 2 == 0 ? 0.0 : 0.06)
      while x < reach {
        p.move(x, y - 0.05)
        p.curve(x + 0.06, y - 0.03, x + 0.06, y + 0.03, x, y + 0.05)
        x += 0.12
      }
    }
    p.mark(tint.dark(0.55).faded(0.65), 0.018)
  }
}
