import Pullbacks

/// A file of a network's parameters: safetensors, or PyTorch's `torch.save` in its zip and its legacy form.
///
///     let checkpoint = try Checkpoint(contentsOf: "resnet50.pth")
///     let weight = try checkpoint.tensor("conv1.weight", requireFinite: true)
///
/// The format is recognised by content, never by the file's name. The file is mapped, not read: opening costs its
/// headers, and float32 tensors that lie dense and aligned are used in place. Pickled objects are never run; what a
/// state dict does not need is refused by name. Every size, offset and count in the file is checked before it is used,
/// so that a damaged or hostile file ends in an error.
///
/// A state dict under `state_dict`, `model`, `model_state_dict` or `net`, or under one of these inside another, is
/// found, and a `module.` prefix (left by data-parallel training) that all names share is removed: ``container`` and
/// ``removedPrefix`` say so.
public final class Checkpoint: Sendable {
  /// The formats that can be read.
  public enum Format: String, Sendable {
    /// A JSON header, and then the tensors.
    case safeTensors = "safetensors"
    /// The archive `torch.save` has written since PyTorch 1.6.
    case torchZip = "PyTorch zip"
    /// The sequence of pickles it wrote before, and still writes if asked to.
    case torchLegacy = "PyTorch legacy"
  }

  /// The file.
  public let path: String
  /// What the file turned out to be, whatever its name.
  public let format: Format
  /// The tensors' names, in the order of the file.
  public let names: [String]
  /// The keys that led to the state dict, outermost first; empty where it is the outermost object.
  public let container: [String]
  /// `module.` where all names had that prefix in the file, else empty.
  public let removedPrefix: String
  /// The `__metadata__` of a safetensors file; empty for the other formats.
  public let metadata: [String: String]
  private let file: MappedFile
  private let tensors: [String: StoredTensor]

  /// Opens the checkpoint at `path`.
  ///
  /// - Parameters:
  ///   - path: the file, of whatever name.
  ///   - keys: where the state dict lies in a PyTorch file of several, outermost key first, as in
  ///     `["generator"]`; by default it is looked for.
  /// - Throws: `PullbackError`: `noInput` if there is no such file, `data` if it is not a checkpoint, is damaged or
  ///   hostile, or holds several state dicts and `keys` does not choose.
  public init(contentsOf path: String, under keys: [String]? = nil) throws {
    file = try MappedFile(path: path)
    let content = try CheckpointContent(file, under: keys)
    self.path = path
    format = content.format
    container = content.container
    metadata = content.metadata
    let stored = content.tensors.map(\.entry.name)
    let prefix = "module."
    removedPrefix = !stored.isEmpty && stored.allSatisfy { $0.hasPrefix(prefix) && $0 != prefix } ? prefix : ""
    let removed = removedPrefix.count
    names = stored.map { String($0.dropFirst(removed)) }
    tensors = Dictionary(zip(names, content.tensors)) { first, _ in first }
  }

  /// The type and shape of the tensor called `name`, nil if there is none.
  public func entry(_ name: String) -> TensorEntry? {
    tensors[name].map { TensorEntry(name: name, dtype: $0.entry.dtype, shape: $0.entry.shape) }
  }

  /// The tensor called `name`, in float32: other types are converted to the nearest float32, booleans to 0 and 1.
  ///
  /// - Parameters:
  ///   - name: as in ``names``.
  ///   - requireFinite: whether a NaN or an infinity in the tensor is an error.
  /// - Throws: `PullbackError` if there is no such tensor, if its type is complex or eight-bit floating point, or if
  ///   it must be finite and is not.
  public func tensor(_ name: String, requireFinite: Bool = false) throws -> Tensor {
    guard let stored = tensors[name] else {
      let similar = names.filter { $0.hasSuffix(name) || name.hasSuffix($0) }.prefix(3).map(quoted)
      throw PullbackError(
        .data, path, "has no tensor \(quoted(name)) among its \(names.count)",
        advice: similar.isEmpty ? nil : "similar: \(similar.joined(separator: ", "))")
    }
    let tensor = try stored.read(from: file)
    if requireFinite, let index = Self.firstNonFinite(in: tensor) {
      let value = tensor.withUnsafeBuffer { $0[index] }
      throw file.malformed("tensor \(quoted(name)) holds \(value) at index \(index) of \(tensor.count)")
    }
    return tensor
  }

  /// The SHA-256 of the whole file in hexadecimal; computed when first asked for, about a second per gigabyte.
  public var sha256: String { get throws { try file.sha256() } }

  /// The row-major index of the first NaN or infinity in `tensor`, nil if all its values are finite.
  public static func firstNonFinite(in tensor: Tensor) -> Int? {
    let exponent: UInt32 = 0x7F80_0000
    return tensor.withUnsafeBuffer { values in
      let block = 4096
      for start in stride(from: 0, to: values.count, by: block) {
        let end = min(start + block, values.count)
        // A branch-free pass per block, which the compiler vectorises; only a block that has one is searched.
        var found: UInt32 = 0
        for i in start..<end { found |= values[i].bitPattern & exponent == exponent ? 1 : 0 }
        if found != 0 { return values[start..<end].firstIndex { !$0.isFinite } }
      }
      return nil
    }
  }
}
