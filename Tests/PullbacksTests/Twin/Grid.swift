import Pullbacks

/// A dense array of Double in row-major order: what the twin computes with. Made for reading, not for speed.
struct Grid: Sendable {
  let shape: [Int]
  var values: [Double]

  init(_ shape: [Int], _ values: [Double]) {
    precondition(values.count == shape.reduce(1, *))
    self.shape = shape
    self.values = values
  }

  init(zeros shape: [Int]) { self.init(shape, [Double](repeating: 0, count: shape.reduce(1, *))) }

  /// The element at each index, by formula.
  init(_ shape: [Int], _ element: ([Int]) -> Double) {
    var values: [Double] = []
    var index = [Int](repeating: 0, count: shape.count)
    for _ in 0..<shape.reduce(1, *) {
      values.append(element(index))
      for axis in shape.indices.reversed() {
        index[axis] += 1
        if index[axis] < shape[axis] { break }
        index[axis] = 0
      }
    }
    self.init(shape, values)
  }

  init(_ tensor: Tensor) { self.init(tensor.shape, tensor.scalars.map(Double.init)) }

  private func offset(_ index: [Int]) -> Int {
    precondition(index.count == shape.count)
    return zip(index, shape).reduce(0) { sum, axis in
      precondition((0..<axis.1).contains(axis.0))
      return sum * axis.1 + axis.0
    }
  }

  subscript(index: [Int]) -> Double {
    get { values[offset(index)] }
    set { values[offset(index)] = newValue }
  }
  subscript(index: Int...) -> Double { self[index] }

  /// The elements along `axis` through the place `index`.
  func line(_ axis: Int, through index: [Int]) -> [Double] {
    var index = index
    return (0..<shape[axis]).map {
      index[axis] = $0
      return self[index]
    }
  }

  static func + (a: Grid, b: Grid) -> Grid { Grid(a.shape, zip(a.values, b.values).map { $0 + $1 }) }
  static func - (a: Grid, b: Grid) -> Grid { Grid(a.shape, zip(a.values, b.values).map { $0 - $1 }) }
  static func * (factor: Double, a: Grid) -> Grid { Grid(a.shape, a.values.map { factor * $0 }) }
}

func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).map { $0 * $1 }.sum }

extension [Double] {
  var sum: Double { reduce(0, +) }
  var mean: Double { sum / Double(count) }
  /// The biased variance.
  var variance: Double { map { ($0 - mean) * ($0 - mean) }.mean }

  /// `exp(x_i) / sum_j exp(x_j)`, which does not overflow for the small numbers of the tests.
  var softmax: [Double] {
    let powers = map { DoubleTwin.exp($0) }
    return powers.map { $0 / powers.sum }
  }
}
