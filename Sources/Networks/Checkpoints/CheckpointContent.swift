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
    if SafeTensorsReader.recognises(file) {
      self = try SafeTensorsReader.read(file)
    } else {
      throw file.malformed("is not a checkpoint this package can read")
    }
  }
}
