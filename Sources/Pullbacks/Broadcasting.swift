import Kernels

// Numpy's broadcasting, image by image: shapes are aligned on the right behind the batch axis, which always stays the
// first; an axis of extent 1 is repeated, and a batch of one goes with every image.

/// The shape that values of several shapes take together, the batch axis not counted.
///
/// - Throws: `PullbackError` for extents that differ and are not 1.
func broadcastShape(_ shapes: [[Int]], of kind: String) throws(PullbackError) -> [Int] {
  let rank = shapes.map(\.count).max() ?? 0
  var result = [Int](repeating: 1, count: rank)
  for shape in shapes {
    for (axis, extent) in zip(rank - shape.count..<rank, shape) where extent != 1 {
      guard result[axis] == 1 || result[axis] == extent else {
        throw PullbackError(
          .usage, kind,
          "the shapes \(shapes.map { "\($0)" }.joined(separator: " and ")) cannot be broadcast together")
      }
      result[axis] = extent
    }
  }
  return result
}

/// A joint walk through several operands; axes that all operands pass in the same way are merged into one.
struct BroadcastWalk {
  /// The extents of the walk, outermost first; never empty.
  private(set) var extents: [Int]
  /// For each operand and axis the step in its memory, 0 where it is repeated.
  private(set) var strides: [[Int]]

  /// - Parameters:
  ///   - shape: the shape of the result, batch axis first.
  ///   - operands: shapes with the batch axis, each of which broadcasts to it.
  init(over shape: [Int], _ operands: [[Int]]) {
    let steps = operands.map { Self.steps($0, over: shape) }
    extents = []
    strides = operands.map { _ in [] }
    for (axis, extent) in shape.enumerated() where extent != 1 {
      let joins =
        !extents.isEmpty && steps.indices.allSatisfy { strides[$0].last! == steps[$0][axis] * extent }
      if joins { extents[extents.count - 1] *= extent } else { extents.append(extent) }
      for operand in steps.indices {
        if joins {
          strides[operand][extents.count - 1] = steps[operand][axis]
        } else {
          strides[operand].append(steps[operand][axis])
        }
      }
    }
    if extents.isEmpty {
      extents = [1]
      strides = operands.map { _ in [0] }
    }
  }

  private static func steps(_ operand: [Int], over shape: [Int]) -> [Int] {
    let missing = shape.count - operand.count
    let aligned = operand.prefix(1) + [Int](repeating: 1, count: missing) + operand.dropFirst()
    var steps = [Int](repeating: 0, count: shape.count)
    var size = 1
    for axis in shape.indices.reversed() {
      steps[axis] = aligned[axis] == 1 ? 0 : size
      size *= aligned[axis]
    }
    return steps
  }

  /// The extent of the innermost axis, whose steps are 0 or 1.
  var inner: Int { extents.last! }
  /// The number of runs along the innermost axis.
  var runs: Int { extents.dropLast().reduce(1, *) }

  /// The offset at which run `index` of an operand starts.
  func start(_ operand: Int, run index: Int) -> Int {
    var (rest, offset) = (index, 0)
    for axis in stride(from: extents.count - 2, through: 0, by: -1) {
      offset += rest % extents[axis] * strides[operand][axis]
      rest /= extents[axis]
    }
    return offset
  }

  /// The offset of place `index` of the walk in an operand.
  func place(_ operand: Int, _ index: Int) -> Int {
    start(operand, run: index / inner) + index % inner * strides[operand].last!
  }

  /// Calls `body` with every run, on several threads.
  func forEachRun(_ body: (Int) -> Void) {
    Parallel.forEachBlock(of: runs, size: max(1, (1 << 15) / inner)) { block in for run in block { body(run) } }
  }
}

/// A function of two numbers as a type, so that loops over it are compiled for it.
protocol BinaryFunction {
  static func value(_ a: Float, _ b: Float) -> Float
}

extension Tensor {
  /// Two tensors combined place by place, broadcast to `shape`, which includes the batch axis.
  func broadcast<F: BinaryFunction>(with other: Tensor, to shape: [Int], _ function: F.Type) -> Tensor {
    let walk = BroadcastWalk(over: shape, [self.shape, other.shape])
    let (left, right) = (walk.strides[0].last!, walk.strides[1].last!)
    return Tensor(shape: shape) { y in
      Tensor.withPointers(self, other) { a, b in
        walk.forEachRun { run in
          let (a, b) = (a + walk.start(0, run: run), b + walk.start(1, run: run))
          let y = y.baseAddress! + run * walk.inner
          switch (left, right) {
          case (0, _):
            let a = a.pointee
            for i in 0..<walk.inner { y[i] = F.value(a, b[i * right]) }
          case (_, 0):
            let b = b.pointee
            for i in 0..<walk.inner { y[i] = F.value(a[i], b) }
          default: for i in 0..<walk.inner { y[i] = F.value(a[i], b[i]) }
          }
        }
      }
    }
  }

  /// The values repeated to `shape`, which includes the batch axis.
  func broadcast(to shape: [Int]) -> Tensor {
    guard self.shape != shape else { return self }
    let walk = BroadcastWalk(over: shape, [self.shape])
    let step = walk.strides[0].last!
    return withUnsafeBuffer { x in
      Tensor(shape: shape) { y in
        walk.forEachRun { run in
          let x = x.baseAddress! + walk.start(0, run: run)
          let y = y.baseAddress! + run * walk.inner
          if step == 0 {
            y.update(repeating: x.pointee, count: walk.inner)
          } else {
            y.update(from: x, count: walk.inner)
          }
        }
      }
    }
  }

  /// The adjoint of ``broadcast(to:)``: sums over the axes along which values of `shape` are repeated in this tensor.
  func summed(to shape: [Int]) -> Tensor {
    guard self.shape != shape else { return self }
    let walk = BroadcastWalk(over: self.shape, [shape])
    let step = walk.strides[0].last!
    var sums = [Double](repeating: 0, count: shape.product)
    withUnsafeBuffer { x in
      for run in 0..<walk.runs {
        let x = x.baseAddress! + run * walk.inner
        let start = walk.start(0, run: run)
        if step == 0 {
          sums[start] += Arrays.sum(x, walk.inner)
        } else {
          for i in 0..<walk.inner { sums[start + i] += Double(x[i]) }
        }
      }
    }
    return Tensor(shape: shape, sums.map(Float.init))
  }
}
