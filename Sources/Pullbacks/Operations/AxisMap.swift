import Kernels

// Linear maps along one axis of a tensor: what padding, slicing, resizing and separable pooling are made of.

/// Every place along an axis taken from one of the input, or from none.
struct AxisSelection {
  /// For each place of the result the place it is taken from; nil where it is filled.
  let sources: [Int?]

  /// Places side by side that come from places side by side.
  private struct Run {
    let place: Int
    let source: Int?
    var count: Int
  }

  private var runs: [Run] {
    var runs: [Run] = []
    for (place, source) in sources.enumerated() {
      if let last = runs.last, last.source.map({ $0 + last.count }) == source {
        runs[runs.count - 1].count += 1
      } else {
        runs.append(Run(place: place, source: source, count: 1))
      }
    }
    return runs
  }

  /// The selection along axis `axis` of x, `fill` where nothing is taken.
  func callAsFunction(_ x: Tensor, axis: Int, fill: Float = 0) -> Tensor {
    let (extent, inner) = (x.shape[axis], x.shape.dropFirst(axis + 1).reduce(1, *))
    var shape = x.shape
    shape[axis] = sources.count
    let runs = runs
    return x.withUnsafeBuffer { x in
      Tensor(shape: shape) { y in
        forEachOuter(shape, axis) { outer in
          let (source, target) = (x.baseAddress! + outer * extent * inner, outer * sources.count * inner)
          for run in runs {
            let place = y.baseAddress! + target + run.place * inner
            if let first = run.source {
              place.update(from: source + first * inner, count: run.count * inner)
            } else {
              place.update(repeating: fill, count: run.count * inner)
            }
          }
        }
      }
    }
  }

  /// The adjoint: every v added to the place that it was taken from, for inputs with `extent` places along the axis.
  func adjoint(_ v: Tensor, axis: Int, extent: Int) -> Tensor {
    let inner = v.shape.dropFirst(axis + 1).reduce(1, *)
    var shape = v.shape
    shape[axis] = extent
    let runs = runs
    var isTaken = [Bool](repeating: false, count: extent)
    // Copying keeps the sign of a zero, which adding to zero loses.
    let isInjective = sources.allSatisfy { source in
      guard let source else { return true }
      defer { isTaken[source] = true }
      return !isTaken[source]
    }
    return v.withUnsafeBuffer { v in
      Tensor(shape: shape) { dx in
        dx.update(repeating: 0)
        forEachOuter(shape, axis) { outer in
          for run in runs {
            guard let first = run.source else { continue }
            let from = v.baseAddress! + (outer * sources.count + run.place) * inner
            let to = dx.baseAddress! + (outer * extent + first) * inner
            if isInjective {
              to.update(from: from, count: run.count * inner)
            } else {
              Arrays.accumulate(from, to, run.count * inner)
            }
          }
        }
      }
    }
  }
}

/// A sparse matrix along an axis: row i of the result is a sum of a few places of the input.
struct AxisMap {
  /// Places of the input.
  let extent: Int
  /// For each place of the result the places that it sums over, and their weights.
  let rows: [[(source: Int, weight: Float)]]

  /// The product along axis `axis` of x.
  func callAsFunction(_ x: Tensor, axis: Int) -> Tensor {
    let inner = x.shape.dropFirst(axis + 1).reduce(1, *)
    var shape = x.shape
    shape[axis] = rows.count
    return x.withUnsafeBuffer { x in
      Tensor(shape: shape) { y in
        y.update(repeating: 0)
        forEachOuter(shape, axis) { outer in
          let (source, target) = (x.baseAddress! + outer * extent * inner, y.baseAddress! + outer * rows.count * inner)
          forEachEntry { row, place, weight in
            addProduct(weight, source + place * inner, to: target + row * inner, inner)
          }
        }
      }
    }
  }

  /// The product with the transpose.
  func adjoint(_ v: Tensor, axis: Int) -> Tensor {
    let inner = v.shape.dropFirst(axis + 1).reduce(1, *)
    var shape = v.shape
    shape[axis] = extent
    return v.withUnsafeBuffer { v in
      Tensor(shape: shape) { dx in
        dx.update(repeating: 0)
        forEachOuter(shape, axis) { outer in
          let (source, target) = (v.baseAddress! + outer * rows.count * inner, dx.baseAddress! + outer * extent * inner)
          forEachEntry { row, place, weight in
            addProduct(weight, source + row * inner, to: target + place * inner, inner)
          }
        }
      }
    }
  }

  private func forEachEntry(_ body: (_ row: Int, _ place: Int, _ weight: Float) -> Void) {
    for (row, entries) in rows.enumerated() { for entry in entries { body(row, entry.source, entry.weight) } }
  }

  private func addProduct(
    _ weight: Float, _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    if count < 8 { for i in 0..<count { y[i] += weight * x[i] } } else { Arrays.axpy(weight, x, y, count) }
  }
}

/// Calls `body` with every index along the axes before `axis`, on several threads.
private func forEachOuter(_ shape: [Int], _ axis: Int, _ body: (Int) -> Void) {
  let inner = shape.dropFirst(axis).reduce(1, *)
  Parallel.forEachBlock(of: shape.prefix(axis).reduce(1, *), size: max(1, (1 << 15) / max(1, inner))) { block in
    for outer in block { body(outer) }
  }
}
