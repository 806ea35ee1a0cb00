import Foundation

/// A learning rate that rises linearly to its peak and falls along half a cosine to zero.
///
/// At step s = 0, 1, ... of n with w steps of warm-up: `peak (s + 1) / w` for s < w, and afterwards
/// `peak (1 + cos(pi (s - w) / (n - w))) / 2`.
/// Source: Loshchilov & Hutter, SGDR (2017, arXiv 1608.03983), without restarts.
public struct CosineSchedule: Sendable {
  public let peak: Double
  public let steps: Int
  public let warmUp: Int

  /// - Precondition: `warmUp` is less than `steps`.
  public init(peak: Double, steps: Int, warmUp: Int) {
    precondition((0..<steps).contains(warmUp), "\(warmUp) of \(steps) steps cannot be warm-up")
    (self.peak, self.steps, self.warmUp) = (peak, steps, warmUp)
  }

  /// The rate of step `step`, counted from 0.
  public subscript(step: Int) -> Double {
    if step < warmUp { return peak * Double(step + 1) / Double(warmUp) }
    return peak * (1 + cos(.pi * Double(step - warmUp) / Double(steps - warmUp))) / 2
  }
}
