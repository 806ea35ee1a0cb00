import CCairo
import Foundation

/// Puts a scene together on a painter whose frame is 0...1 on both axes.
struct Composition {
  let scene: Scene
  let style: Style
  private let ruler: Ruler
  private let turn: Double
  private let isMirrored: Bool
  private let scale: Double
  private let origin: Point
  /// The object's box on the frame.
  let box: Box

  init(_ scene: Scene, ruler: Ruler) {
    (self.scene, self.ruler) = (scene, ruler)
    var dice = Dice(seed: scene.seed, "scenes: style", index: scene.index)
    style = Style(&dice)
    let drawing = scene.label.drawing
    let turn = dice.number(-1, 1) * drawing.tilt
    let isMirrored = dice.chance(0.5)
    (self.turn, self.isMirrored) = (turn, isMirrored)
    let bounds = ruler.box(style, nil) { painter in
      painter.place(turn: turn, mirrored: isMirrored) {
        var dice = Self.objectDice(scene, scene.label)
        painter.object(drawing, &dice)
      }
    }
    scale = scene.difficulty.scale / max(bounds.width, bounds.height)
    let (width, height) = (bounds.width * scale, bounds.height * scale)
    let left = dice.number(0, 1) * (1 - width)
    let fall = dice.number(0, 1)
    let top = (drawing.stands ? 0.35 + 0.65 * fall : fall) * (1 - height)
    origin = (left - bounds.left * scale, top - bounds.top * scale)
    box = Box(left: left, top: top, right: left + width, bottom: top + height)
  }

  private static func objectDice(_ scene: Scene, _ owner: SceneClass) -> Dice {
    Dice(seed: scene.seed, "scenes: object", index: scene.index, draw: owner.rawValue)
  }

  /// Draws everything in order, the ground first.
  func draw(on p: Painter) {
    if case .picture = p.purpose {
      var dice = Dice(seed: scene.seed, "scenes: ground", index: scene.index)
      p.layer = .ground
      dice.pick(Ground.allCases).draw(p, &dice)
      clutter(p)
      shadow(p)
    }
    p.layer = .object
    p.place(x: origin.x, y: origin.y, scale: scale, turn: turn, mirrored: isMirrored) {
      for case .swap(let old, let new) in scene.edits where isBody(old) { donate(new, for: old, p) }
      var dice = Self.objectDice(scene, scene.label)
      p.object(scene.label.drawing, &dice) { scene.hides($0) }
      for edit in scene.edits {
        switch edit {
        case .remove: break
        case .add(let part): donor(part, p)
        case .swap(let old, let new): if !isBody(old) { donate(new, for: old, p) }
        }
      }
    }
    p.layer = .occluder
    occluders(p)
  }

  private func isBody(_ part: Part) -> Bool { part == scene.label.parts[0] }

  private func shadow(_ p: Painter) {
    guard scene.label.drawing.stands, !scene.hides(scene.label.parts[0]) else { return }
    let reach = box.width * 0.56
    p.glow(
      box.center.x - style.light.x * reach * 0.25, box.bottom - 0.01, reach, max(0.025, reach * 0.16),
      Tint(0.03, 0.02, 0.08, alpha: 0.55 * style.contrast), core: 0.3)
  }

  /// Draws one part of a class in that class's coordinates.
  private func donor(_ part: Part, _ p: Painter) {
    var dice = Self.objectDice(scene, part.owner)
    p.object(part.owner.drawing, &dice) { $0 != part }
  }

  /// Draws `new` in the place of `old`, as large, its proportions kept.
  private func donate(_ new: Part, for old: Part, _ p: Painter) {
    let room = ruler.box(style, old) { painter in
      var dice = Self.objectDice(scene, scene.label)
      painter.object(scene.label.drawing, &dice)
    }
    let size = ruler.box(style, new) { painter in
      var dice = Self.objectDice(scene, new.owner)
      painter.object(new.owner.drawing, &dice)
    }
    guard room.width > 0, room.height > 0, size.width > 0, size.height > 0 else { return }
    let fit = min(room.width / size.width, room.height / size.height)
    let fill = max(room.width / size.width, room.height / size.height)
    let scale = (fit * min(fill, fit * 2.5)).squareRoot()
    p.place(x: room.center.x - size.center.x * scale, y: room.center.y - size.center.y * scale, scale: scale) {
      donor(new, p)
    }
  }

  // MARK: What lies about

  private func clutter(_ p: Painter) {
    var dice = Dice(seed: scene.seed, "scenes: clutter", index: scene.index)
    for _ in 0..<scene.difficulty.clutter {
      let kind = dice.chance(0.3) ? .bodyOfAClass : dice.pick(Distractor.allCases)
      let size = kind == .bodyOfAClass ? dice.number(0.09, 0.2) : dice.number(0.04, 0.13)
      let (x, y) = (dice.number(0.02, 0.98), dice.number(0.05, 0.97))
      p.place(x: x, y: y, scale: size, turn: dice.number(-0.4, 0.4), mirrored: dice.chance(0.5)) {
        kind.draw(p, &dice)
      }
    }
  }

  /// Things before the object, at its edge: none covers more than a fifth or so.
  private func occluders(_ p: Painter) {
    var dice = Dice(seed: scene.seed, "scenes: occluders", index: scene.index)
    for _ in 0..<scene.difficulty.occluders {
      let kind = dice.whole(0...3)
      let angle = dice.number(0, 2 * .pi)
      let x = box.center.x + cos(angle) * box.width * 0.46
      let y = box.center.y + sin(angle) * box.height * 0.46
      let size = min(box.width, box.height) * dice.number(0.1, 0.19)
      let tint = dice.tint((0, 1), (0.2, 0.9), (0.3, 0.95))
      switch kind {
      case 0: grass(p, &dice)
      case 1:
        p.place(x: x, y: y, scale: size * 1.5, turn: angle) { leaf(p, dice.tint((0.12, 0.4), (0.4, 0.8), (0.3, 0.75))) }
      case 2:
        let width = size * 0.35
        p.box(x - width / 2, -0.02, width, 1.04)
        p.solid(tint.mixed(Tint(grey: 0.5), 0.5), depth: 1.3)
      default:
        let shapes: [Distractor] = [.plainBall, .crate, .star, .pebble, .cone]
        p.place(x: x, y: y, scale: size, turn: dice.number(-0.5, 0.5)) { dice.pick(shapes).draw(p, &dice) }
      }
    }
  }

  private func grass(_ p: Painter, _ dice: inout Dice) {
    let green = dice.tint((0.18, 0.4), (0.4, 0.8), (0.25, 0.65))
    for tone in 0..<2 {
      for _ in 0..<14 {
        let (x, height) = (dice.number(0, 1), (1 - box.bottom) + box.height * dice.number(0.04, 0.17))
        let lean = dice.number(-0.05, 0.05)
        p.move(x - 0.014, 1.02)
        p.curve(x - 0.01, 1 - height * 0.5, x + lean * 0.5, 1 - height * 0.8, x + lean, 1 - height)
        p.curve(x + lean * 0.5 + 0.012, 1 - height * 0.7, x + 0.014, 1 - height * 0.4, x + 0.014, 1.02)
        p.close()
      }
      p.flat(tone == 0 ? green.dark(0.3) : green)
    }
  }

  private func leaf(_ p: Painter, _ tint: Tint) {
    p.move(-0.9, 0)
    p.curve(-0.4, -0.7, 0.4, -0.6, 0.95, 0)
    p.curve(0.4, 0.6, -0.4, 0.7, -0.9, 0)
    p.close()
    p.solid(tint)
    p.trace([(-0.85, 0), (0.8, 0)])
    p.mark(tint.dark(0.5), 0.05)
  }
}

/// Measures drawings without drawing them.
final class Ruler {
  private let context: OpaquePointer
  /// Cairo keeps paths to 1/256; measuring large loses nothing.
  private let unit = 1000.0

  init(_ context: OpaquePointer) { self.context = context }

  /// The box around the solids of a part, or of all, that `draw` draws, in the drawing's units.
  func box(_ style: Style, _ part: Part?, _ draw: (Painter) -> Void) -> Box {
    cairo_save(context)
    cairo_identity_matrix(context)
    cairo_scale(context, unit, unit)
    let painter = Painter(context, .extent(of: part), style)
    painter.layer = .object
    draw(painter)
    cairo_restore(context)
    let box = painter.extent
    return Box(left: box.left / unit, top: box.top / unit, right: box.right / unit, bottom: box.bottom / unit)
  }
}

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
