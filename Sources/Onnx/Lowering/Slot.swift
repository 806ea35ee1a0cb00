import Pullbacks

/// A value of the file while its graph is turned into one of the core: known, or computed by a node.
///
/// Shapes here are the file's, at a batch of one image. In the core, the batch axis is implicit: a signal either has it
/// dropped, which takes a first axis of extent 1, or keeps all axes of that one image.
struct Slot {
  enum Content {
    case constant(StoredValue)
    /// `dropped`: without the file's first axis. `type`: of the signal's elements; integers that were computed are
    /// floats.
    case signal(Signal, dropped: Bool, type: ElementType)
  }

  /// The steps of a norm of values, up to the divisor of the values.
  enum Statistic { case none, reduced, root }

  var kind: ElementKind
  var shape: [Int]
  var content: Content
  /// Whether a cotangent passes under the hard pullback: it depends on an input of floats other than through routing.
  var carries = false
  var statistic = Statistic.none
  /// Whether it would be an integer but for quantisers that are passed straight through.
  var isQuantised = false

  /// A known value.
  init(_ value: StoredValue) {
    kind = value.kind
    shape = value.shape
    content = .constant(value)
  }

  /// A computed value, of floats.
  init(_ signal: Signal, dropped: Bool, kind: ElementKind, carries: Bool, type: ElementType = .float32) {
    self.kind = kind
    shape = (dropped ? [1] : []) + signal.shape
    content = .signal(signal, dropped: dropped, type: type)
    self.carries = carries && type == .float32
  }

  var constant: StoredValue? { if case .constant(let value) = content { value } else { nil } }
  var isConstant: Bool { constant != nil }
  var rank: Int { shape.count }
  /// Whether the first axis is there and may be dropped.
  var canDrop: Bool { shape.first == 1 }
  var isDropped: Bool { if case .signal(_, dropped: true, _) = content { true } else { false } }
}
