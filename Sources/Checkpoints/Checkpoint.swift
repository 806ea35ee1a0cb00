import Foundation
import Pullbacks

/// A file of a network's parameters: safetensors, or PyTorch's `torch.save` in its zip and its legacy form.
///
///     let checkpoint = try Checkpoint(contentsOf: "resnet50.pth")
///     let weight = try checkpoint.tensor("conv1.weight", requireFinite: true)
///
/// The format is recognised by content, never by the file's name. The file is read once, into memory of its own, where
/// float32 tensors that lie dense and aligned are used in place: what becomes of the file afterwards reaches neither
/// tensors nor ``sha256``. Pickled objects are never run; what a state dict does not need is refused by name. Every
/// size, offset and count in the file is checked before it is used, so that a damaged or hostile file ends in an error.
///
/// The state dict is looked for wherever it lies (``container`` says where, ``otherContainers`` what else there is),
/// and what wrappers of a network put into its names is removed: `module` of data-parallel training, of averaged models
/// and of DeepSpeed, `_orig_mod` of `torch.compile`, `_fsdp_wrapped_module` and their like (``removedParts``).
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
  /// The format of the file by its bytes, whatever its name.
  public let format: Format
  /// The tensors' names, in the order of the file.
  public let names: [String]
  /// The keys that led to the state dict, outermost first; empty where it is the outermost object.
  public let container: [String]
  /// The keys that lead to other dictionaries of tensors in the file, as to an average of the weights; empty where the
  /// caller said which is meant.
  public let otherContainers: [[String]]
  /// The prefix that all names have in the file and that is removed here, for example `module.`; else empty.
  public let removedPrefix: String
  /// The parts that wrappers had put into names: `module`, `_orig_mod`.
  public let removedParts: [String]
  /// Patterns of the names of tensors that a network need not use, with `*` and `?` as in a shell.
  public let allowedLeftOver: [String]
  /// The `__metadata__` of a safetensors file; empty for the other formats.
  public let metadata: [String: String]
  private let file: FileCopy
  private let tensors: [String: StoredTensor]

  /// Opens the checkpoint at `path`.
  ///
  /// - Parameters:
  ///   - path: the file, of whatever name.
  ///   - keys: the place of the state dict in a PyTorch file of several, outermost key first, as in `["generator"]`; by
  ///     default it is looked for.
  /// - Throws: `PullbackError`: `noInput` if there is no such file, `io` if it changes while it is read, `data` if it
  ///   is not a checkpoint, is damaged or hostile, or holds several state dicts and `keys` does not choose.
  public convenience init(contentsOf path: String, under keys: [String]? = nil) throws {
    try self.init(FileCopy(path: path), keys.map { .path($0) } ?? .usual, namePrefix: "", allowedLeftOver: [])
  }

  /// Opens the checkpoint at `path`, and of several networks in it the one called `name`.
  ///
  /// - Parameters:
  ///   - path: the file, of whatever name.
  ///   - name: the last of the keys that lead to the state dict, all of them with slashes between, or what the names of
  ///     the network's tensors begin with (`encoder_q`); nil looks for the state dict.
  ///   - patterns: tensors that a network need not use, as in ``allowedLeftOver``.
  /// - Throws: `PullbackError` as ``init(contentsOf:under:)``, and `usage` if nothing or several things are called so.
  public convenience init(
    contentsOf path: String, named name: String?, allowingLeftOver patterns: [String] = []
  ) throws {
    let file = try FileCopy(path: path)
    guard let name else {
      try self.init(file, .usual, namePrefix: "", allowedLeftOver: patterns)
      return
    }
    do {
      try self.init(file, .name(name), namePrefix: "", allowedLeftOver: patterns)
    } catch let first as PullbackError where first.kind == .usage {
      // No key of a dictionary, but perhaps the beginning of names.
      do { try self.init(file, .usual, namePrefix: name + ".", allowedLeftOver: patterns) } catch { throw first }
    }
  }

  private init(
    _ file: FileCopy, _ choice: StateDictChoice, namePrefix: String, allowedLeftOver: [String]
  ) throws {
    let content = try CheckpointContent(file, choice)
    self.file = file
    path = file.path
    format = content.format
    container = content.container
    otherContainers = choice == .usual ? content.others : []
    metadata = content.metadata
    self.allowedLeftOver = allowedLeftOver
    let unwrapped = UnwrappedNames(content.tensors.map(\.entry.name))
    removedPrefix = unwrapped.prefix
    removedParts = unwrapped.parts
    let named = zip(unwrapped.names, content.tensors).filter { $0.0.hasPrefix(namePrefix) }
    guard namePrefix.isEmpty || !named.isEmpty else {
      throw PullbackError(.usage, path, "has no tensors under \(quoted(String(namePrefix.dropLast())))")
    }
    names = named.map { String($0.0.dropFirst(namePrefix.count)) }
    tensors = Dictionary(zip(names, named.map(\.1))) { first, _ in first }
  }

  /// Whether PyTorch counts with the tensor called `name`, and no network computes with it: batches seen, models
  /// averaged.
  public static func isCounter(_ name: String) -> Bool {
    name.hasSuffix("num_batches_tracked") || name == "n_averaged" || name.hasSuffix(".n_averaged")
  }

  /// Whether a key or the beginning of a name says that the weights under it are an average over training: `model_ema`.
  public static func namesAverage(_ key: String) -> Bool { StateDictKeys.isAverage(key) }

  /// Whether a network may leave the tensor called `name` unused.
  public func allowsLeftOver(_ name: String) -> Bool {
    Self.isCounter(name) || allowedLeftOver.contains { fnmatch($0, name, 0) == 0 }
  }

  /// The type and shape of the tensor called `name`, nil if there is none.
  public func entry(_ name: String) -> TensorEntry? {
    tensors[name].map { TensorEntry(name: name, dtype: $0.entry.dtype, shape: $0.entry.shape) }
  }

  /// The tensor called `name`, in float32: other types are converted to the nearest float32, booleans to 0 and 1.
  ///
  /// - Parameters:
  ///   - name: a name of ``names``.
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

  /// The SHA-256 in hexadecimal of the file as it was when it was opened; computed when first asked for, about a second
  /// per gigabyte.
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
