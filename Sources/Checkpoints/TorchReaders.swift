import Failures

/// Reads what `torch.save` writes since PyTorch 1.6: a zip archive with the object in `data.pkl`, each storage in
/// `data/<key>`, and the writer's byte order in `byteorder`, all in one folder.
///
/// Source: `_save` and `_load` in `torch/serialization.py`.
enum TorchZipReader {
  static func read(_ file: FileCopy, _ choice: StateDictChoice) throws -> CheckpointContent {
    let archive = try ZipArchive(file)
    let folder = try findFolder(archive)
    if archive.contains(folder + "byteorder") {
      let order = try file.text(in: archive.bytes(of: folder + "byteorder"))
      guard order == "little" else {
        throw file.malformed(
          "was written by a big-endian machine", advice: "load it with torch.load and save it again")
      }
    }
    let program = try archive.bytes(of: folder + "data.pkl")
    guard program.count <= Unpickler.Limits.bytes else {
      throw file.malformed(
        "its pickle takes \(program.count >> 20) MB, where a state dict's takes a few KB: it holds arrays that are no "
          + "tensors", advice: "in Python, save the network's state_dict() alone")
    }
    var pickle = Unpickler(file, program)
    let root = try pickle.run()
    let dict = try StateDict(in: root, of: pickle, file: file, choice: choice)
    return try CheckpointContent(.torchZip, dict, pickle.torch, of: file) { storage in
      try archive.bytes(of: folder + "data/" + storage.key)
    }
  }

  /// The folder of `data.pkl`, with its slash.
  private static func findFolder(_ archive: ZipArchive) throws -> String {
    let folders = archive.names.filter { $0.hasSuffix("/data.pkl") }.map { String($0.dropLast("data.pkl".count)) }
    if let folder = folders.first, folders.count == 1 {
      guard !archive.names.contains(where: { $0 == folder + "constants.pkl" || $0.hasPrefix(folder + "code/") }) else {
        throw archive.file.malformed(
          "is a TorchScript archive, a program with weights", advice: "in Python, torch.save its state_dict()")
      }
      return folder
    }
    if archive.names.contains(where: { $0.hasSuffix(".npy") }) {
      throw archive.file.malformed("is a NumPy .npz archive", advice: "save the arrays as safetensors")
    }
    throw archive.file.malformed(
      "is a zip archive with \(folders.count) files called data.pkl, not one as torch.save writes",
      advice: "save a state_dict() with torch.save")
  }
}

/// Reads what `torch.save` wrote before PyTorch 1.6: five pickles (a magic number, a version, the writer's byte order,
/// the object, the keys of the storages), then each storage as its element count in 64 bits and its elements.
///
/// Source: `_legacy_save` and `_legacy_load` in `torch/serialization.py`.
enum TorchLegacyReader {
  /// 0x1950a86a20f9469cfc6c, little-endian.
  private static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]

  /// Whether the file begins with a pickle, of this format or another.
  static func recognizes(_ file: FileCopy) -> Bool { file.holds([0x80]) }

  static func read(_ file: FileCopy, _ choice: StateDictChoice) throws -> CheckpointContent {
    var position = 0
    func nextPickle() throws -> (value: PickleValue, pickle: Unpickler) {
      var pickle = Unpickler(file, position..<file.count)
      let value = try pickle.run()
      position = pickle.position
      return (value, pickle)
    }

    guard case .longInteger(magic) = try nextPickle().value else {
      throw file.malformed(
        "is a Python pickle, not written by torch.save", advice: "save a state_dict() with torch.save")
    }
    guard case .int(1001) = try nextPickle().value else {
      throw file.malformed("is a PyTorch file of another protocol than 1001")
    }
    let system = try nextPickle()
    if case .dict(let index) = system.value, case .bool(false)? = system.pickle.heap.dicts[index]["little_endian"] {
      throw file.malformed(
        "was written by a big-endian machine", advice: "load it with torch.load and save it again")
    }
    let object = try nextPickle()
    let order = try nextPickle()
    guard let storageKeys = order.pickle.heap.items(order.value) else {
      throw file.malformed("lacks the list of its storages")
    }
    let dict = try StateDict(in: object.value, of: object.pickle, file: file, choice: choice)
    let storages = try layOut(storageKeys, object.pickle.torch, in: position..<file.count, of: file)
    return try CheckpointContent(.torchLegacy, dict, object.pickle.torch, of: file) { storage in
      guard let bytes = storages[storage.key] else {
        throw file.malformed("lacks the storage \(quoted(storage.key))")
      }
      return bytes
    }
  }

  /// Finds the bytes of each storage. Only the pickle knows their types, so that each must have been referred to.
  private static func layOut(
    _ keys: [PickleValue], _ torch: TorchObjects, in range: Range<Int>, of file: FileCopy
  ) throws -> [String: Range<Int>] {
    let declared = Dictionary(torch.storages.map { ($0.key, $0) }) { first, _ in first }
    var cursor = ByteCursor(file, range)
    var found: [String: Range<Int>] = [:]
    for key in keys {
      guard case .string(let key) = key, let storage = declared[key], found[key] == nil else {
        throw file.malformed("lists a storage twice, or one that no tensor refers to")
      }
      let count = try cursor.number(Int64.self)
      guard count == storage.count else {
        throw file.malformed("storage \(quoted(key)) has \(count) elements, and its tensors expect \(storage.count)")
      }
      let (size, overflow) = storage.count.multipliedReportingOverflow(by: storage.dtype.byteCount)
      found[key] = try cursor.skip(overflow ? .max : size)
    }
    return found
  }
}

extension CheckpointContent {
  /// The tensors of a state dict, each inside the bytes that `locate` finds for its storage.
  init(
    _ format: Checkpoint.Format, _ dict: StateDict, _ torch: TorchObjects, of file: FileCopy,
    locate: (TorchObjects.Storage) throws -> Range<Int>
  ) throws {
    let tensors = try dict.tensors.map { name, index in
      let view = torch.tensors[index]
      let storage = torch.storages[view.storage]
      let bytes = try locate(storage)
      let width = storage.dtype.byteCount
      guard bytes.count / width == storage.count, bytes.count % width == 0 else {
        throw file.malformed(
          "tensor \(quoted(name)) expects \(storage.count) elements of \(width) bytes in a storage of "
            + "\(bytes.count) bytes")
      }
      // In bounds: the view lies inside the count just checked.
      let seen = bytes.lowerBound + storage.view.lowerBound * width..<bytes.lowerBound + storage.view.upperBound * width
      return try StoredTensor(
        TensorEntry(name: name, dtype: view.dtype, shape: view.shape), strides: view.strides, offset: view.offset,
        in: seen, of: file)
    }
    self.init(format: format, tensors: tensors, container: dict.container, others: dict.others)
  }
}
