import Failures

/// One number of many.
enum Aggregate: String, CaseIterable {
  case mean, median, min, max, sum, count
  /// The standard deviation of the population: the root of the mean squared distance from the mean.
  case deviation

  /// - Parameter values: numbers, or one list of numbers; for `count`, anything.
  func callAsFunction(_ values: [Value], of path: String) throws -> Double {
    var values = values
    if values.count == 1, case .list(let elements) = values[0] { values = elements }
    if self == .count { return Double(values.count) }
    let numbers = try values.map { value in
      guard case .number(let number) = value else {
        throw PullbackError(.data, path, "expected numbers for \(rawValue), found \(value.kind)")
      }
      return number
    }
    guard !numbers.isEmpty else { throw PullbackError(.data, path, "the \(rawValue) of no numbers is not defined") }
    let sorted = numbers.sorted()
    let sum = numbers.reduce(0, +)
    let mean = sum / Double(numbers.count)
    switch self {
    case .mean: return mean
    case .median: return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    case .min: return sorted[0]
    case .max: return sorted[sorted.count - 1]
    case .sum: return sum
    case .count: return Double(numbers.count)
    case .deviation:
      return (numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(numbers.count)).squareRoot()
    }
  }
}
