// Parts of tensors, and tensors made of parts.

/// Keeps some places of some axes; the batch axis is not counted.
public struct Slice: Operation {
  /// The places of an axis that are kept.
  public enum Places: Hashable, Sendable {
    /// These, all of which must exist.
    case range(Range<Int>)
    /// Python's `start:end:step`: negative numbers count from the end, and those beyond an end are that end. An end
    /// before the first place, which a negative step needs to reach it, is any number below minus the extent.
    case python(start: Int, end: Int, step: Int)
  }

  /// An axis and its places that are kept.
  public struct Part: Hashable, Sendable {
    /// The axis, the batch axis not counted.
    public var axis: Int
    /// The places that are kept.
    public var places: Places

    public init(axis: Int, _ places: Places) {
      self.axis = axis
      self.places = places
    }
  }

  /// The parts that are kept of some axes, applied one after another; other axes are kept whole.
  public var parts: [Part]

  /// - Parameter parts: the parts that are kept of some axes.
  public init(_ parts: [Part]) { self.parts = parts }

  /// The part `range` of one axis.
  public init(axis: Int, _ range: Range<Int>) { self.init([Part(axis: axis, .range(range))]) }

  public var kind: String { "slice" }
  public var character: OperationCharacter { .linear }

  public var settings: String {
    parts.map { part in
      switch part.places {
      case .range(let range): "axis \(part.axis), \(range)"
      case .python(let start, let end, let step): "axis \(part.axis), \(start):\(end):\(step)"
      }
    }.joined(separator: "; ")
  }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    try checkCount(inputs, 1, of: kind)
    var shape = inputs[0]
    for part in parts {
      guard shape.indices.contains(part.axis), let places = part.sources(shape[part.axis]) else {
        throw PullbackError(.usage, kind, "\(words(part)) is not within shape \(inputs[0])")
      }
      guard !places.isEmpty else {
        throw PullbackError(.usage, kind, "\(words(part)) has no place of shape \(inputs[0])")
      }
      shape[part.axis] = places.count
    }
    return shape
  }

  private func words(_ part: Part) -> String {
    switch part.places {
    case .range(let range): "\(range) of axis \(part.axis)"
    case .python(let start, let end, let step): "\(start):\(end):\(step) of axis \(part.axis)"
    }
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    Evaluation(
      parts.reduce(inputs[0]) { x, part in
        AxisSelection(sources: part.sources(x.shape[part.axis + 1])!)(x, axis: part.axis + 1)
      })
  }

  /// v in its place, zeros around it.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    // The extents before each part was taken.
    var shape = site.inputShapes[0]
    let steps = parts.map { part in
      let extent = shape[part.axis + 1]
      let selection = AxisSelection(sources: part.sources(extent)!)
      shape[part.axis + 1] = selection.sources.count
      return (axis: part.axis + 1, extent: extent, selection: selection)
    }
    return [steps.reversed().reduce(v) { v, step in step.selection.adjoint(v, axis: step.axis, extent: step.extent) }]
  }
}

extension Slice {
  /// The places of the first axis, of `extent` places, that are kept.
  func channels(of extent: Int) -> [Int] {
    parts.reduce(Array(0..<extent)) { kept, part in
      part.axis == 0 ? part.sources(kept.count)!.map { kept[$0] } : kept
    }
  }
}

extension Slice.Part {
  /// The places of an axis of `extent` places that are kept; nil where they do not all exist, or the step is 0.
  fileprivate func sources(_ extent: Int) -> [Int]? {
    switch places {
    case .range(let range):
      return !range.isEmpty && range.lowerBound >= 0 && range.upperBound <= extent ? Array(range) : nil
    case .python(let start, let end, let step):
      guard step != 0 else { return nil }
      func bound(_ place: Int) -> Int {
        let fromFront = place < 0 ? place + extent : place
        return step > 0 ? min(max(fromFront, 0), extent) : min(max(fromFront, -1), extent - 1)
      }
      return Array(stride(from: bound(start), to: bound(end), by: step))
    }
  }
}

/// Tensors joined along one axis, the batch axis not counted.
public struct Concatenate: Operation {
  /// The axis, the batch axis not counted.
  public var axis: Int
  public init(axis: Int = 0) { self.axis = axis }

  public var kind: String { "concat" }
  public var character: OperationCharacter { .linear }
  public var settings: String { "axis \(axis)" }

  public func outputShape(_ inputs: [[Int]]) throws(PullbackError) -> [Int] {
    var shape = inputs[0]
    guard shape.indices.contains(axis) else {
      throw PullbackError(.usage, kind, "axis \(axis) is not an axis of shape \(shape)")
    }
    for other in inputs.dropFirst() {
      var expected = shape
      if other.indices.contains(axis) { expected[axis] = other[axis] }
      guard other == expected else {
        throw PullbackError(.usage, kind, "shapes \(inputs[0]) and \(other) differ in more than axis \(axis)")
      }
      shape[axis] += other[axis]
    }
    return shape
  }

  public func forward(_ inputs: [Tensor], _ parameters: [Tensor], mode: Mode) -> Evaluation {
    var shape = inputs[0].shape
    shape[axis + 1] = inputs.reduce(0) { $0 + $1.shape[axis + 1] }
    let wide = shape.dropFirst(axis + 1).reduce(1, *)
    return Evaluation(
      Tensor(shape: shape) { y in
        var offset = 0
        for x in inputs {
          let inner = x.shape.dropFirst(axis + 1).reduce(1, *)
          x.withUnsafeBuffer { x in
            for outer in 0..<x.count / inner {
              (y.baseAddress! + outer * wide + offset).update(from: x.baseAddress! + outer * inner, count: inner)
            }
          }
          offset += inner
        }
      })
  }

  /// Each input's part of v.
  public func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    var first = 0
    return site.inputShapes.map { shape in
      let part = Slice(axis: axis, first..<first + shape[axis + 1])
      first += shape[axis + 1]
      return part.forward([v], [], mode: .evaluation).output
    }
  }
}
