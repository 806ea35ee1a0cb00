// The geometry of windows that slide over planes.

/// A height and a width; an integer literal makes both.
public struct Extent: Hashable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
  /// Along the axis H.
  public var height: Int
  /// Along the axis W.
  public var width: Int

  /// A height and a width.
  public init(_ height: Int, _ width: Int) {
    self.height = height
    self.width = width
  }

  public init(integerLiteral value: Int) { self.init(value, value) }
  public var description: String { "\(height)x\(width)" }
}

/// Zeros around a plane; an integer literal puts as many on every side.
public struct Padding: Hashable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
  /// The numbers of rows of zeros above and below, and of columns to the left and the right.
  public var top, left, bottom, right: Int

  /// Different numbers of zeros on each side.
  public init(top: Int, left: Int, bottom: Int, right: Int) {
    (self.top, self.left, self.bottom, self.right) = (top, left, bottom, right)
  }

  /// The same number of zeros on every side.
  public init(_ size: Int) { self.init(top: size, left: size, bottom: size, right: size) }

  /// Zeros at the two ends of a sequence, which is a plane of one row.
  public init(before: Int, after: Int) { self.init(top: 0, left: before, bottom: 0, right: after) }

  /// The part of these zeros that lies at the two ends of a sequence.
  var alongRow: Padding { Padding(before: left, after: right) }

  public init(integerLiteral value: Int) { self.init(value) }

  /// TensorFlow's "same": output extents are input extents over stride, rounded up, and an odd zero goes below and
  /// right.
  public static func same(height: Int, width: Int, kernel: Extent, stride: Extent) -> Padding {
    func total(_ extent: Int, _ kernel: Int, _ stride: Int) -> Int {
      max(0, ((extent + stride - 1) / stride - 1) * stride + kernel - extent)
    }
    let rows = total(height, kernel.height, stride.height)
    let columns = total(width, kernel.width, stride.width)
    return Padding(top: rows / 2, left: columns / 2, bottom: rows - rows / 2, right: columns - columns / 2)
  }

  public var description: String {
    top == left && left == bottom && bottom == right ? "\(top)" : "(\(top), \(left), \(bottom), \(right))"
  }
}

/// Height and width of the planes of `(C, H, W)`, or of sequences `(C, L)`, which are planes of one row.
func planeExtents(_ shape: [Int]) -> (height: Int, width: Int) {
  shape.count == 2 ? (1, shape[1]) : (shape[1], shape[2])
}

/// Settings of a window, for people: a sequence has a number where a plane has two.
func words(_ extent: Extent, axes: Int) -> String { axes == 1 ? "\(extent.width)" : "\(extent)" }
func words(_ padding: Padding, axes: Int) -> String {
  guard axes == 1 else { return "\(padding)" }
  return padding.left == padding.right ? "\(padding.left)" : "(\(padding.left), \(padding.right))"
}
