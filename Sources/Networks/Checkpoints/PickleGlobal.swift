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
      guard Self.inertNames[module]?.contains(name) == true else { return nil }
      self = .inert
    }
  }

  private static let storages: [String: ScalarType] = [
    "FloatStorage": .float32, "DoubleStorage": .float64, "HalfStorage": .float16, "BFloat16Storage": .bfloat16,
    "LongStorage": .int64, "IntStorage": .int32, "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8,
    "BoolStorage": .bool, "ComplexFloatStorage": .complex64, "ComplexDoubleStorage": .complex128,
  ]

  /// What training scripts leave beside the weights: accuracies as NumPy scalars, optimiser states, options.
  private static let inertNames: [String: Set<String>] = [
    "torch.serialization": ["_get_layout"],
    "numpy": ["dtype", "ndarray"],
    "numpy.core.multiarray": ["scalar", "_reconstruct"],
    "numpy._core.multiarray": ["scalar", "_reconstruct"],
    "_codecs": ["encode"],
    "collections": ["Counter", "defaultdict"],
    "argparse": ["Namespace"],
    "builtins": ["dict", "list", "set", "int", "float"],
    "__builtin__": ["dict", "list", "set", "int", "float"],
  ]
}
