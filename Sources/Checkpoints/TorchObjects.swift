import Failures

/// The objects that PyTorch's functions in a pickle stand for: runs of numbers stored elsewhere in the file, and views
/// of them.
///
/// Source: `torch/_utils.py` and `torch/serialization.py` of PyTorch.
struct TorchObjects {
  /// A run of numbers that the file stores under `key`.
  struct Storage {
    var key: String
    var dtype: ScalarType
    /// The number of elements under `key`.
    var count: Int
    /// The part of them this storage shows, in elements: all, but for the storage views of PyTorch before 0.4.
    var view: Range<Int>
  }

  /// A strided view of `storages[storage]`.
  struct View {
    var storage: Int
    var dtype: ScalarType
    var offset: Int
    var shape: [Int]
    var strides: [Int]
  }

  private(set) var storages: [Storage] = []
  private(set) var tensors: [View] = []

  var count: Int { storages.count + tensors.count }

  /// The value of `function(arguments)`.
  mutating func call(
    _ function: PickleGlobal, _ arguments: [PickleValue], _ heap: inout PickleHeap, _ place: ByteCursor
  ) throws -> PickleValue {
    switch function {
    case .inert: return .opaque
    case .orderedDict:
      let dict = heap.newDict()
      try fill(dict, from: arguments, &heap, place)
      return .dict(dict)
    case .rebuildTensor, .rebuildTensorV2, .rebuildTensorV3:
      return try rebuildTensor(function, arguments, heap, place)
    case .rebuildFromType:
      // Called as f(function, type, arguments, state). Only tensors are rebuilt so: a call of itself would recur.
      guard arguments.count >= 3, case .global(let inner) = arguments[0], case .tuple(let index) = arguments[2],
        [.rebuildTensor, .rebuildTensorV2, .rebuildTensorV3].contains(inner)
      else { throw place.malformedPickle("rebuilds something that is no tensor") }
      return try rebuildTensor(inner, heap.sequences[index], heap, place)
    case .parameter:
      guard let first = arguments.first, case .tensor = first else {
        throw place.malformedPickle("makes a parameter of something that is no tensor")
      }
      return first
    case .size:
      guard arguments.count == 1, let sizes = heap.integers(arguments[0]) else {
        throw place.malformedPickle("has a torch.Size of something else than integers")
      }
      return .tuple(heap.newSequence(sizes.map { .int($0) }))
    case .storage, .untypedStorage, .dtype:
      throw place.malformedPickle("calls a type of PyTorch that is never called")
    }
  }

  /// `OrderedDict()`, or `OrderedDict([(key, value), ...])` as Python 2 wrote it.
  private func fill(
    _ dict: Int, from arguments: [PickleValue], _ heap: inout PickleHeap, _ place: ByteCursor
  ) throws {
    guard let first = arguments.first else { return }
    guard arguments.count == 1, let pairs = heap.items(first) else {
      throw place.malformedPickle("has an OrderedDict of something else than pairs")
    }
    heap.charge(pairs.count)
    for pair in pairs {
      guard let items = heap.items(pair), items.count == 2 else {
        throw place.malformedPickle("has an OrderedDict of something else than pairs")
      }
      heap.set(items[0], to: items[1], inDict: dict)
    }
  }

  /// `_rebuild_tensor(storage, offset, size, stride)`; version 2 adds `requires_grad, hooks, metadata`, and version 3
  /// the type of the elements before the metadata.
  private mutating func rebuildTensor(
    _ function: PickleGlobal, _ arguments: [PickleValue], _ heap: PickleHeap, _ place: ByteCursor
  ) throws -> PickleValue {
    guard arguments.count >= 4, case .storage(let storage) = arguments[0], case .int(let offset) = arguments[1],
      let shape = heap.integers(arguments[2]), let strides = heap.integers(arguments[3])
    else { throw place.malformedPickle("rebuilds a tensor of something else than a storage, offset, size and stride") }
    var dtype = storages[storage].dtype
    if function == .rebuildTensorV3 {
      guard arguments.count >= 7, case .global(.dtype(let named)) = arguments[6] else {
        throw place.malformedPickle("rebuilds a tensor of an unknown type")
      }
      dtype = named
    }
    if case .dict(let metadata)? = arguments.dropFirst(function == .rebuildTensorV3 ? 7 : 6).first,
      case .bool(true)? = heap.dicts[metadata]["neg"]
    {
      throw place.malformedPickle(
        "has a tensor whose sign PyTorch would flip on reading,", advice: "save it after resolve_neg()")
    }
    tensors.append(View(storage: storage, dtype: dtype, offset: offset, shape: shape, strides: strides))
    return .tensor(tensors.count - 1)
  }

  /// The storage a persistent identifier stands for: `("storage", type, key, location, count)`, in the legacy format
  /// followed by `None` or by a view, `(key, offset, count)`.
  mutating func persistentObject(
    _ identifier: PickleValue, _ heap: PickleHeap, _ place: ByteCursor
  ) throws -> PickleValue {
    guard let fields = heap.items(identifier), fields.count == 5 || fields.count == 6,
      case .string("storage") = fields[0], case .global(let type) = fields[1], case .string(let key) = fields[2],
      case .int(let count) = fields[4], count >= 0
    else { throw place.malformedPickle("refers to something that is no storage") }
    let dtype: ScalarType
    switch type {
    case .storage(let named): dtype = named
    case .untypedStorage: dtype = .uint8
    default: throw place.malformedPickle("refers to a storage of an unknown type")
    }
    var view = 0..<count
    if fields.count == 6, let bounds = heap.items(fields[5]) {
      guard bounds.count == 3, case .int(let offset) = bounds[1], case .int(let length) = bounds[2],
        offset >= 0, length >= 0, offset <= count, length <= count - offset
      else { throw place.malformedPickle("has a view that leaves its storage") }
      view = offset..<offset + length
    }
    storages.append(Storage(key: key, dtype: dtype, count: count, view: view))
    return .storage(storages.count - 1)
  }
}

extension PickleHeap {
  /// The items of a list or tuple, nil for anything else.
  func items(_ value: PickleValue) -> [PickleValue]? {
    switch value {
    case .list(let index), .tuple(let index): sequences[index]
    default: nil
    }
  }

  /// The items of a list or tuple of at most 64 integers, PyTorch's limit for a shape; nil for anything else.
  func integers(_ value: PickleValue) -> [Int]? {
    guard let items = items(value), items.count <= 64 else { return nil }
    var integers: [Int] = []
    for item in items {
      guard case .int(let integer) = item else { return nil }
      integers.append(integer)
    }
    return integers
  }
}
