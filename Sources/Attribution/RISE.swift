import Pullbacks

/// RISE: the mean of random masks weighted by what the network makes of the masked image, `sum_k s(m_k x) m_k / (K p)`.
///
/// A mask is a grid of cells that are 1 with probability p, else 0, enlarged bilinearly and shifted at random by up to
/// a cell; masked places are grey. The score s of a class is its probability, of any other target its value. Masks are
/// the same for all images. Source: Petsiuk et al. 2018 (arXiv 1806.07421). Cost: K forward passes, no backward pass.
public struct RISE: Explainer {
  public let name: String
  /// How many masks, K.
  public let masks: Int
  /// Cells in a row and in a column of a mask's grid.
  public let cells: Int
  /// How probable it is that a cell lets the image through.
  public let probability: Float

  /// - Parameters:
  ///   - name: of the explainer.
  ///   - masks: how many, K.
  ///   - cells: in a row and in a column of a mask's grid.
  ///   - probability: that a cell lets the image through, p.
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

  public func cost(for graph: Graph) -> Cost { Cost(forward: masks, backward: 0) }

  public func explain(
    _ x: Tensor, _ selectors: [Selector], of network: Network, in context: Context
  ) throws(PullbackError) -> [Tensor] {
    let shape = network.graph.inputShape
    guard shape.count == 3 else { throw PullbackError(.usage, name, "expected images, found inputs of shape \(shape)") }
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
    let numbers = noise.uniforms("rise", draw: index, [cells * cells + 2]).scalars
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
