import Attribution
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
  public let requirement = InputRequirement.pictures
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
      let stream = RandomStream(seed: seed, "infidelity", image: sample.key, draw: draw)
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

/// Whether regions with more attribution matter more: Pearson's correlation, over sets of values, between the
/// attribution's sum over a set and f(x) - f(x with the set replaced).
///
/// Source: Bhatt et al. 2020 (arXiv 2005.00631), as Quantus 0.6.0. v6: the sixteen cells of a 4 x 4 grid, replaced by
/// 0, absolute attributions. v5: 100 random twelfths of all values, replaced by the image's minimum, signed
/// attributions; random numbers: `faithfulness-correlation`, one draw per set.
public struct FaithfulnessCorrelation: SharedPerturbationMetric {
  public enum Sets: Sendable {
    /// The cells of a grid, so many in a row.
    case grid(cells: Int)
    /// Random sets of a fraction of all values, without repetition.
    case random(count: Int, divisor: Int)
  }

  public var sets = Sets.grid(cells: 4)
  public var replacement = Replacement.zero
  public var takesMagnitudes = true

  public init() {}

  public let name = "faithfulness-correlation"
  public let title = "Faith. Corr."
  public let direction = Direction.higher
  public let category = Category.faithfulness
  public let citation = "Bhatt et al. 2020, arXiv 2005.00631"
  public let formula = "pearson over sets S of values of (sum_S a, f(x) - f(x with S replaced))"
  public var requirement: InputRequirement {
    if case .grid = sets { .pictures } else { .any }
  }
  public var settings: [String: String] {
    ["sets": "\(sets)", "replacement": replacement.rawValue, "magnitudes": "\(takesMagnitudes)"]
  }

  public func trial(of sample: Sample, seed: UInt64) -> Trial {
    let value = replacement.value(for: sample.image)
    let magnitudes = takesMagnitudes
    let sets = indices(of: sample, seed: seed)
    return Trial(
      count: sets.count,
      perturb: { index, image in for place in sets[index] { image[Int(place)] = value } },
      score: { map, clean, responses in
        let values = map.values(magnitudes: magnitudes)
        return Score(
          pearson, ofAttributions: sets.map { set in set.reduce(0) { $0 + values[Int($1)] } },
          responses: responses.map { clean.logit - $0.logit })
      })
  }

  private func indices(of sample: Sample, seed: UInt64) -> [[Int32]] {
    switch sets {
    case .grid(let cells):
      let grid = Grid(shape: sample.shape, cells: cells)
      return (0..<grid.count).map { cell in
        var indices: [Int32] = []
        grid.forEachRun(ofCell: cell) { indices += $0.map(Int32.init) }
        return indices
      }
    case .random(let count, let divisor):
      let values = sample.image.count
      return (0..<count).map { draw in
        let stream = RandomStream(seed: seed, "faithfulness-correlation", image: sample.key, draw: draw)
        return subset(of: values, count: max(1, values / divisor), stream)
      }
    }
  }

  /// `count` different numbers below `bound`: the first places of a shuffle, in which place i is swapped with the place
  /// i + floor((bound - i) w / 2^32) for the stream's word w number i.
  private func subset(of bound: Int, count: Int, _ stream: RandomStream) -> [Int32] {
    var numbers = (0..<bound).map(Int32.init)
    for place in 0..<count {
      numbers.swapAt(place, place + Int((UInt64(bound - place) * UInt64(stream[place])) >> 32))
    }
    return Array(numbers[..<count])
  }
}

/// Whether an explanation knows what the network would miss: Spearman's correlation, over the visible parts of the
/// object, between the share of the absolute attribution that lies on a part and f(x) - f(x without the part).
///
/// The series holds the shares and then the falls of f, so that parts of many images can be ranked together
/// (``pooledRankCorrelation(_:)``). A part is visible if its mask is not zero everywhere.
/// Source: this package; the known pictures without a part are what Scenes are for.
public struct CounterfactualConsistency: SharedPerturbationMetric {
  public init() {}

  public let name = "counterfactual-consistency"
  public let title = "Counterf. Cons."
  public let direction = Direction.higher
  public let category = Category.faithfulness
  public let citation = "this package"
  public let formula = "spearman over parts P of (sum_P |a| / sum |a|, f(x) - f(x without P))"
  public let caveat: String? = "Needs a picture without each part, which scenes have."
  public let needsMask = true
  public let requirement = InputRequirement.pictures

  public func trial(of sample: Sample, seed: UInt64) -> Trial {
    let parts = sample.parts.filter { !$0.mask.isZero }
    return Trial(
      count: parts.count,
      perturb: { index, image in
        parts[index].imageWithout.withUnsafeBuffer { _ = image.update(fromContentsOf: $0) }
      },
      score: { map, clean, responses in
        guard !parts.isEmpty else { return Score(.noMask) }
        let magnitudes = map.values(magnitudes: true)
        let total = magnitudes.reduce(0, +)
        guard total > 0 else { return Score(.zeroAttribution) }
        let shares = parts.map { part in
          let mask = part.mask.doubles
          return magnitudes.indices.reduce(0) { $0 + magnitudes[$1] * mask[$1 % mask.count] } / total
        }
        let falls = responses.map { clean.logit - $0.logit }
        let series = shares + falls
        guard parts.count > 1 else { return Score(.tooFewParts, series: series) }
        let score = Score(spearman, ofAttributions: shares, responses: falls)
        return score.undefined.map { Score($0, series: series) } ?? Score(score.value, series: series)
      })
  }
}
