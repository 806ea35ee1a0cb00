import Foundation
import Pullbacks

/// A dense array of Double in row-major order: what the twin computes with. Made for reading, not for speed.
public struct Grid: Sendable {
  public let shape: [Int]
  public var values: [Double]

  public init(_ shape: [Int], _ values: [Double]) {
    precondition(values.count == shape.reduce(1, *))
    self.shape = shape
    self.values = values
  }

  public init(zeros shape: [Int]) { self.init(shape, [Double](repeating: 0, count: shape.reduce(1, *))) }

  /// The element at each index, by formula.
  public init(_ shape: [Int], _ element: ([Int]) -> Double) {
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

  public init(_ tensor: Tensor) { self.init(tensor.shape, tensor.scalars.map(Double.init)) }

  private func offset(_ index: [Int]) -> Int {
    precondition(index.count == shape.count)
    return zip(index, shape).reduce(0) { sum, axis in
      precondition((0..<axis.1).contains(axis.0))
      return sum * axis.1 + axis.0
    }
  }

  public subscript(index: [Int]) -> Double {
    get { values[offset(index)] }
    set { values[offset(index)] = newValue }
  }
  public subscript(index: Int...) -> Double { self[index] }

  /// The element that stands at `index` of a larger grid when this one is broadcast to it as numpy does.
  public func broadcast(_ index: [Int]) -> Double {
    self[zip(index.suffix(shape.count), shape).map { $1 == 1 ? 0 : $0 }]
  }

  /// The elements along `axis` through the place `index`.
  public func line(_ axis: Int, through index: [Int]) -> [Double] {
    var index = index
    return (0..<shape[axis]).map {
      index[axis] = $0
      return self[index]
    }
  }

  public static func + (a: Grid, b: Grid) -> Grid { Grid(a.shape, zip(a.values, b.values).map { $0 + $1 }) }
  public static func - (a: Grid, b: Grid) -> Grid { Grid(a.shape, zip(a.values, b.values).map { $0 - $1 }) }
  public static func * (factor: Double, a: Grid) -> Grid { Grid(a.shape, a.values.map { factor * $0 }) }
}

public func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).map { $0 * $1 }.sum }

extension [Double] {
  public var sum: Double { reduce(0, +) }
  public var mean: Double { sum / Double(count) }
  /// The biased variance.
  public var variance: Double {
    let mean = mean
    return map { ($0 - mean) * ($0 - mean) }.mean
  }

  /// `exp(x_i) / sum_j exp(x_j)`, which does not overflow for the small numbers of the tests.
  public var softmax: [Double] {
    let powers = map { Foundation.exp($0) }
    return powers.map { $0 / powers.sum }
  }
}
