import Foundation

/// A garbage truck from the side, its cab to the left: ribbed body, tilted hopper with its mouth at the back, wheels.
enum GarbageTruck: ObjectDrawing {
  static let body = Part(.garbageTruck, "container", .body)
  static let ribs = Part(.garbageTruck, "ribs", .detail, on: "container")
  static let cab = Part(.garbageTruck, "cab", .appendage, diagnostic: true)
  static let window = Part(.garbageTruck, "window", .detail, on: "cab")
  static let hopper = Part(.garbageTruck, "hopper", .appendage, diagnostic: true)
  static let wheels = Part(.garbageTruck, "wheels", .support, diagnostic: true)
  static let lights = Part(.garbageTruck, "lights", .detail, on: "cab")
  static let parts = [body, ribs, cab, window, hopper, wheels, lights]
  static let tilt = 0.1
  static let stands = true

  static func draw(_ p: Painter, _ dice: inout Dice) {
    let tint = dice.chance(0.4)
      ? dice.tint((0.25, 0.45), (0.4, 0.8), (0.35, 0.75)) : dice.tint((0, 1), (0.35, 0.9), (0.5, 0.95))
    let cabTint = dice.chance(0.5) ? tint : dice.tint((0, 1), (0.05, 0.85), (0.6, 0.97))
    let roof = dice.number(-0.56, -0.42)
    let front = dice.number(-0.46, -0.36)
    let rear = dice.number(0.5, 0.62)
    let floor = 0.3

    p.begin(hopper)
    let drop = dice.number(0.38, 0.46)
    p.move(rear - 0.04, roof + 0.02)
    p.curve(rear + 0.16, roof - 0.02, 0.86, roof + 0.16, 0.98, -0.08)
    p.line(1.0, 0.04)
    p.line(0.8, 0.12)
    p.line(0.86, drop)
    p.line(rear + 0.02, drop)
    p.close()
    p.solid(tint.dark(0.18), depth: 1.2)
    p.polygon([(0.98, 0.02), (0.72, 0.1), (0.78, drop - 0.05), (0.86, drop - 0.02), (0.8, 0.14), (1.0, 0.05)])
    p.shade(Tint(0.08, 0.07, 0.08, alpha: 0.85))
    p.trace([(rear + 0.08, roof + 0.16), (0.84, -0.02)])
    p.mark(Tint(grey: 0.85), 0.045)
    p.box(rear + 0.05, drop - 0.07, 0.3, 0.055)
    p.wash(
      (rear, 0), (rear + 0.4, 0), [(0, Tint(0.95, 0.8, 0.1)), (0.5, Tint(0.95, 0.8, 0.1)), (0.5, .black), (1, .black)])

    p.begin(wheels)
    p.box(-0.92, floor - 0.04, 1.6, 0.12, radius: 0.03)
    p.solid(Tint(grey: 0.2), outlined: false)

    p.begin(body)
    p.move(front, floor)
    p.line(front, roof + 0.08)
    p.curve(front + 0.02, roof, front + 0.1, roof - 0.02, front + 0.2, roof - 0.02)
    p.line(rear, roof - 0.02)
    p.curve(rear + 0.06, roof + 0.2, rear + 0.06, 0.1, rear, floor)
    p.close()
    p.solid(tint)
    p.begin(ribs)
    let count = dice.whole(3...5)
    for i in 0..<count {
      let x = front + 0.12 + (rear - front - 0.24) * Double(i) / Double(count - 1)
      p.box(x - 0.022, roof + 0.06, 0.044, floor - roof - 0.1)
      p.solid(tint.dark(0.28), outlined: false)
      p.box(x - 0.022, roof + 0.06, 0.014, floor - roof - 0.1)
      p.shade(tint.lit(0.4))
    }
    p.begin(body)
    p.box(front, 0.1, rear - front, 0.08)
    p.shade(dice.tint((0, 1), (0, 0.9), (0.7, 1)).faded(0.85))

    cab(p, &dice, cabTint, front, floor)
    for x in [-0.68, 0.16, 0.46] { wheel(p, x, 0.4, dice.number(0.165, 0.175), hub: cabTint) }
  }

  private static func cab(_ p: Painter, _ dice: inout Dice, _ tint: Tint, _ back: Double, _ floor: Double) {
    let top = dice.number(-0.4, -0.26)
    let slant = dice.number(0.02, 0.14)
    let (nose, brow) = (-1.0, -1.0 + slant)
    p.begin(cab)
    p.move(back - 0.04, floor + 0.06)
    p.line(back - 0.04, top + 0.04)
    p.curve(back - 0.04, top, back - 0.08, top, back - 0.12, top)
    p.line(brow + 0.06, top)
    p.curve(brow, top, brow, top + 0.04, nose + slant * 0.4, -0.02)
    p.line(nose, 0.05)
    p.line(nose, floor + 0.06)
    p.close()
    p.solid(tint)
    p.trace([(back - 0.1, top + 0.08), (back - 0.1, 0.26), (-0.74, 0.26), (-0.74, top + 0.08)])
    p.mark(tint.dark(0.6).faded(0.8), 0.02)
    p.box(-0.62, 0.08, 0.08, 0.03)
    p.shade(Tint(grey: 0.2))
    p.begin(window)
    p.polygon([(back - 0.13, top + 0.09), (back - 0.13, 0.02), (-0.72, 0.02), (-0.72, top + 0.09)])
    p.solid(Tint(0.55, 0.76, 0.88), depth: 1.2)
    p.polygon([(-0.76, top + 0.08), (-0.76, 0.02), (nose + slant * 0.55 + 0.03, 0.02), (brow + 0.05, top + 0.08)])
    p.solid(Tint(0.5, 0.7, 0.84), depth: 1.2)
    p.begin(lights)
    p.box(nose - 0.01, 0.12, 0.09, 0.09, radius: 0.03)
    p.flat(Tint(1, 0.95, 0.65), outlined: true)
    p.box(-0.8, top - 0.07, 0.14, 0.07, radius: 0.03)
    p.solid(Tint(0.98, 0.6, 0.1))
    p.box(nose - 0.02, floor - 0.02, 0.22, 0.09, radius: 0.02)
    p.solid(Tint(grey: 0.3))
  }

  private static func wheel(_ p: Painter, _ x: Double, _ y: Double, _ r: Double, hub: Tint) {
    p.begin(wheels)
    p.circle(x, y, r)
    p.solid(Tint(grey: 0.14), outlined: false)
    p.circle(x, y, r * 0.86)
    p.mark(Tint(grey: 0.3), 0.016)
    p.circle(x, y, r * 0.55)
    p.solid(Tint(grey: 0.75), outlined: false)
    p.circle(x, y, r * 0.2)
    p.shade(Tint(grey: 0.3))
    for i in 0..<5 {
      let angle = Double(i) * 2 * .pi / 5
      p.circle(x + r * 0.38 * cos(angle), y + r * 0.38 * sin(angle), r * 0.07)
    }
    p.shade(Tint(grey: 0.25))
  }
}
