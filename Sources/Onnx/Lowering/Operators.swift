extension Lowering {
  /// The lowering of each operator that is read.
  static let operators: [String: Operator] = [
    activations, elementwise, convolutions, pools, normalisations, products, reductions, shapes, lookups, ranking,
    resizing, quantisation, composites,
  ].reduce(into: [:]) { all, family in all.merge(family) { first, _ in first } }
}
