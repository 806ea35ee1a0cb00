import Pullbacks
import TestKit

// Operations that are affine in each of their inputs.
extension DoubleTwin {
  func convolution(_ c: Convolution, _ x: Grid) -> Grid {
    let groupInputs = x.shape[0] / c.groups
    let groupOutputs = c.outputs / c.groups
    return Grid(extents([x])) { o in
      var sum = c.hasBias ? parameters[1][o[0]] : 0
      for channel in 0..<groupInputs {
        for i in 0..<c.kernel.height {
          for j in 0..<c.kernel.width {
            let row = o[1] * c.stride.height + i * c.dilation.height - c.padding.top
            let column = o[2] * c.stride.width + j * c.dilation.width - c.padding.left
            guard (0..<x.shape[1]).contains(row), (0..<x.shape[2]).contains(column) else { continue }
            sum += parameters[0][o[0], channel, i, j] * x[o[0] / groupOutputs * groupInputs + channel, row, column]
          }
        }
      }
      return sum
    }
  }

  func linear(_ x: Grid) -> Grid {
    Grid(extents([x])) { o in
      let row = x.line(x.shape.count - 1, through: o.dropLast() + [0])
      let weights = parameters[0].line(1, through: [o.last!, 0])
      return dot(row, weights) + (parameters.count > 1 ? parameters[1][o.last!] : 0)
    }
  }

  func batchNorm(_ norm: BatchNorm, _ x: Grid) -> Grid {
    let (gamma, beta, mean, variance) = (parameters[0], parameters[1], parameters[2], parameters[3])
    return Grid(x.shape) { o in
      let c = o[0]
      return gamma[c] * (x[o] - mean[c]) / (variance[c] + Double(norm.epsilon)).squareRoot() + beta[c]
    }
  }

  func averagePool(_ pool: AveragePool, _ x: Grid) -> Grid {
    let shape = extents([x])
    return Grid(shape) { o in
      var (sum, divisor) = (0.0, 0)
      switch pool.windows {
      case .sliding(let kernel, let stride, let padding, _, let countsPadding):
        for i in 0..<kernel.height {
          for j in 0..<kernel.width {
            let row = o[1] * stride.height + i - padding.top
            let column = o[2] * stride.width + j - padding.left
            let isInside = (0..<x.shape[1]).contains(row) && (0..<x.shape[2]).contains(column)
            if isInside { sum += x[o[0], row, column] }
            let isPadded = row < x.shape[1] + padding.bottom && column < x.shape[2] + padding.right
            if isInside || (countsPadding && isPadded) { divisor += 1 }
          }
        }
      case .adaptive:
        for row in 0..<x.shape[1] where overlaps(row, o[1], of: shape[1], over: x.shape[1]) {
          for column in 0..<x.shape[2] where overlaps(column, o[2], of: shape[2], over: x.shape[2]) {
            sum += x[o[0], row, column]
            divisor += 1
          }
        }
      }
      return sum / Double(divisor)
    }
  }

  /// Whether the unit interval at `place` and cell `cell` of `count` equal cells over `extent` units overlap.
  private func overlaps(_ place: Int, _ cell: Int, of count: Int, over extent: Int) -> Bool {
    place * count < (cell + 1) * extent && (place + 1) * count > cell * extent
  }

  /// `function` of the operands' values at every place, each broadcast as numpy does.
  func combined(_ x: [Grid], _ function: ([Double]) -> Double) -> Grid {
    Grid(extents(x)) { o in function(x.map { $0.broadcast(o) }) }
  }

  func matrixMultiply(_ operation: MatrixMultiply, _ a: Grid, _ b: Grid) -> Grid {
    let rank = a.shape.count
    return Grid(extents([a, b])) { o in
      var right = o
      if operation.transposesRight { right[rank - 2] = o[rank - 1] }
      return dot(a.line(rank - 1, through: o.dropLast() + [0]),
        b.line(operation.transposesRight ? rank - 1 : rank - 2, through: zeroed(right, operation.transposesRight)))
    }
  }

  /// `index` with 0 on the axis that a matrix product sums over.
  private func zeroed(_ index: [Int], _ last: Bool) -> [Int] {
    var index = index
    index[index.count - (last ? 1 : 2)] = 0
    return index
  }

  func concatenate(_ operation: Concatenate, _ x: [Grid]) -> Grid {
    Grid(extents(x)) { o in
      var index = o
      for part in x {
        if index[operation.axis] < part.shape[operation.axis] { return part[index] }
        index[operation.axis] -= part.shape[operation.axis]
      }
      preconditionFailure("\(o) is outside all parts")
    }
  }

  func transpose(_ operation: Transpose, _ x: Grid) -> Grid {
    Grid(extents([x])) { o in
      var index = o
      for (place, axis) in operation.order.enumerated() { index[axis] = o[place] }
      return x[index]
    }
  }
}
