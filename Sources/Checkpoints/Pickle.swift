/// A value of the pickle machine: inert data. Containers are indices into a ``PickleHeap``, so that a container which
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

  /// Sets a value as Python does: a key set twice keeps its place and takes the last value.
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

/// The functions and classes a pickled state dict may name. None of them is Python's: each is a case here, and calling
/// it is a line of ``TorchObjects``.
enum PickleGlobal: Equatable {
  case orderedDict
  /// `torch._utils._rebuild_tensor`, its second version, and its third, which names the type of the elements.
  case rebuildTensor, rebuildTensorV2, rebuildTensorV3
  /// A tensor with Python attributes, which do not matter here.
  case rebuildFromType
  /// A wrapper around its first argument, a tensor: `torch.nn.Parameter` and the functions that rebuild one.
  case parameter
  case storage(ScalarType)
  case untypedStorage
  case dtype(ScalarType)
  case size
  /// A class or function whose results no state dict depends on; they are not built.
  case inert

  /// The global of that name, nil if it is refused.
  init?(module: String, name: String) {
    switch (module, name) {
    case ("collections", "OrderedDict"): self = .orderedDict
    case ("torch._utils", "_rebuild_tensor"): self = .rebuildTensor
    case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensorV2
    case ("torch._utils", "_rebuild_tensor_v3"): self = .rebuildTensorV3
    case ("torch._tensor", "_rebuild_from_type_v2"): self = .rebuildFromType
    case ("torch._utils", "_rebuild_parameter"), ("torch._utils", "_rebuild_parameter_with_state"),
      ("torch.nn.parameter", "Parameter"):
      self = .parameter
    case ("torch", "Size"): self = .size
    case ("torch.storage", "UntypedStorage"), ("torch", "UntypedStorage"): self = .untypedStorage
    case ("torch", _), ("torch.cuda", _):
      if let type = Self.storages[name] {
        self = .storage(type)
      } else if module == "torch", let type = ScalarType(rawValue: name) {
        self = .dtype(type)
      } else if module == "torch", name == "Tensor" || name == "device" {
        self = .inert
      } else {
        return nil
      }
    default:
      guard Self.inertNames[module]?.contains(name) == true || Self.isTraining(module, name) else { return nil }
      self = .inert
    }
  }

  private static let storages: [String: ScalarType] = [
    "FloatStorage": .float32, "DoubleStorage": .float64, "HalfStorage": .float16, "BFloat16Storage": .bfloat16,
    "LongStorage": .int64, "IntStorage": .int32, "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8,
    "BoolStorage": .bool, "ComplexFloatStorage": .complex64, "ComplexDoubleStorage": .complex128,
  ]

  /// Whether the name is a class of a library for training or configuration, whose objects lie beside the weights in
  /// its checkpoints: the hyper-parameters of Lightning, the options of Hydra, the schedules of an optimiser. Dots in a
  /// name reach into other modules.
  private static func isTraining(_ module: String, _ name: String) -> Bool {
    let module = module.split(separator: ".", omittingEmptySubsequences: false)
    let isClass = name.first?.isUppercase == true || name.hasPrefix("_") && name.dropFirst().first?.isUppercase == true
    return isClass && trainingLibraries.contains { module.starts(with: $0.split(separator: ".")) }
      && name.unicodeScalars.allSatisfy { $0.properties.isAlphabetic || "0"..."9" ~= $0 || $0 == "_" }
  }

  private static let trainingLibraries = [
    "pytorch_lightning", "lightning", "lightning_fabric", "lightning_utilities", "omegaconf", "deepspeed",
    "torch.optim", "timm", "yacs", "easydict", "ml_collections", "addict", "mmengine", "mmcv", "fvcore", "detectron2",
    "transformers", "torchmetrics", "pathlib", "enum", "typing", "torch.torch_version",
  ]

  /// Classes of objects that training scripts save beside the weights: accuracies as NumPy scalars, optimiser states,
  /// options.
  private static let inertNames: [String: Set<String>] = [
    "torch.serialization": ["_get_layout"],
    "numpy": ["dtype", "ndarray"],
    "numpy.core.multiarray": ["scalar", "_reconstruct"],
    "numpy._core.multiarray": ["scalar", "_reconstruct"],
    "_codecs": ["encode"],
    "collections": ["Counter", "defaultdict", "deque"],
    "datetime": ["date", "datetime", "time", "timedelta", "timezone"],
    "functools": ["partial"],
    "numpy.random._pickle": ["__randomstate_ctor", "__generator_ctor", "__bit_generator_ctor"],
    "argparse": ["Namespace"],
    "builtins": ["dict", "list", "set", "int", "float", "str", "bool", "tuple", "complex", "bytes", "slice", "range"],
    "__builtin__": ["dict", "list", "set", "int", "float"],
  ]
}

/// The instructions of the pickle machine that `torch.save` uses, protocols 2 to 5, under their names in Python's
/// `pickletools`. The text instructions of protocols 0 and 1 are left out, and so are those for objects out of band.
enum PickleOpcode: UInt8 {
  case proto = 0x80
  case frame = 0x95
  case stop = 0x2E  // .

  case none = 0x4E  // N
  case newTrue = 0x88
  case newFalse = 0x89
  case binInt = 0x4A  // J
  case binInt1 = 0x4B  // K
  case binInt2 = 0x4D  // M
  case long1 = 0x8A
  case long4 = 0x8B
  case binFloat = 0x47  // G

  case binString = 0x54  // T
  case shortBinString = 0x55  // U
  case binUnicode = 0x58  // X
  case shortBinUnicode = 0x8C
  case binUnicode8 = 0x8D
  case binBytes = 0x42  // B
  case shortBinBytes = 0x43  // C
  case binBytes8 = 0x8E

  case mark = 0x28  // (
  case pop = 0x30  // 0
  case popMark = 0x31  // 1

  case emptyTuple = 0x29  // )
  case tuple = 0x74  // t
  case tuple1 = 0x85
  case tuple2 = 0x86
  case tuple3 = 0x87
  case emptyList = 0x5D  // ]
  case append = 0x61  // a
  case appends = 0x65  // e
  case emptyDict = 0x7D  // }
  case setItem = 0x73  // s
  case setItems = 0x75  // u
  case emptySet = 0x8F
  case addItems = 0x90
  case frozenSet = 0x91

  case binGet = 0x68  // h
  case longBinGet = 0x6A  // j
  case binPut = 0x71  // q
  case longBinPut = 0x72  // r
  case memoize = 0x94

  case global = 0x63  // c
  case stackGlobal = 0x93
  case reduce = 0x52  // R
  case newObject = 0x81
  case build = 0x62  // b
  case binPersistentID = 0x51  // Q
}
