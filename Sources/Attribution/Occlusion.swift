import Pullbacks

/// Occlusion: how much the target's value drops when a window is replaced by the baseline, averaged over the windows
/// that cover a place.
///
/// Windows are squares that slide over the image; the last of a row and of a column may hang over the edge. The drop is
/// in units of the output. Source: Zeiler & Fergus 2014 (arXiv 1311.2901), averaged as in captum. Cost: one forward
/// pass for the image and one per window, no backward pass.
public struct Occlusion: Explainer {
  public let name: String
  /// The windows' side as a fraction of the image's: side `H / divisor`, at least 1. The stride is half of it.
  public let divisor: Int
  /// What windows are filled with.
  public let baseline: Baseline

  /// - Parameters:
  ///   - name: of the explainer.
  ///   - divisor: how many windows fit side by side.
  ///   - baseline: what windows are filled with.
  /// - Precondition: the divisor is positive.
  public init(name: String, divisor: Int = 14, baseline: Baseline = .value(0)) {
    precondition(divisor > 0, "a window is a part of the image")
    self.name = name
    self.divisor = divisor
    self.baseline = baseline
  }

  public var settings: [String: String] {
    ["window": "H / \(divisor)", "stride": "half a window", "baseline": baseline.setting]
  }

  public func cost(for graph: Graph) -> Cost { Cost(forward: 1 + windows(graph.inputShape).count, backward: 0) }

  struct Window { let rows, columns: Range<Int> }

  /// The windows over images of shape `(C, H, W)`.
  func windows(_ shape: [Int]) -> [Window] {
    guard shape.count == 3 else { return [] }
    func ranges(_ extent: Int) -> [Range<Int>] {
      let side = max(1, extent / divisor)
      let step = max(1, side / 2)
      let count = (extent - side + step - 1) / step + 1
      return (0..<count).map { $0 * step..<min(extent, $0 * step + side) }
    }
    return ranges(shape[1]).flatMap { rows in ranges(shape[2]).map { Window(rows: rows, columns: $0) } }
  }

  public func explain(
    _ x: Tensor, _ selectors: [Selector], of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor] {
    let shape = network.graph.inputShape
    let baseline = try self.baseline.tensor(shape)
    let windows = windows(shape)
    let output = try network(x)
    context.report(forward: x.shape[0])
    let clean = try selectors.map { selector throws(PullbackError) in try selector.values(of: output, of: network) }
    let plane = shape.dropFirst().reduce(1, *)
    var drops = [[Double]](repeating: [Double](repeating: 0, count: x.shape[0] * plane), count: selectors.count)
    var covers = [Double](repeating: 0, count: plane)
    for window in windows { window.forEachPlace(shape) { covers[$0] += 1 } }
    try context.forEachBatch(of: x.shape[0] * windows.count) { rows throws(PullbackError) in
      let images = rows.map { $0 / windows.count }
      let occluded = rows.map { x.image($0 / windows.count).occluded(windows[$0 % windows.count], by: baseline) }
      let output = try network(Tensor(batching: occluded))
      context.report(forward: rows.count)
      for (index, selector) in selectors.enumerated() {
        let values = try selector[images].values(of: output, of: network)
        for (place, row) in rows.enumerated() {
          let drop = clean[index][images[place]] - values[place]
          windows[row % windows.count].forEachPlace(shape) { drops[index][images[place] * plane + $0] += drop }
        }
      }
    }
    return drops.map { drops in
      let means = drops.enumerated().map { Float($1 / covers[$0 % plane]) }
      return Tensor(shape: [x.shape[0], 1] + shape.dropFirst(), means).enlarged(to: x.shape)
    }
  }
}

extension Occlusion.Window {
  /// Calls `body` with the window's places in a plane of an image `(C, H, W)`.
  func forEachPlace(_ shape: [Int], _ body: (Int) -> Void) {
    for row in rows { for column in columns { body(row * shape[2] + column) } }
  }
}

extension Tensor {
  /// One image with a window of `baseline` in it.
  fileprivate func occluded(_ window: Occlusion.Window, by baseline: Tensor) -> Tensor {
    var copy = self
    let shape = Array(self.shape.dropFirst())
    copy.withUnsafeMutableBuffer { copy in
      baseline.withUnsafeBuffer { baseline in
        for channel in 0..<shape[0] {
          let plane = channel * shape[1] * shape[2]
          window.forEachPlace(shape) { copy[plane + $0] = baseline[plane + $0] }
        }
      }
    }
    return copy
  }
}
