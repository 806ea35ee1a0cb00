/// The structural similarity of two maps, the mean over all 7 x 7 windows that lie inside, of
/// `(2 mu_a mu_b + C1) (2 cov + C2) / ((mu_a^2 + mu_b^2 + C1) (var_a + var_b + C2))`, with sample (co)variances,
/// `C1 = (0.01 R)^2`, `C2 = (0.03 R)^2` and R the range of both maps together.
///
/// Source: Wang et al. 2004; as scikit-image computes it and Quantus calls it. Nil for maps under 7 pixels a side, and
/// for two maps that are one constant.
func structuralSimilarity(_ a: [Double], _ b: [Double], height: Int, width: Int) -> Double? {
  let side = 7
  guard height >= side, width >= side else { return nil }
  let range = max(a.max() ?? 0, b.max() ?? 0) - min(a.min() ?? 0, b.min() ?? 0)
  guard range > 0, range.isFinite else { return nil }
  let (c1, c2) = (0.01 * range * (0.01 * range), 0.03 * range * (0.03 * range))
  let count = Double(side * side)
  var total = 0.0
  for top in 0...height - side {
    for left in 0...width - side {
      var (sumA, sumB) = (0.0, 0.0)
      for row in top..<top + side {
        for place in row * width + left..<row * width + left + side {
          sumA += a[place]
          sumB += b[place]
        }
      }
      let (meanA, meanB) = (sumA / count, sumB / count)
      var (squareA, squareB, product) = (0.0, 0.0, 0.0)
      for row in top..<top + side {
        for place in row * width + left..<row * width + left + side {
          let (x, y) = (a[place] - meanA, b[place] - meanB)
          squareA += x * x
          squareB += y * y
          product += x * y
        }
      }
      let (varianceA, varianceB, covariance) = (squareA / (count - 1), squareB / (count - 1), product / (count - 1))
      total +=
        (2 * meanA * meanB + c1) * (2 * covariance + c2)
        / ((meanA * meanA + meanB * meanB + c1) * (varianceA + varianceB + c2))
    }
  }
  return total / Double((height - side + 1) * (width - side + 1))
}
