/// The 1,000 classes of ImageNet-1k, in the order of the logits.
public enum ImageNetClasses {
  /// One of the classes.
  public struct Class: Sendable, Equatable {
    /// Its place among the logits.
    public let index: Int
    /// The WordNet id that names the class's folder in ImageNet: `n02391049`.
    public let wordNetID: String
    /// `zebra`
    public let name: String
  }

  /// Imagenette's ten, in the order of its labels.
  public static let imagenette = [0, 217, 482, 491, 497, 566, 569, 571, 574, 701].map { all[$0] }

  /// The class whose folder in ImageNet is called `id`; nil if there is none.
  public static func named(wordNetID id: String) -> Class? { byWordNetID[id] }

  private static let byWordNetID = Dictionary(uniqueKeysWithValues: all.map { ($0.wordNetID, $0) })

  /// In the order of the logits.
  public static let all: [Class] = {
    let text = String(decoding: PackageResources.imagenet_classes_csv, as: UTF8.self)
    return text.split(separator: "\n").dropFirst().map { line in
      let fields = line.split(separator: ",")
      return Class(index: Int(fields[0])!, wordNetID: String(fields[1]), name: String(fields[2]))
    }
  }()
}
