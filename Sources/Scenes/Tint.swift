/// A colour with opacity, components in 0...1.
struct Tint {
  var red, green, blue: Double
  var alpha = 1.0

  init(_ red: Double, _ green: Double, _ blue: Double, alpha: Double = 1) {
    (self.red, self.green, self.blue, self.alpha) = (red, green, blue, alpha)
  }

  init(grey: Double, alpha: Double = 1) { self.init(grey, grey, grey, alpha: alpha) }

  /// Hue in turns, of any size.
  init(hue: Double, saturation: Double, value: Double) {
    let sector = (hue - hue.rounded(.down)) * 6
    func component(_ offset: Double) -> Double {
      let k = (offset + sector).truncatingRemainder(dividingBy: 6)
      return value - value * saturation * max(0, min(k, 4 - k, 1))
    }
    self.init(component(5), component(3), component(1))
  }

  static let black = Tint(grey: 0)
  static let white = Tint(grey: 1)

  func mixed(_ other: Tint, _ share: Double) -> Tint {
    Tint(
      red + (other.red - red) * share, green + (other.green - green) * share, blue + (other.blue - blue) * share,
      alpha: alpha + (other.alpha - alpha) * share)
  }

  /// Towards warm white.
  func lit(_ share: Double) -> Tint { mixed(Tint(1, 0.99, 0.94, alpha: alpha), share) }
  /// Towards a cool black.
  func dark(_ share: Double) -> Tint { mixed(Tint(0.05, 0.04, 0.11, alpha: alpha), share) }
  func faded(_ alpha: Double) -> Tint { Tint(red, green, blue, alpha: alpha) }
}
