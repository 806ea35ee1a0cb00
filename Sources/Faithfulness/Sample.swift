import Pullbacks

/// An image to be evaluated, with what is known of it.
public struct Sample: Sendable {
  /// The index in the whole data set, whatever part of it is evaluated: random numbers go by it.
  public let index: Int
  public let name: String
  /// `(1, C, H, W)` in `[-1, 1]`.
  public let image: Tensor
  /// The data set's label: the class whose explanation is evaluated.
  public let target: Int
  /// `(1, 1, H, W)` in `[0, 1]`, 1 on the object; nil where nobody drew one.
  public let mask: Tensor?
  public let parts: [Part]
  public let mosaic: Mosaic?

  /// A part of the object.
  public struct Part: Sendable {
    public let name: String
    /// `(1, 1, H, W)` in `[0, 1]`.
    public let mask: Tensor
    /// Whether the class cannot be told without it.
    public let isDiagnostic: Bool
    /// The same image without the part, `(1, C, H, W)`.
    public let imageWithout: Tensor

    public init(name: String, mask: Tensor, isDiagnostic: Bool, imageWithout: Tensor) {
      self.name = name
      self.mask = mask
      self.isDiagnostic = isDiagnostic
      self.imageWithout = imageWithout
    }
  }

  public init(
    index: Int, name: String, image: Tensor, target: Int, mask: Tensor? = nil, parts: [Part] = [], mosaic: Mosaic? = nil
  ) {
    self.index = index
    self.name = name
    self.image = image
    self.target = target
    self.mask = mask
    self.parts = parts
    self.mosaic = mosaic
  }

  /// `(C, H, W)`.
  var shape: [Int] { Array(image.shape.dropFirst()) }
}
