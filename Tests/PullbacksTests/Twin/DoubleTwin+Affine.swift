import Pullbacks
import TestKit

// Operations that are affine in each of their inputs.
extension DoubleTwin {
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

  /// `function` of the operands' values at every place, each broadcast as numpy does.
  func combined(_ x: [Grid], _ function: ([Double]) -> Double) -> Grid {
    Grid(extents(x)) { o in function(x.map { $0.broadcast(o) }) }
  }

  func matrixMultiply(_ operation: MatrixMultiply, _ a: Grid, _ b: Grid) -> Grid {
    let rank = max(a.shape.count, b.shape.count)
    return Grid(extents([a, b])) { o in
      (0..<a.shape.last!).map { k in
        let right = operation.transposesRight ? [o[rank - 1], k] : [k, o[rank - 1]]
        return a.broadcast(o.dropLast() + [k]) * b.broadcast(o.dropLast(2) + right)
      }.sum
    }
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
