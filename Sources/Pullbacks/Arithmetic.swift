import Kernels

/// Elementwise arithmetic. Operands have equal shapes; work is spread over threads in blocks of fixed size.
extension Tensor {
  /// The sum, place by place.
  public static func + (a: Tensor, b: Tensor) -> Tensor { a.combine(b, Arrays.add) }

  /// The difference, place by place.
  public static func - (a: Tensor, b: Tensor) -> Tensor { a + (-1 * b) }

  /// The product, place by place.
  public static func * (a: Tensor, b: Tensor) -> Tensor { a.combine(b, Arrays.multiply) }

  /// The quotient, place by place.
  public static func / (a: Tensor, b: Tensor) -> Tensor {
    a.combine(b) { a, b, y, n in for i in 0..<n { y[i] = a[i] / b[i] } }
  }

  /// Every value times a number.
  public static func * (factor: Float, x: Tensor) -> Tensor { x.map { Arrays.scale($0, factor, $1, $2) } }

  /// Adds `b` to `a` in place.
  public static func += (a: inout Tensor, b: Tensor) {
    precondition(a.shape == b.shape, "cannot add \(b.shape) to \(a.shape)")
    b.withUnsafeBuffer { b in
      a.withUnsafeMutableBuffer { a in
        Parallel.forEachBlock(of: a.count) { block in
          Arrays.accumulate(b.baseAddress! + block.lowerBound, a.baseAddress! + block.lowerBound, block.count)
        }
      }
    }
  }

  /// `body(x, y, n)` writes n elements of the result from n elements of this tensor, a block at a time.
  package func map(
    _ body: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
  ) -> Tensor {
    withUnsafeBuffer { x in
      Tensor(shape: shape) { y in
        Parallel.forEachBlock(of: x.count) { block in
          body(x.baseAddress! + block.lowerBound, y.baseAddress! + block.lowerBound, block.count)
        }
      }
    }
  }

  /// `body(a, b, y, n)` writes n elements of the result from n elements of this tensor and of `other`.
  package func combine(
    _ other: Tensor,
    _ body: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
  ) -> Tensor {
    precondition(shape == other.shape, "shapes \(shape) and \(other.shape) do not match")
    return withUnsafeBuffer { a in
      other.withUnsafeBuffer { b in
        Tensor(shape: shape) { y in
          Parallel.forEachBlock(of: a.count) { block in
            body(
              a.baseAddress! + block.lowerBound, b.baseAddress! + block.lowerBound,
              y.baseAddress! + block.lowerBound, block.count)
          }
        }
      }
    }
  }

  /// Addresses of the elements of several tensors at once, for kernels.
  package static func withPointers<Result>(
    _ a: Tensor, _ b: Tensor, _ body: (UnsafePointer<Float>, UnsafePointer<Float>) throws -> Result
  ) rethrows -> Result {
    try a.withUnsafeBuffer { a in try b.withUnsafeBuffer { b in try body(a.baseAddress!, b.baseAddress!) } }
  }

  package static func withPointers<Result>(
    _ a: Tensor, _ b: Tensor, _ c: Tensor,
    _ body: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>) throws -> Result
  ) rethrows -> Result {
    try withPointers(a, b) { a, b in try c.withUnsafeBuffer { c in try body(a, b, c.baseAddress!) } }
  }
}

extension Tensor {
  /// Each image of a batch times its own factor.
  ///
  /// - Precondition: one factor per image.
  public func scaled(perImage factors: [Double]) -> Tensor {
    precondition(factors.count == shape[0], "\(factors.count) factors for \(shape[0]) images")
    let size = count / max(1, shape[0])
    return withUnsafeBuffer { x in
      Tensor(shape: shape) { y in
        Parallel.forEach(shape[0]) { image in
          Arrays.scale(x.baseAddress! + image * size, Float(factors[image]), y.baseAddress! + image * size, size)
        }
      }
    }
  }

  /// Adds `factor` times an image of another batch to an image of this one.
  ///
  /// - Precondition: both images exist and have one shape.
  public mutating func addToImage(_ image: Int, _ factor: Float, of other: Tensor, image source: Int) {
    precondition(shape.dropFirst() == other.shape.dropFirst(), "images of \(shape) and \(other.shape) differ in shape")
    precondition(shape.indices.contains(0) && image < shape[0] && source < other.shape[0], "no such image")
    let size = count / shape[0]
    other.withUnsafeBuffer { other in
      withUnsafeMutableBuffer { y in
        Parallel.forEachBlock(of: size) { block in
          Arrays.axpy(
            factor, other.baseAddress! + source * size + block.lowerBound,
            y.baseAddress! + image * size + block.lowerBound, block.count)
        }
      }
    }
  }

  /// Every value replaced by a function of it.
  ///
  /// The function is called on several threads.
  public func mapped(_ function: (Float) -> Float) -> Tensor {
    map { x, y, n in for i in 0..<n { y[i] = function(x[i]) } }
  }

  /// `max(x, 0)`, place by place.
  public var positivePart: Tensor { clamped(to: 0...Float.infinity) }

  /// `min(x, 0)`, place by place.
  public var negativePart: Tensor { clamped(to: -Float.infinity...0) }

  /// `|x|`, place by place.
  public var magnitudes: Tensor { map { x, y, n in for i in 0..<n { y[i] = abs(x[i]) } } }

  /// Every value moved to the nearest in `range`; NaN stays NaN.
  public func clamped(to range: ClosedRange<Float>) -> Tensor {
    map { x, y, n in Arrays.clamp(x, range.lowerBound, range.upperBound, y, n) }
  }
}
