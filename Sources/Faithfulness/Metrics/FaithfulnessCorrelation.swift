import Pullbacks

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
        let stream = RandomStream(seed: seed, "faithfulness-correlation", image: sample.index, draw: draw)
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
