import Foundation

/// The background of a scene; no class prefers one, so that a ground says nothing about the class.
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

extension Ground {
  func plain(_ p: Painter, _ dice: inout Dice) {
    let first = dice.tint((0, 1), (0.05, 0.75), (0.25, 0.97))
    let second = dice.chance(0.6) ? first.dark(dice.number(0.1, 0.6)) : dice.tint((0, 1), (0.05, 0.75), (0.25, 0.97))
    let angle = dice.number(0, 2 * .pi)
    let (dx, dy) = (cos(angle) / 2, sin(angle) / 2)
    p.box(0, 0, 1, 1)
    p.linear((0.5 - dx, 0.5 - dy), (0.5 + dx, 0.5 + dy), [(0, first), (1, second)], outlined: false)
    if dice.chance(0.5) {
      p.glow(dice.number(0.2, 0.8), dice.number(0.2, 0.8), 0.6, 0.6, Tint.white.faded(dice.number(0.1, 0.4)))
    }
    if dice.chance(0.4) {
      let tint = first.mixed(second, 0.5).lit(0.3).faded(0.35)
      for _ in 0..<dice.whole(3...8) {
        p.circle(dice.number(0, 1), dice.number(0, 1), dice.number(0.03, 0.15))
        p.shade(tint)
      }
    }
  }

  func bricks(_ p: Painter, _ dice: inout Dice) {
    let clay = dice.chance(0.6)
      ? dice.tint((-0.02, 0.08), (0.3, 0.7), (0.4, 0.75)) : dice.tint((0, 1), (0.05, 0.4), (0.35, 0.9))
    let mortar = clay.mixed(Tint(grey: dice.number(0.3, 0.9)), 0.65)
    fill(p, mortar.lit(0.1), mortar.dark(0.15))
    let height = dice.number(0.07, 0.13)
    let width = height * 2.1
    var tones: [[Box]] = [[], [], [], []]
    let rows = Int(1 / height) + 1
    let columns = Int(1 / width) + 2
    for row in 0..<rows {
      for column in 0..<columns {
        let x = (Double(column) - (row % 2 == 0 ? 0.5 : 0)) * width
        let y = Double(row) * height
        tones[dice.whole(0...3)].append(Box(left: x, top: y, right: x + width * 0.93, bottom: y + height * 0.86))
      }
    }
    for (i, bricks) in tones.enumerated() {
      for brick in bricks { p.box(brick.left, brick.top, brick.width, brick.height) }
      p.shade(clay.mixed(i < 2 ? .black : .white, 0.06 + 0.1 * Double(i % 2)))
    }
    p.box(0, 0, 1, 1)
    p.wash((0, 0), (1, 1), [(0, Tint.white.faded(0.2)), (0.5, Tint.black.faded(0)), (1, Tint.black.faded(0.35))])
  }

  func planks(_ p: Painter, _ dice: inout Dice) {
    let wood = dice.tint((0.04, 0.11), (0.3, 0.7), (0.4, 0.8))
    let count = dice.whole(4...7)
    let isUpright = dice.chance(0.5)
    p.place(x: isUpright ? 1 : 0, turn: isUpright ? .pi / 2 : 0) {
      for i in 0..<count {
        let (top, height) = (Double(i) / Double(count), 1 / Double(count))
        let tint = wood.mixed(dice.chance(0.5) ? .black : .white, dice.number(0, 0.16))
        p.box(0, top, 1, height)
        p.linear((0, top), (0, top + height), [(0, tint.lit(0.15)), (0.9, tint), (1, tint.dark(0.6))], outlined: false)
        for _ in 0..<3 {
          let (y, sway) = (top + height * dice.number(0.15, 0.8), dice.number(-0.025, 0.025))
          p.move(0, y)
          p.curve(0.3, y + sway, 0.6, y - sway, 1, y + sway)
        }
        p.mark(tint.dark(0.4).faded(0.6), 0.007)
      }
    }
  }

  func room(_ p: Painter, _ dice: inout Dice) {
    let wall = dice.tint((0, 1), (0.05, 0.5), (0.55, 0.95))
    let floorTint = dice.tint((0.02, 0.14), (0.15, 0.65), (0.3, 0.75))
    let skirting = dice.number(0.55, 0.8)
    fill(p, to: skirting, wall.lit(0.2), wall.dark(0.15))
    if dice.chance(0.5) {
      let width = dice.number(0.05, 0.12)
      var x = 0.0
      while x < 1 {
        p.box(x, 0, width * 0.45, skirting)
        x += width
      }
      p.shade(wall.mixed(dice.tint(), 0.3).faded(0.6))
    }
    if dice.chance(0.6) {
      let (x, y) = (dice.number(0.02, 0.65), dice.number(0.04, 0.2))
      let (width, height) = (dice.number(0.18, 0.32), dice.number(0.2, 0.32))
      p.box(x, y, width, height)
      p.flat(wall.dark(0.55))
      p.box(x + 0.02, y + 0.02, width - 0.04, height - 0.04)
      p.linear((x, y), (x, y + height), [(0, dice.tint()), (1, dice.tint())], outlined: false)
    }
    fill(p, from: skirting, floorTint.dark(0.15), floorTint.lit(0.15))
    for i in 0..<9 {
      let x = -0.6 + Double(i) * 0.28
      p.move(0.5 + (x - 0.5) * 0.6, skirting)
      p.line(x, 1)
    }
    p.mark(floorTint.dark(0.45).faded(0.6), 0.008)
    p.box(0, skirting - 0.03, 1, 0.035)
    p.shade(wall.lit(0.6))
  }

  func tiles(_ p: Painter, _ dice: inout Dice) {
    let first = dice.tint((0, 1), (0.1, 0.7), (0.4, 0.95))
    let second = dice.chance(0.5) ? first.lit(0.45) : first.mixed(dice.tint(), 0.5)
    let isDotted = dice.chance(0.5)
    let step = dice.number(0.1, 0.24)
    let turn = dice.number(-0.8, 0.8)
    fill(p, first, first.dark(0.3))
    p.place(x: 0.5, y: 0.5, turn: turn) {
      let reach = Int(0.72 / step) + 1
      for row in -reach...reach {
        for column in -reach...reach where isDotted || (row + column) % 2 == 0 {
          let (x, y) = (Double(column) * step, Double(row) * step)
          if isDotted {
            p.box(x - step * 0.2, y - step * 0.2, step * 0.4, step * 0.4, radius: step * 0.2)
          } else {
            p.box(x, y, step, step)
          }
        }
      }
      p.shade(second.faded(0.75))
    }
  }
}

extension Ground {
  func sky(_ p: Painter, _ dice: inout Dice) {
    let zenith = dice.chance(0.7)
      ? dice.tint((0.52, 0.66), (0.35, 0.8), (0.55, 0.92)) : dice.tint((0.8, 1.1), (0.3, 0.7), (0.5, 0.9))
    fill(p, zenith, zenith.lit(dice.number(0.3, 0.75)))
    if dice.chance(0.4) {
      let (x, y, r) = (dice.number(0.1, 0.9), dice.number(0.08, 0.4), dice.number(0.05, 0.1))
      p.glow(x, y, r * 3.5, r * 3.5, Tint(1, 0.95, 0.7, alpha: 0.7))
      p.circle(x, y, r)
      p.shade(Tint(1, 0.96, 0.78))
    }
    for _ in 0..<dice.whole(1...4) {
      cloud(p, dice.number(0, 1), dice.number(0.05, 0.9), dice.number(0.09, 0.22), dice.number(0.5, 0.95))
    }
  }

  private func cloud(_ p: Painter, _ x: Double, _ y: Double, _ size: Double, _ strength: Double) {
    p.ellipse(x, y, size, size * 0.3)
    p.ellipse(x - size * 0.35, y - size * 0.18, size * 0.42, size * 0.32)
    p.ellipse(x + size * 0.25, y - size * 0.26, size * 0.5, size * 0.4)
    p.wash((x, y - size * 0.6), (x, y + size * 0.4), [
      (0, Tint.white.faded(strength)), (1, Tint(0.7, 0.74, 0.85, alpha: strength * 0.8)),
    ])
  }

  func meadow(_ p: Painter, _ dice: inout Dice) {
    let zenith = dice.tint((0.5, 0.64), (0.25, 0.65), (0.6, 0.95))
    let horizon = dice.number(0.25, 0.7)
    fill(p, to: horizon + 0.1, zenith, zenith.lit(0.7))
    for _ in 0..<dice.whole(0...2) {
      cloud(p, dice.number(0, 1), dice.number(0.05, horizon), dice.number(0.08, 0.16), 0.8)
    }
    let green = dice.tint((0.16, 0.38), (0.3, 0.75), (0.35, 0.75))
    for i in 0..<2 {
      let y = horizon - 0.1 + Double(i) * 0.08
      let sway = dice.number(-0.08, 0.08)
      p.path([(-0.1, y + sway), (0.3, y - sway), (0.65, y + sway * 0.8), (1.1, y - 0.05)])
      p.line(1.1, 1)
      p.line(-0.1, 1)
      p.close()
      let tint = green.mixed(zenith, 0.45 - Double(i) * 0.35)
      p.linear((0, y), (0, 1), [(0, tint.lit(0.2)), (1, tint.dark(0.4))], outlined: false)
    }
    for _ in 0..<30 {
      let y = dice.number(horizon + 0.05, 1.02)
      let (x, height) = (dice.number(0, 1), 0.02 + 0.06 * (y - horizon))
      p.move(x, y)
      p.line(x + dice.number(-0.02, 0.02), y - height)
    }
    p.mark(green.dark(0.4), 0.008)
    let petal = dice.tint((0, 1), (0.2, 0.9), (0.85, 1))
    for _ in 0..<dice.whole(0...9) { p.circle(dice.number(0, 1), dice.number(horizon + 0.1, 1), 0.009) }
    p.shade(petal)
  }

  func water(_ p: Painter, _ dice: inout Dice) {
    let blue = dice.tint((0.42, 0.62), (0.4, 0.85), (0.4, 0.8))
    fill(p, blue.lit(dice.number(0.1, 0.45)), blue.dark(dice.number(0.2, 0.6)))
    if dice.chance(0.5) {
      for _ in 0..<3 {
        let x = dice.number(0, 0.9)
        let (width, lean) = (dice.number(0.05, 0.16), dice.number(-0.2, 0.2))
        p.polygon([(x, 0), (x + width, 0), (x + width * 1.8 + lean, 1), (x - width + lean, 1)])
        p.wash((0, 0), (0, 1), [(0, Tint.white.faded(0.25)), (1, Tint.white.faded(0))])
      }
      for _ in 0..<dice.whole(4...12) { p.circle(dice.number(0, 1), dice.number(0, 1), dice.number(0.006, 0.02)) }
      p.mark(Tint.white.faded(0.55), 0.007)
    } else {
      for _ in 0..<14 {
        let (x, y, width) = (dice.number(-0.1, 1), dice.number(0, 1), dice.number(0.04, 0.13))
        p.move(x, y)
        p.curve(x + width * 0.3, y - 0.02, x + width * 0.6, y + 0.02, x + width, y)
      }
      p.mark(blue.lit(0.6).faded(0.6), 0.011)
    }
  }

  func street(_ p: Painter, _ dice: inout Dice) {
    let sky = dice.tint((0.5, 0.7), (0.1, 0.5), (0.5, 0.95))
    fill(p, sky, sky.lit(0.5))
    let kerb = dice.number(0.6, 0.8)
    var x = -0.05
    let wall = dice.tint((0, 1), (0.1, 0.4), (0.4, 0.75))
    for _ in 0..<6 {
      let (width, top) = (dice.number(0.14, 0.3), dice.number(0.12, 0.48))
      let tint = wall.mixed(dice.tint((0, 1), (0.1, 0.5), (0.3, 0.8)), 0.5).mixed(sky, 0.25)
      p.box(x, top, width, kerb - top)
      p.linear((0, top), (0, kerb), [(0, tint.lit(0.15)), (1, tint.dark(0.25))], outlined: false)
      for row in 0..<5 {
        for column in 0..<3 {
          let y = top + 0.035 + Double(row) * 0.08
          if y < kerb - 0.06 { p.box(x + width * (0.15 + 0.28 * Double(column)), y, width * 0.15, 0.038) }
        }
      }
      p.shade(dice.chance(0.3) ? Tint(1, 0.88, 0.5, alpha: 0.7) : tint.dark(0.45).faded(0.8))
      x += width
    }
    let road = Tint(grey: dice.number(0.3, 0.55))
    fill(p, from: kerb, road.lit(0.15), road.dark(0.25))
    p.box(0, kerb, 1, 0.025)
    p.shade(Tint(grey: 0.72))
    for i in 0..<4 { p.box(Double(i) * 0.28, (kerb + 1) / 2, 0.16, 0.018) }
    p.shade(Tint(0.95, 0.92, 0.75, alpha: 0.75))
  }

  func dunes(_ p: Painter, _ dice: inout Dice) {
    let isSnow = dice.chance(0.35)
    let sky = dice.tint(isSnow ? (0.55, 0.7) : (0.02, 0.6), (0.2, 0.6), (0.55, 0.95))
    fill(p, sky, sky.lit(0.6))
    let sand = isSnow ? Tint(0.9, 0.93, 0.98) : dice.tint((0.06, 0.12), (0.3, 0.6), (0.65, 0.9))
    for i in 0..<4 {
      let y = 0.32 + Double(i) * 0.17 + dice.number(-0.05, 0.05)
      let sway = dice.number(-0.1, 0.1)
      p.path([(-0.1, y), (0.25, y - sway), (0.6, y + sway), (1.1, y - sway * 0.5)])
      p.line(1.1, 1.1)
      p.line(-0.1, 1.1)
      p.close()
      let tint = sand.mixed(sky, 0.5 - Double(i) * 0.15)
      p.linear((0, y - 0.1), (0.25, y + 0.35), [(0, tint.lit(0.25)), (1, tint.dark(0.35))], outlined: false)
    }
  }

  func forest(_ p: Painter, _ dice: inout Dice) {
    let green = dice.tint((0.18, 0.45), (0.25, 0.7), (0.25, 0.6))
    fill(p, green.lit(dice.number(0.2, 0.6)), green.dark(0.3))
    let bark = dice.tint((0.03, 0.12), (0.2, 0.6), (0.2, 0.45))
    for i in 0..<7 {
      let depth = Double(i) / 7
      let (x, width) = (dice.number(-0.05, 1), 0.02 + 0.055 * depth * dice.number(0.6, 1.2))
      p.polygon([(x, 0), (x + width, 0), (x + width * 1.5, 0.75 + depth * 0.2), (x - width * 0.5, 0.75 + depth * 0.2)])
      let tint = bark.mixed(green.lit(0.4), 0.7 - depth * 0.7)
      p.linear((x, 0), (x + width, 0), [(0, tint.lit(0.2)), (1, tint.dark(0.5))], outlined: false)
    }
    fill(p, from: 0.82, green.dark(0.1), green.dark(0.6))
    for _ in 0..<9 {
      let (x, y, r) = (dice.number(0, 1), dice.number(-0.05, 0.22), dice.number(0.07, 0.18))
      p.circle(x, y, r)
      p.glow(x, y - r * 0.3, r, r, green.lit(0.2).faded(0.5))
      p.shade(green.dark(dice.number(0, 0.45)).faded(0.85))
    }
  }
}
