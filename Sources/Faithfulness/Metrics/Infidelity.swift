import Pullbacks

/// Whether the attribution predicts what a perturbation does: the mean of `(beta a - b)^2` over perturbed images x',
/// with `a = <attribution, x - x'>` and `b = f(x) - f(x')`.
///
/// The cells of a grid are replaced one after another, row by row, and stay replaced; each takes one value
/// `U(lowest, 1)`, the same for its pixels and channels. Every replacement gives one term. beta is the optimal scale
/// `sum(ab) / sum(a^2)`, 0 where all a are 0; without it (v5) the scale of an attribution counts.
/// Source: Yeh et al. 2019 (arXiv 1901.09392), as Quantus 0.6.0 perturbs. Random numbers: `infidelity`, one draw per
/// repeat and grid.
public struct Infidelity: SharedPerturbationMetric {
  public var repeats = 5
  /// Cells in a row of each grid: 2 and 4 are patches of 112 and 56 pixels in images of 224.
  public var grids = [2, 4]
  public var lowest: Float = -1
  public var hasOptimalScale = true

  public init() {}

  public let name = "infidelity"
  public let title = "Infidelity"
  public let direction = Direction.lower
  public let category = Category.faithfulness
  public let citation = "Yeh et al. 2019, arXiv 1901.09392"
  public let formula = "mean over x' of (beta <a, x - x'> - (f(x) - f(x')))^2"
  public let caveat: String? = "Without the optimal scale beta (v5) the scale of an attribution counts."
  public var settings: [String: String] {
    ["repeats": "\(repeats)", "grids": "\(grids)", "lowest": "\(lowest)", "optimal scale": "\(hasOptimalScale)"]
  }

  /// One grid's replacements in one repeat.
  private struct Series: Sendable {
    let grid: Grid
    let values: [Float]
  }

  public func trial(of sample: Sample, seed: UInt64) -> Trial {
    var series: [Series] = []
    for draw in 0..<repeats * grids.count {
      let grid = Grid(shape: sample.shape, cells: grids[draw % grids.count])
      let stream = RandomStream(seed: seed, "infidelity", image: sample.index, draw: draw)
      series.append(
        Series(grid: grid, values: stream.uniforms([grid.count]).scalars.map { lowest + (1 - lowest) * $0 }))
    }
    let terms = series.flatMap { one in (0..<one.grid.count).map { (one, last: $0) } }
    let image = sample.image
    return Trial(
      count: terms.count,
      perturb: { [terms] index, image in
        let (one, last) = terms[index]
        for cell in 0...last {
          one.grid.forEachRun(ofCell: cell) { run in for place in run { image[place] = one.values[cell] } }
        }
      },
      score: { [series] map, clean, responses in
        var products: [Double] = []
        map.withUnsafeBuffer { map in
          image.withUnsafeBuffer { image in
            for one in series {
              var sum = 0.0
              for cell in 0..<one.grid.count {
                let value = Double(one.values[cell])
                one.grid.forEachRun(ofCell: cell) { run in
                  for place in run { sum += Double(map[place]) * (Double(image[place]) - value) }
                }
                products.append(sum)
              }
            }
          }
        }
        return score(products, responses.map { clean.logit - $0.logit })
      })
  }

  private func score(_ a: [Double], _ b: [Double]) -> Score {
    var beta = 1.0
    if hasOptimalScale {
      let square = a.reduce(0) { $0 + $1 * $1 }
      beta = square == 0 ? 0 : zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } / square
    }
    return Score(zip(a, b).reduce(0) { $0 + (beta * $1.0 - $1.1) * (beta * $1.0 - $1.1) } / Double(a.count))
  }
}
