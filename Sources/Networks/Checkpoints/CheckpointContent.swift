import Pullbacks

/// What a reader found in a file.
struct CheckpointContent {
  var format: Checkpoint.Format
  /// In the order of the file, under the names of the file.
  var tensors: [StoredTensor]
  var metadata: [String: String] = [:]
  var container: [String] = []
}

extension CheckpointContent {
  /// Recognises the format and reads what it says about its tensors.
  init(_ file: MappedFile, under keys: [String]?) throws {
    if SafeTensorsReader.recognizes(file) {
      guard keys == nil else {
        throw PullbackError(.usage, file.path, "is a safetensors file, whose tensors lie under no keys")
      }
      self = try SafeTensorsReader.read(file)
    } else if ZipArchive.recognizes(file) {
      self = try TorchZipReader.read(file, under: keys)
    } else if TorchLegacyReader.recognizes(file) {
      self = try TorchLegacyReader.read(file, under: keys)
    } else {
      throw ForeignFormat.refusal(of: file)
    }
  }
}
