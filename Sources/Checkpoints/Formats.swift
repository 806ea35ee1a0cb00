import Failures

/// The content that a reader found in a file.
struct CheckpointContent {
  var format: Checkpoint.Format
  /// The tensors in the order of the file, under the names of the file.
  var tensors: [StoredTensor]
  var metadata: [String: String] = [:]
  var container: [String] = []
  /// The places of other state dicts.
  var others: [[String]] = []
}

extension CheckpointContent {
  /// Recognises the format and reads what it says about its tensors.
  init(_ file: FileCopy, _ choice: StateDictChoice) throws {
    if SafeTensorsReader.recognizes(file) {
      switch choice {
      case .usual: break
      case .path: throw PullbackError(.usage, file.path, "is a safetensors file, whose tensors lie under no keys")
      case .name(let name): throw PullbackError(.usage, file.path, "has no tensors under \(quoted(name))")
      }
      self = try SafeTensorsReader.read(file)
    } else if ZipArchive.recognizes(file) {
      self = try TorchZipReader.read(file, choice)
    } else if TorchLegacyReader.recognizes(file) {
      self = try TorchLegacyReader.read(file, choice)
    } else {
      throw ForeignFormat.refusal(of: file)
    }
  }
}

/// Files that are taken for checkpoints, recognised so that the error can say what they are.
enum ForeignFormat {
  private static let signatures: [(offset: Int, bytes: [UInt8], name: String, advice: String)] = [
    (0, [0x89] + Array("HDF\r\n".utf8), "an HDF5 file (Keras or h5py)", asSafeTensors),
    (0, [0x93] + Array("NUMPY".utf8), "a NumPy .npy array", asSafeTensors),
    (0, Array("GGUF".utf8), "a GGUF file (llama.cpp)", asSafeTensors),
    (4, Array("TFL3".utf8), "a TensorFlow Lite model", asSafeTensors),
    (0, [0x89] + Array("PNG".utf8), "a picture", "expected the parameters of a network"),
    (0, [0xFF, 0xD8, 0xFF], "a picture", "expected the parameters of a network"),
    (0, [0x1F, 0x8B], "a gzip archive", "unpack it first"),
    (
      257, Array("ustar".utf8), "a tar archive, perhaps of PyTorch before 0.2",
      "load it with torch.load and save it again"
    ),
    (0, Array("version https://git-lfs".utf8), "a Git LFS pointer, not the file it stands for", "run git lfs pull"),
    (0, Array("<".utf8), "a web page, not a checkpoint", "download it again"),
  ]

  private static let asSafeTensors = "in Python, save its tensors as safetensors"

  /// The error for a file of no format that can be read.
  static func refusal(of file: FileCopy) -> PullbackError {
    if let known = signatures.first(where: { file.holds($0.bytes, at: $0.offset) }) {
      return file.malformed("is \(known.name)", advice: known.advice)
    }
    if isONNX(file) { return file.malformed("is an ONNX model", advice: asSafeTensors) }
    return file.malformed(
      "is no checkpoint: neither safetensors nor written by torch.save", advice: "download or save it again")
  }

  /// ONNX has no signature. A model begins with its first two protobuf fields: the version of the representation, 3
  /// to 15 so far, and the name of the producer or one of the other strings and messages of a `ModelProto`.
  private static func isONNX(_ file: FileCopy) -> Bool {
    guard let start = try? file.bytes(in: 0..<min(3, file.count)), start.count == 3 else { return false }
    let laterFields: [UInt8] = [0x12, 0x1A, 0x22, 0x32, 0x3A, 0x42]
    return start[0] == 0x08 && (3...15).contains(start[1]) && laterFields.contains(start[2])
  }
}
