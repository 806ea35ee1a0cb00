import Failures
import Foundation
import Pullbacks

/// An ONNX file that was opened and decoded, and is no network yet: what it says of itself.
///
/// Shapes may be open in a file; ``OnnxModel`` is told what they are.
public struct OnnxFile {
  /// An extent of an input or an output.
  public enum Extent: Equatable, Sendable {
    case known(Int)
    /// Open, by the file's name of it; empty where it has none.
    case open(String)
  }

  /// An input or an output.
  public struct Value: Sendable {
    public let name: String
    /// The type of its elements, in the file's words: `float`, `int64`.
    public let type: String
    /// Whether the elements are floats, of whatever width.
    public let isFloat: Bool
    /// One for each axis, the batch first.
    public let extents: [Extent]

    /// The type and shape in words: `float (n, 3, 224, 224)`.
    public var inWords: String {
      let list = extents.map { extent in
        switch extent {
        case .known(let count): "\(count)"
        case .open(let name): name.isEmpty ? "?" : name
        }
      }
      return "\(type) (\(list.joined(separator: ", ")))"
    }
  }

  /// The path as it was given.
  public let path: String
  /// The inputs, without the weights that old files list among them.
  public let inputs: [Value]
  public let outputs: [Value]
  /// The version of ONNX's operator set.
  public let opset: Int
  /// The program that wrote the file, as it says.
  public let producer: String
  /// The tensors that the file has, in the order of their names.
  public let tensors: [(name: String, type: String, shape: [Int])]
  /// The number of nodes of each operator, with functions written out and without nodes that no output depends on.
  public let operators: [(op: String, count: Int)]
  let file: ModelFile
  let graph: OnnxGraph

  /// - Throws: `PullbackError` where it is no file or no ONNX model, or its graph is damaged.
  public init(contentsOf url: URL) throws { try self.init(path: url.path(percentEncoded: false)) }

  /// - Parameter path: the path of the file, which messages repeat.
  /// - Throws: as ``init(contentsOf:)``.
  public init(path: String) throws {
    file = try ModelFile(path: path)
    graph = try OnnxGraph(file)
    self.path = path
    opset = graph.opset
    producer = [file.model.producerName, file.model.producerVersion].filter { !$0.isEmpty }.joined(separator: " ")
    inputs = graph.inputs.map {
      Value(name: $0.name, type: "\($0.kind)", isFloat: $0.kind.isFloat, extents: $0.extents.map(Extent.init))
    }
    outputs = file.model.graph.output.map(Value.init)
    tensors = graph.constants.map { ($0.key, "\($0.value.kind)", $0.value.shape) }.sorted { $0.name < $1.name }
    operators = Dictionary(grouping: graph.nodes, by: \.fullOp).map { ($0.key, $0.value.count) }
      .sorted { $0.count != $1.count ? $0.count > $1.count : $0.op < $1.op }
  }
}

extension OnnxFile.Extent {
  init(_ extent: OnnxGraph.Extent) {
    switch extent {
    case .known(let count): self = .known(count)
    case .named(let name): self = .open(name)
    }
  }
}

extension OnnxFile.Value {
  fileprivate init(_ proto: Onnx_ValueInfoProto) {
    let type = proto.type.tensorType
    let kind = ElementKind(rawValue: Int(type.elemType))
    self.init(
      name: proto.name, type: kind.map { "\($0)" } ?? "type \(type.elemType)", isFloat: kind?.isFloat ?? false,
      extents: type.shape.dim.map { dim in
        switch dim.value {
        case .dimValue(let count) where count >= 0: .known(Int(clamping: count))
        case .dimParam(let name): .open(name)
        default: .open("")
        }
      })
  }
}
