import Pullbacks

extension Tensor {
  /// The picture as network input of shape `(1, 3, H, W)` in `[-1, 1]`: `2 * p / 255 - 1`.
  public init(_ picture: Picture) {
    let count = picture.width * picture.height
    self.init(shape: [1, 3, picture.height, picture.width]) { target in
      picture.pixels.withUnsafeBufferPointer { pixels in
        for channel in 0..<3 {
          for pixel in 0..<count {
            target[channel * count + pixel] = 2 * (Float(pixels[3 * pixel + channel]) / 255) - 1
          }
        }
      }
    }
  }
}

extension Picture {
  /// The picture that `image`, of shape `(1, 3, H, W)` or `(3, H, W)`, shows: `(x + 1) / 2 * 255`, clamped to 0...255
  /// and rounded to nearest. The inverse of `Tensor(picture)`.
  ///
  /// - Throws: ``PullbackError`` if the shape is another or a value is NaN.
  public init(_ image: Tensor) throws {
    let (height, width) = try Self.extents(ofThreeChannels: image, named: "image")
    let pixels = try image.withUnsafeBuffer { values in
      try Self.interleaving(values, count: width * height) { value in
        guard !value.isNaN else { throw PullbackError(.data, "image", "expected numbers, found NaN") }
        return UInt8(((min(1, max(-1, value)) + 1) * 127.5).rounded())
      }
    }
    self.init(width: width, height: height, pixels: pixels)
  }

  /// Height and width of a tensor of shape `(1, 3, H, W)` or `(3, H, W)`.
  static func extents(ofThreeChannels tensor: Tensor, named name: String) throws -> (height: Int, width: Int) {
    let shape = tensor.rank == 4 && tensor.shape[0] == 1 ? Array(tensor.shape.dropFirst()) : tensor.shape
    guard shape.count == 3, shape[0] == 3, shape[1] > 0, shape[2] > 0 else {
      throw PullbackError(.data, name, "expected the shape (1, 3, H, W) or (3, H, W), found \(tensor.shape)")
    }
    return (shape[1], shape[2])
  }

  /// Bytes pixel by pixel from three planes of `count` values.
  static func interleaving(
    _ planes: UnsafeBufferPointer<Float>, count: Int, _ convert: (Float) throws -> UInt8
  ) rethrows -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: 3 * count) { target, initialized in
      for pixel in 0..<count {
        for channel in 0..<3 { target[3 * pixel + channel] = try convert(planes[channel * count + pixel]) }
      }
      initialized = 3 * count
    }
  }
}
