import CKernels

/// Max pooling of planes over a window.
package struct MaxPoolShape: Sendable {
  private let window: Window

  package init(_ window: Window) { self.window = window }

  /// The way in which a plane's cotangent is pulled back.
  package enum Adjoint: Sendable {
    /// Each v goes to the first largest value of its window.
    case hard
    /// Each v is shared out over its window by `softmax(sharpness window)`. With `zeroPadding` the places outside the
    /// plane count as zeros and take a share, which is lost.
    case soft(sharpness: Float, zeroPadding: Bool)
  }

  /// The largest value of every window.
  ///
  /// - Parameter rectifying: whether relu(x) takes the place of x.
  package func forward(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, planes: Int, rectifying: Bool = false
  ) {
    withUnsafePointer(to: window.c) { w in
      forEachPlane(planes) { plane in
        pb_max_pool(x + plane * window.inputPlane, w, rectifying, y + plane * window.outputPlane)
      }
    }
  }

  /// The adjoint at x, or at relu(x), then `finish`; where windows overlap, their parts add up.
  ///
  /// - Parameter adjoints: one for each plane; after the last they begin anew, so that one for all, or one for each
  ///   channel, does too.
  package func adjoint(
    _ adjoints: [Adjoint], _ v: UnsafePointer<Float>, _ x: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>,
    images: Int, channels: Int, rectifying: Bool = false, finish: Finish = Finish()
  ) {
    withUnsafePointer(to: window.c) { w in
      forEachPlane(images * channels) { plane in
        let offset = plane * window.inputPlane
        let cotangent = v + plane * window.outputPlane
        switch adjoints[plane % adjoints.count] {
        case .hard: pb_max_pool_gradient(cotangent, x + offset, w, rectifying, dx + offset)
        case .soft(let sharpness, let zeroPadding):
          pb_max_pool_soft(cotangent, x + offset, w, rectifying, sharpness, zeroPadding, dx + offset)
        }
        finish.apply(
          dx, channel: plane % channels, offset: offset, count: window.inputPlane, next: window.inputPlane)
      }
    }
  }

  private func forEachPlane(_ count: Int, _ body: (Int) -> Void) {
    Parallel.forEachBlock(of: count, size: max(1, (1 << 15) / max(1, window.inputPlane))) { block in
      for plane in block { body(plane) }
    }
  }
}

/// Means over pairs of pairs, side by side and covering whole rows: the window that transformers and DenseNets reduce
/// by, which has kernels of its own.
package struct PairwiseMean: Sendable {
  private let window: Window

  /// nil where the window is another.
  package init?(_ window: Window) {
    guard withUnsafePointer(to: window.c, { pb_is_pairwise($0) }) else { return nil }
    self.window = window
  }

  package func forward(plane x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>) {
    withUnsafePointer(to: window.c) { pb_average_pairs(x, $0, y) }
  }

  package func adjoint(plane v: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>) {
    withUnsafePointer(to: window.c) { pb_average_pairs_adjoint(v, $0, dx) }
  }
}
