import Pullbacks

/// Occlusion: how much the target's value drops when a window is replaced by the baseline, averaged over the windows
/// that cover a place.
///
/// Windows slide over the picture, each side of a window in proportion to the picture's; the last of a row and of a
/// column may hang over the edge. The drop is in units of the output. Source: Zeiler & Fergus 2014 (arXiv 1311.2901),
/// averaged as in captum. Cost: one forward pass for the picture and one per window, no backward pass.
public struct Occlusion: Explainer {
  public let name: String
  /// A window has the sides `H / divisor` and `W / divisor`, at least 1. The stride is half of each.
  public let divisor: Int
  /// The baseline that windows are filled with.
  public let baseline: Baseline

  /// - Parameters:
  ///   - name: the name of the explainer.
  ///   - divisor: the number of windows that fit side by side.
  ///   - baseline: the baseline that windows are filled with.
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

  public var requirement: InputRequirement { .pictures }
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

  public func plan(for network: Network, in context: Context) throws(PullbackError) -> Plan {
    _ = try baseline.tensor(network.graph.inputShape)
    return Plan(nodes: [network.graph.outputName])
  }

  public func finish(
    _ found: Findings, at x: Tensor, _ selectors: [Selector], of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor] {
    let shape = network.graph.inputShape
    let baseline = try self.baseline.tensor(shape)
    let windows = windows(shape)
    let clean = try selectors.map { selector throws(PullbackError) in
      try selector.values(of: found.values[0], of: network)
    }
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

/// RISE: the mean of random masks weighted by what the network makes of the masked image, `sum_k s(m_k x) m_k / (K p)`.
///
/// A mask is a grid of cells that are 1 with probability p, else 0, enlarged bilinearly and shifted at random by up to
/// a cell; masked places are grey. The score s of a class is its probability, of any other target its value. Masks are
/// the same for all images. Source: Petsiuk et al. 2018 (arXiv 1806.07421). Cost: K forward passes, no backward pass.
public struct RISE: Explainer {
  public let name: String
  /// The number of masks, K.
  public let masks: Int
  /// Cells in a row and in a column of a mask's grid.
  public let cells: Int
  /// The probability that a cell lets the image through.
  public let probability: Float

  /// - Parameters:
  ///   - name: the name of the explainer.
  ///   - masks: the number of masks, K.
  ///   - cells: in a row and in a column of a mask's grid.
  ///   - probability: the probability that a cell lets the image through, p.
  /// - Precondition: positive counts, and a probability in `(0, 1]`.
  public init(name: String, masks: Int = 4000, cells: Int = 7, probability: Float = 0.5) {
    precondition(masks > 0 && cells > 0 && probability > 0 && probability <= 1, "no masks")
    self.name = name
    self.masks = masks
    self.cells = cells
    self.probability = probability
  }

  public var settings: [String: String] {
    ["masks": "\(masks)", "grid": "\(cells) x \(cells)", "p": "\(probability)"]
  }

  public var requirement: InputRequirement { .pictures }
  public var randomNumbers: RandomNumbers { .shared }
  public func cost(for graph: Graph) -> Cost { Cost(forward: masks, backward: 0) }

  public func finish(
    _ found: Findings, at x: Tensor, _ selectors: [Selector], of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor] {
    let shape = network.graph.inputShape
    let plane = shape[1] * shape[2]
    var sums = [[Double]](repeating: [Double](repeating: 0, count: x.shape[0] * plane), count: selectors.count)
    // Mask by mask, so that each is made once for all images; each image's masks are added in their order.
    try context.forEachBatch(of: masks * x.shape[0]) { rows throws(PullbackError) in
      let images = rows.map { $0 % x.shape[0] }
      var maskOf: [Int: [Float]] = [:]
      for row in rows where maskOf[row / x.shape[0]] == nil {
        maskOf[row / x.shape[0]] = mask(row / x.shape[0], height: shape[1], width: shape[2], noise: context.noise)
      }
      let inputs = rows.map { x.image($0 % x.shape[0]).masked(by: maskOf[$0 / x.shape[0]]!) }
      let output = try network(Tensor(batching: inputs))
      context.report(forward: rows.count)
      for (index, selector) in selectors.enumerated() {
        let scores = try scores(selector[images], output, network)
        for (place, row) in rows.enumerated() {
          let mask = maskOf[row / x.shape[0]]!
          let first = images[place] * plane
          for i in 0..<plane { sums[index][first + i] += scores[place] * Double(mask[i]) }
        }
      }
    }
    let scale = 1 / (Double(masks) * Double(probability))
    return sums.map { sums in
      Tensor(shape: [x.shape[0], 1] + shape.dropFirst(), sums.map { Float($0 * scale) }).enlarged(to: x.shape)
    }
  }

  private func scores(_ selector: Selector, _ output: Tensor, _ network: Network) throws(PullbackError) -> [Double] {
    let values = try selector.values(of: output, of: network)
    guard network.graph.outputShape.count == 1 else { return values }
    return selector.targets.enumerated().map { image, target in
      target.singleClass.map { probabilities(output.image(image).scalars)[$0] } ?? values[image]
    }
  }

  /// Mask `index`, `(H, W)` values in `[0, 1]`.
  func mask(_ index: Int, height: Int, width: Int, noise: NoiseSource) -> [Float] {
    let numbers = noise.uniforms("rise", image: nil, draw: index, [cells * cells + 2]).scalars
    let grid = numbers.prefix(cells * cells).map { $0 < probability ? 1.0 as Float : 0 }
    func axis(_ extent: Int, _ shift: Float) -> [(low: Int, high: Int, part: Float)] {
      let cell = (extent + cells - 1) / cells
      let shift = Int(shift * Float(cell))
      return (0..<extent).map { place in
        // Centres of pixels in units of cells; the grid is stretched over one cell more than it has.
        let position = (Float(place + shift) + 0.5) * Float(cells) / Float((cells + 1) * cell) - 0.5
        let clamped = min(max(0, position), Float(cells - 1))
        let low = min(Int(clamped), max(0, cells - 2))
        return (low, min(low + 1, cells - 1), clamped - Float(low))
      }
    }
    let rows = axis(height, numbers[cells * cells])
    let columns = axis(width, numbers[cells * cells + 1])
    var mask = [Float](repeating: 0, count: height * width)
    for (i, row) in rows.enumerated() {
      for (j, column) in columns.enumerated() {
        func between(_ row: Int) -> Float {
          grid[row * cells + column.low] * (1 - column.part) + grid[row * cells + column.high] * column.part
        }
        mask[i * width + j] = between(row.low) * (1 - row.part) + between(row.high) * row.part
      }
    }
    return mask
  }
}

extension Tensor {
  /// One image `(1, C, H, W)` times a mask of its planes.
  fileprivate func masked(by mask: [Float]) -> Tensor {
    var copy = self
    copy.withUnsafeMutableBuffer { copy in
      for place in copy.indices { copy[place] *= mask[place % mask.count] }
    }
    return copy
  }
}
