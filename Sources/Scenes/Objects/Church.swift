import Foundation

/// A church from the side: nave with roof, door and arched windows, a tower with spire and cross.
enum Church: ObjectDrawing {
  static let body = Part(.church, "nave", .body)
  static let roof = Part(.church, "roof", .support, on: "nave")
  static let windows = Part(.church, "windows", .detail, on: "nave")
  static let door = Part(.church, "door", .detail)
  static let tower = Part(.church, "tower", .support, diagnostic: true)
  static let belfry = Part(.church, "belfry", .detail, on: "tower")
  static let spire = Part(.church, "spire", .appendage, diagnostic: true, on: "tower")
  static let cross = Part(.church, "cross", .appendage, diagnostic: true, on: "spire")
  static let parts = [body, roof, windows, door, tower, belfry, spire, cross]
  static let tilt = 0.06
  static let stands = true

  static func draw(_ p: Painter, _ dice: inout Dice) {
    let wall = dice.chance(0.5)
      ? dice.tint((0.05, 0.14), (0.05, 0.35), (0.75, 0.97)) : dice.tint((0, 1), (0.1, 0.6), (0.45, 0.9))
    let tile = dice.chance(0.5)
      ? dice.tint((-0.03, 0.07), (0.5, 0.8), (0.4, 0.75)) : dice.tint((0.3, 0.75), (0.15, 0.6), (0.25, 0.6))
    let glass = dice.chance(0.3) ? Tint(0.98, 0.85, 0.4) : dice.tint((0.5, 0.7), (0.4, 0.8), (0.2, 0.5))
    let hasBricks = dice.chance(0.45)
    let eaves = dice.number(0.0, 0.2)
    let ridge = eaves - dice.number(0.26, 0.42)
    let isCentral = dice.chance(0.25)
    let towerHalf = dice.number(0.15, 0.21)
    let towerX = isCentral ? 0.1 : -0.52
    let towerTop = ridge - dice.number(0.05, 0.3)
    let right = dice.number(0.72, 0.95)
    let left = isCentral ? -0.7 : towerX

    p.begin(body)
    p.box(left, eaves, right - left, 0.8 - eaves)
    p.solid(wall)
    if hasBricks { bricks(p, wall, left, eaves, right, 0.8) }
    p.box(left, 0.74, right - left, 0.06)
    p.shade(wall.dark(0.45).faded(0.7))
    p.begin(roof)
    let slope = dice.number(0.08, 0.2)
    p.polygon([
      (left - 0.07, eaves + 0.04), (left + slope, ridge), (right - slope, ridge), (right + 0.07, eaves + 0.04),
    ])
    p.solid(tile)
    for i in 1..<4 {
      let y = ridge + (eaves - ridge) * Double(i) / 4
      p.move(left + slope * (1 - Double(i) / 4), y)
      p.line(right - slope * (1 - Double(i) / 4), y)
    }
    p.mark(tile.dark(0.5).faded(0.6), 0.018)

    p.begin(windows)
    let first = isCentral ? left + 0.16 : towerX + towerHalf + 0.16
    let count = isCentral ? 5 : dice.whole(3...4)
    for i in 0..<count {
      let x = first + (right - 0.14 - first) * Double(i) / Double(count - 1)
      if isCentral && abs(x - towerX) < towerHalf + 0.08 { continue }
      arch(p, x, eaves + 0.16, 0.065, 0.32)
      p.flat(wall.lit(0.5), outlined: true)
      arch(p, x, eaves + 0.18, 0.043, 0.28)
      p.solid(glass, outlined: false)
    }

    p.begin(tower)
    p.box(towerX - towerHalf, towerTop, towerHalf * 2, 0.8 - towerTop)
    p.solid(wall.lit(0.08), depth: 1.1)
    if hasBricks { bricks(p, wall, towerX - towerHalf, towerTop, towerX + towerHalf, 0.8) }
    p.box(towerX + towerHalf * 0.55, towerTop, towerHalf * 0.45, 0.8 - towerTop)
    p.shade(Tint.black.faded(0.16))
    p.box(towerX - towerHalf * 1.12, towerTop, towerHalf * 2.24, 0.055)
    p.solid(wall.lit(0.4))
    p.begin(belfry)
    if dice.chance(0.5) {
      p.circle(towerX, towerTop + 0.23, towerHalf * 0.6)
      p.flat(Tint(0.97, 0.95, 0.86), outlined: true)
      p.trace([(towerX, towerTop + 0.13), (towerX, towerTop + 0.23), (towerX + towerHalf * 0.35, towerTop + 0.27)])
      p.mark(.black, 0.025)
    } else {
      for side in [-0.4, 0.4] {
        arch(p, towerX + side * towerHalf, towerTop + 0.12, towerHalf * 0.26, 0.22)
        p.solid(Tint(0.16, 0.13, 0.18), depth: 0.4, outlined: false)
      }
    }
    p.begin(door)
    let doorX = isCentral || dice.chance(0.6) ? towerX : right - 0.28
    arch(p, doorX, 0.4, 0.115, 0.4)
    p.flat(wall.dark(0.45), outlined: true)
    arch(p, doorX, 0.44, 0.085, 0.36)
    p.solid(dice.tint((0.02, 0.1), (0.5, 0.8), (0.25, 0.5)), outlined: false)
    p.trace([(doorX, 0.44), (doorX, 0.8)])
    p.mark(Tint.black.faded(0.7), 0.018)

    spire(p, &dice, tile, towerX, towerTop, towerHalf)
  }

  private static func spire(
    _ p: Painter, _ dice: inout Dice, _ tile: Tint, _ x: Double, _ base: Double, _ half: Double
  ) {
    p.begin(spire)
    let height = dice.number(0.38, 0.7)
    let isOnion = dice.chance(0.25)
    let top = base - (isOnion ? height * 0.8 : height)
    let foot = half * 1.2
    if isOnion {
      let bulge = half * 1.45
      p.move(x - half, base)
      p.curve(x - bulge * 1.3, base - height * 0.35, x - half * 0.3, base - height * 0.5, x, top)
      p.curve(x + half * 0.3, base - height * 0.5, x + bulge * 1.3, base - height * 0.35, x + half, base)
      p.close()
      p.solid(tile, depth: 1.2)
    } else {
      p.polygon([(x - foot, base), (x, top), (x + foot, base)])
      p.solid(tile)
      p.polygon([(x + half * 0.3, base), (x, top), (x + foot, base)])
      p.shade(Tint.black.faded(0.25))
    }
    p.begin(cross)
    p.trace([(x, top + 0.02), (x, top - 0.24)])
    p.stroke(Tint(0.98, 0.82, 0.3), 0.042, square: true)
    p.trace([(x - 0.09, top - 0.15), (x + 0.09, top - 0.15)])
    p.stroke(Tint(0.98, 0.82, 0.3), 0.042, square: true)
  }

  private static func arch(_ p: Painter, _ x: Double, _ y: Double, _ half: Double, _ height: Double) {
    p.move(x - half, y + height)
    p.line(x - half, y + half)
    p.curve(x - half, y, x - half * 0.3, y - half * 0.3, x, y - half * 0.4)
    p.curve(x + half * 0.3, y - half * 0.3, x + half, y, x + half, y + half)
    p.line(x + half, y + height)
    p.close()
  }

  private static func bricks(
    _ p: Painter, _ wall: Tint, _ left: Double, _ top: Double, _ right: Double, _ bottom: Double
  ) {
    guard p.isPicture else { return }
    var (y, row) = (top + 0.09, 0)
    while y < bottom {
      p.move(left, y)
      p.line(right, y)
      var x = left + (row % 2 == 0 ? 0.1 : 0.18)
      while x < right {
        p.move(x, y)
        p.line(x, min(bottom, y + 0.09))
        x += 0.17
      }
      (y, row) = (y + 0.09, row + 1)
    }
    p.mark(wall.dark(0.5).faded(0.4), 0.012)
  }
}
