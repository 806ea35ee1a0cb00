import Foundation

/// Things that belong to no class: bodies of the classes without what makes them, and shapes of all kinds.
enum Distractor: CaseIterable {
  case bodyOfAClass, sheep, balloon, log, plainBall, crate, tree, star, ring, cone, pennant, stick, pebble, cross

  /// Draws one about the origin, in -1...1.
  func draw(_ p: Painter, _ dice: inout Dice) {
    let tint = dice.tint((0, 1), (0.25, 0.9), (0.35, 0.95))
    switch self {
    case .bodyOfAClass:
      // A dog without its head is no friendly sight: the sheep has its body.
      let owner = dice.pick(SceneClass.allCases.filter { $0 != .englishSpringer })
      p.object(owner.drawing, &dice) { part in
        part.isDiagnostic || owner.parts.contains { $0.name == part.carrier && $0.isDiagnostic }
      }
    case .sheep:
      for x in [-0.42, -0.2, 0.25, 0.45] { p.box(x - 0.05, 0.2, 0.1, 0.55, radius: 0.03) }
      p.solid(Tint(grey: 0.18))
      p.blob([
        (-0.6, -0.1), (-0.5, -0.4), (-0.2, -0.42), (0, -0.5), (0.25, -0.42), (0.5, -0.42), (0.62, -0.1), (0.52, 0.2),
        (0.25, 0.3), (0, 0.26), (-0.25, 0.3), (-0.5, 0.2),
      ])
      p.solid(tint.lit(0.75))
      p.ellipse(-0.68, -0.25, 0.2, 0.24)
      p.solid(Tint(grey: 0.2))
    case .balloon:
      p.trace([(0, 0.5), (0.08, 0.75), (-0.03, 1)])
      p.mark(Tint(grey: 0.2), 0.03)
      p.blob([(0, -0.9), (0.5, -0.62), (0.56, -0.1), (0.1, 0.5), (-0.1, 0.5), (-0.56, -0.1), (-0.5, -0.62)])
      p.ball(tint, gloss: 0.85)
    case .log:
      let wood = dice.tint((0.04, 0.11), (0.4, 0.7), (0.3, 0.6))
      p.box(-0.85, -0.3, 1.7, 0.6, radius: 0.2)
      p.solid(wood, depth: 1.3)
      for y in [-0.12, 0.03, 0.16] { p.trace([(-0.5, y), (0.75, y + 0.02)]) }
      p.mark(wood.dark(0.5), 0.025)
      p.ellipse(-0.78, 0, 0.18, 0.3)
      p.solid(wood.lit(0.6), depth: 0.5)
      p.ellipse(-0.78, 0, 0.09, 0.15)
      p.mark(wood.dark(0.2), 0.03)
    case .plainBall:
      p.circle(0, 0, 0.9)
      p.ball(tint, gloss: 0.85)
    case .crate:
      p.box(-0.8, -0.6, 1.6, 1.2)
      p.solid(tint)
      p.trace([(-0.8, -0.2), (0.8, -0.2), (0.8, 0.2), (-0.8, 0.2)])
      p.mark(tint.dark(0.5), 0.05)
    case .tree:
      p.box(-0.1, 0.1, 0.2, 0.9)
      p.solid(dice.tint((0.03, 0.1), (0.3, 0.6), (0.25, 0.5)))
      p.blob([(0, -1), (0.5, -0.6), (0.7, 0), (0.3, 0.35), (-0.3, 0.35), (-0.7, 0), (-0.5, -0.6)])
      p.ball(dice.tint((0.17, 0.42), (0.35, 0.8), (0.3, 0.7)), gloss: 0.35)
    case .star:
      let count = dice.whole(4...7)
      p.polygon(
        (0..<count * 2).map { i in
          let (angle, r) = (Double(i) * .pi / Double(count), i % 2 == 0 ? 0.95 : 0.42)
          return (r * sin(angle), -r * cos(angle))
        })
      p.solid(tint)
    case .ring:
      p.circle(0, 0, 0.72)
      p.tube(tint, dice.number(0.15, 0.4))
    case .cone:
      p.polygon([(0, -0.95), (0.6, 0.8), (-0.6, 0.8)])
      p.solid(tint)
      p.polygon([(-0.22, -0.3), (0.22, -0.3), (0.36, 0.1), (-0.36, 0.1)])
      p.shade(Tint.white.faded(0.8))
    case .pennant:
      p.trace([(-0.6, -0.95), (-0.6, 0.95)])
      p.stroke(Tint(0.4, 0.28, 0.18), 0.08)
      p.move(-0.6, -0.9)
      p.curve(0, -1.1, 0.3, -0.6, 0.8, -0.75)
      p.line(0.75, -0.1)
      p.curve(0.3, 0, 0, -0.4, -0.6, -0.2)
      p.close()
      p.solid(tint)
    case .stick:
      p.path([(-0.9, 0.1), (-0.2, -0.1), (0.4, 0.1), (0.9, -0.05)])
      p.tube(tint.dark(0.2), dice.number(0.06, 0.2))
    case .pebble:
      p.blob([(-0.8, 0.1), (-0.4, -0.45), (0.3, -0.5), (0.8, 0), (0.5, 0.45), (-0.4, 0.5)])
      p.ball(tint.mixed(Tint(grey: 0.5), 0.6), gloss: 0.4)
    case .cross:
      p.trace([(-0.6, -0.6), (0.6, 0.6)])
      p.stroke(tint, 0.28, square: true)
      p.trace([(-0.6, 0.6), (0.6, -0.6)])
      p.stroke(tint, 0.28, square: true)
    }
  }
}
