import Foundation

/// A parachute in the air: round canopy of coloured panels or a ram-air wing, cords, a jumper or a crate below.
enum Parachute: ObjectDrawing {
  static let body = Part(.parachute, "canopy", .body)
  static let panels = Part(.parachute, "panels", .detail, on: "canopy")
  static let cords = Part(.parachute, "cords", .support, diagnostic: true)
  static let load = Part(.parachute, "jumper", .appendage, diagnostic: true)
  static let parts = [body, panels, cords, load]
  static let tilt = 0.35
  static let stands = false

  static func draw(_ p: Painter, _ dice: inout Dice) {
    let first = dice.tint((0, 1), (0.5, 0.95), (0.6, 0.98))
    let second = dice.chance(0.5) ? Tint(0.96, 0.95, 0.9) : dice.tint((0, 1), (0.4, 0.95), (0.4, 0.98))
    let isRound = dice.chance(0.68)
    let count = isRound ? dice.whole(5...8) : dice.whole(5...7)
    let rim = isRound ? dice.number(-0.2, -0.05) : -0.42
    let drop = dice.number(0.5, 0.66)
    let knot = (x: dice.number(-0.08, 0.08), y: drop)
    let top = isRound ? rim - dice.number(0.55, 0.72) : dice.number(-0.85, -0.72)
    let edge = (0...count).map { i -> Point in
      let u = 2 * Double(i) / Double(count) - 1
      let x = sin(u * .pi / 2) * 0.9
      return isRound ? (x, rim + 0.07 * (1 - u * u)) : (x * 1.05, rim + 0.42 * u * u)
    }

    p.begin(cords)
    for point in edge {
      p.move(point.x, point.y - 0.02)
      p.line(knot.x, knot.y)
    }
    p.stroke(dice.chance(0.5) ? Tint(grey: 0.12) : Tint(0.95, 0.93, 0.88), 0.02)

    load(p, &dice, knot)

    p.begin(body)
    canopy(p, edge, top, isRound: isRound)
    p.solid(first)
    p.begin(panels)
    for i in stride(from: 1, to: count, by: 2) {
      gore(p, edge[i], edge[i + 1], top, isRound: isRound)
      p.solid(second, outlined: false)
    }
    p.begin(body)
    for i in 1..<count {
      rib(p, edge[i], top, isRound: isRound)
    }
    p.mark(first.dark(0.65).faded(0.6), 0.016)
    canopy(p, edge, top, isRound: isRound)
    p.wash(
      (p.light.x * 0.7, p.light.y * 0.4 + top / 2), (-p.light.x * 0.8, -p.light.y * 0.6 + rim),
      [
        (0, Tint.white.faded(0.35 * p.style.contrast)), (0.4, Tint.white.faded(0)), (0.5, Tint.black.faded(0)),
        (1, Tint(0.05, 0.03, 0.15, alpha: 0.5 * p.style.contrast)),
      ])
  }

  private static func canopy(_ p: Painter, _ edge: [Point], _ top: Double, isRound: Bool) {
    let (left, right) = (edge[0], edge[edge.count - 1])
    p.move(left.x, left.y)
    if isRound {
      p.curve(left.x, top * 0.75 + left.y * 0.25, left.x * 0.55, top, 0, top)
      p.curve(right.x * 0.55, top, right.x, top * 0.75 + right.y * 0.25, right.x, right.y)
    } else {
      p.line(left.x * 1.04, left.y - 0.2)
      p.curve(left.x * 0.7, top, right.x * 0.7, top, right.x * 1.04, right.y - 0.2)
      p.line(right.x, right.y)
    }
    for i in (0..<edge.count - 1).reversed() { scallop(p, edge[i + 1], edge[i]) }
    p.close()
  }

  /// The hem between two cords is drawn in.
  private static func scallop(_ p: Painter, _ a: Point, _ b: Point) {
    let (x, y) = ((a.x + b.x) / 2, (a.y + b.y) / 2 - 0.07)
    p.curve(x, y, x, y, b.x, b.y)
  }

  private static func crest(_ point: Point, _ top: Double, isRound: Bool) -> Point {
    isRound ? (point.x * 0.06, top) : (point.x * 1.01, top + 0.1 + 0.28 * point.x * point.x)
  }

  private static func rib(_ p: Painter, _ point: Point, _ top: Double, isRound: Bool) {
    p.move(point.x, point.y)
    let end = crest(point, top, isRound: isRound)
    if isRound {
      p.curve(point.x, top * 0.75 + point.y * 0.25, point.x * 0.6, top + 0.01, end.x, end.y)
    } else {
      p.line(end.x, end.y)
    }
  }

  private static func gore(_ p: Painter, _ a: Point, _ b: Point, _ top: Double, isRound: Bool) {
    rib(p, a, top, isRound: isRound)
    let end = crest(b, top, isRound: isRound)
    p.line(end.x, end.y)
    if isRound {
      p.curve(b.x * 0.6, top + 0.01, b.x, top * 0.75 + b.y * 0.25, b.x, b.y)
    } else {
      p.line(b.x, b.y)
    }
    scallop(p, b, a)
    p.close()
  }

  private static func load(_ p: Painter, _ dice: inout Dice, _ knot: Point) {
    p.begin(load)
    let suit = dice.tint((0, 1), (0.4, 0.9), (0.3, 0.9))
    let skin = dice.pick([Tint(0.95, 0.78, 0.64), Tint(0.78, 0.55, 0.4), Tint(0.45, 0.29, 0.2)])
    let helmet = dice.tint((0, 1), (0.3, 0.9), (0.4, 0.95))
    let isCrate = dice.chance(0.25)
    let swing = dice.number(-0.1, 0.1)
    let (x, y) = knot
    if isCrate {
      p.box(x - 0.17, y - 0.01, 0.34, 0.3)
      p.solid(Tint(0.72, 0.5, 0.28))
      p.trace([(x - 0.17, y + 0.29), (x + 0.17, y), (x, y), (x, y + 0.29)])
      p.mark(Tint(0.35, 0.2, 0.08), 0.035)
      return
    }
    for side in [-1.0, 1.0] {
      p.trace([(x, y + 0.1), (x + side * 0.15, y + 0.02), (x + side * 0.1, y - 0.12)])
      p.stroke(suit.lit(0.1), 0.07)
      p.trace([(x, y + 0.26), (x + side * 0.07 + swing * 0.5, y + 0.38), (x + side * 0.09 + swing, y + 0.5)])
      p.stroke(suit.dark(0.3), 0.085)
    }
    p.box(x - 0.095, y + 0.03, 0.19, 0.27, radius: 0.07)
    p.solid(suit)
    p.circle(x, y - 0.06, 0.085)
    p.solid(skin)
    p.move(x - 0.095, y - 0.06)
    p.curve(x - 0.095, y - 0.19, x + 0.095, y - 0.19, x + 0.095, y - 0.06)
    p.close()
    p.solid(helmet, outlined: false)
  }
}
