/// What a scene is set before; no class prefers one, so that a ground says nothing about the class.
enum Ground: CaseIterable {
  case plain, sky, meadow, water, bricks, planks, room, street, dunes, forest, tiles

  /// Draws the ground over the whole frame, 0...1 on both axes.
  func draw(_ p: Painter, _ dice: inout Dice) {
    switch self {
    case .plain: plain(p, &dice)
    case .sky: sky(p, &dice)
    case .meadow: meadow(p, &dice)
    case .water: water(p, &dice)
    case .bricks: bricks(p, &dice)
    case .planks: planks(p, &dice)
    case .room: room(p, &dice)
    case .street: street(p, &dice)
    case .dunes: dunes(p, &dice)
    case .forest: forest(p, &dice)
    case .tiles: tiles(p, &dice)
    }
  }

  /// Fills the frame from `top` to `bottom` with a gradient, and a little more below: what comes next leaves no seam.
  func fill(_ p: Painter, from top: Double = 0, to bottom: Double = 1, _ upper: Tint, _ lower: Tint) {
    p.box(0, top, 1, bottom - top + 0.02)
    p.linear((0, top), (0, bottom), [(0, upper), (1, lower)], outlined: false)
  }
}
