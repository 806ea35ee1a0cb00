/// What the pickle machine holds: inert data. Containers are indices into a ``PickleHeap``, so that a container which
/// holds itself is no reference cycle, and no chain of containers is ever released by recursion.
enum PickleValue {
  case none
  case bool(Bool)
  case int(Int)
  /// An integer beyond 64 bits: two's complement, little-endian.
  case longInteger([UInt8])
  case string(String)
  case list(Int)
  case tuple(Int)
  case dict(Int)
  case global(PickleGlobal)
  /// An index into ``TorchObjects/storages``.
  case storage(Int)
  /// An index into ``TorchObjects/tensors``.
  case tensor(Int)
  /// An object no state dict depends on: a float, a set, a NumPy scalar, an over-long string.
  case opaque
}

/// The containers of one pickle.
struct PickleHeap {
  /// Lists and tuples.
  private(set) var sequences: [[PickleValue]] = []
  private(set) var dicts: [PickleDict] = []

  /// Items copied from one container to another. A short pickle could ask for any number of such copies.
  private(set) var copies = 0

  var count: Int { sequences.count + dicts.count }

  mutating func charge(_ copies: Int) { self.copies += copies }

  mutating func newSequence(_ items: [PickleValue]) -> Int {
    sequences.append(items)
    return sequences.count - 1
  }

  mutating func newDict() -> Int {
    dicts.append(PickleDict())
    return dicts.count - 1
  }

  mutating func append(_ items: [PickleValue], toList index: Int) {
    sequences[index].append(contentsOf: items)
  }

  mutating func set(_ key: PickleValue, to value: PickleValue, inDict index: Int) {
    if case .string(let key) = key { dicts[index].set(key, to: value) }
  }
}

/// A dictionary in the order of insertion. Only string keys are kept: nothing under another key is ever looked for.
struct PickleDict {
  private(set) var entries: [(key: String, value: PickleValue)] = []
  private var positions: [String: Int] = [:]

  /// As in Python, a key set twice keeps its place and takes the last value.
  mutating func set(_ key: String, to value: PickleValue) {
    if let position = positions[key] {
      entries[position].value = value
    } else {
      positions[key] = entries.count
      entries.append((key, value))
    }
  }

  subscript(key: String) -> PickleValue? { positions[key].map { entries[$0].value } }
}
