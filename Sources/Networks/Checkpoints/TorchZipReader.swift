import Pullbacks

/// Reads what `torch.save` writes since PyTorch 1.6: a zip archive with the object in `data.pkl`, each storage in
/// `data/<key>`, and the writer's byte order in `byteorder`, all in one folder.
///
/// Source: `_save` and `_load` in `torch/serialization.py`.
enum TorchZipReader {
  static func read(_ file: MappedFile, under keys: [String]?) throws -> CheckpointContent {
    let archive = try ZipArchive(file)
    let folder = try findFolder(archive)
    if archive.contains(folder + "byteorder") {
      let order = try file.text(in: archive.bytes(of: folder + "byteorder"))
      guard order == "little" else {
        throw file.malformed(
          "was written by a big-endian machine", advice: "load it with torch.load and save it again")
      }
    }
    var pickle = Unpickler(file, try archive.bytes(of: folder + "data.pkl"))
    let root = try pickle.run()
    let dict = try StateDict(in: root, of: pickle, file: file, under: keys)
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
