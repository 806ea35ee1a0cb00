import Failures

/// The values that an exported graph is given, and the choice of the explained input.
public struct GraphRequest: Sendable {
  /// The inputs as they were named: `cat.png`, or `image=cat.png` where a graph has several.
  public var inputs: [String]
  /// The name of the input that is explained; nil is the only one.
  public var explained: String?
  /// The name of the output that is explained; nil is the first.
  public var output: String?
  /// Shapes of inputs by name, batch axis included, where the file leaves them open.
  public var shapes: [String: [Int]]
  /// The classes' names in the order of the logits; nil where they are not known.
  public var labels: [String]?
  /// The preprocessing of pictures into the explained input; nil is torchvision's evaluation transform. Without a
  /// normalisation they are in `[-1, 1]`.
  public var preprocessing: Preprocessing?
  /// Whether the explained input is given pictures although none is among ``inputs``: those of a folder of samples.
  public var showsPictures: Bool

  public init(
    _ inputs: [String] = [], explained: String? = nil, output: String? = nil, shapes: [String: [Int]] = [:],
    labels: [String]? = nil, preprocessing: Preprocessing? = nil, showsPictures: Bool = false
  ) {
    (self.inputs, self.explained, self.output, self.shapes) = (inputs, explained, output, shapes)
    (self.labels, self.preprocessing, self.showsPictures) = (labels, preprocessing, showsPictures)
  }

  /// Whether the name of a model is that of an exported graph's file, and not of an architecture.
  public static func isFile(_ name: String) -> Bool { name.lowercased().hasSuffix(".onnx") || name.contains("/") }

  /// Shapes by the names of inputs, batch axis included, of texts as `x=1x3x224x224`.
  ///
  /// - Throws: `PullbackError` if a text is none of these.
  public static func shapes(_ texts: [String]) throws(PullbackError) -> [String: [Int]] {
    var shapes: [String: [Int]] = [:]
    for text in texts {
      // Extents have no such sign, and names may.
      let sign = text.lastIndex(of: "=")
      let parts = sign.map { [String(text[..<$0]), String(text[text.index(after: $0)...])] } ?? [text]
      let extents = parts.last?.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) } ?? []
      guard parts.count == 2, extents.allSatisfy({ ($0 ?? 0) > 0 }) else {
        throw PullbackError(
          .usage, "shape \(text)", "expected an input and its extents", advice: "as in x=1x3x224x224")
      }
      shapes[parts[0]] = extents.compactMap { $0 }
    }
    return shapes
  }
}
