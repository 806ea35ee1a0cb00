import Foundation

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
