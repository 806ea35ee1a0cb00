import Pullbacks

/// What a perturbed place is set to.
public enum Replacement: String, Sendable {
  /// Mid grey.
  case zero
  /// The image's smallest value.
  case minimum

  func value(for image: Tensor) -> Float {
    switch self {
    case .zero: 0
    case .minimum: image.scalars.min() ?? 0
    }
  }
}

extension Tensor {
  var doubles: [Double] { withUnsafeBuffer { $0.map(Double.init) } }

  /// Every value, or its distance from zero.
  func values(magnitudes: Bool) -> [Double] {
    withUnsafeBuffer { buffer in magnitudes ? buffer.map { Double(abs($0)) } : buffer.map(Double.init) }
  }

  /// The mean over the channels of one image `(1, C, H, W)`, `H W` values.
  var channelMeans: [Double] {
    let (channels, plane) = (shape[1], shape[2] * shape[3])
    return withUnsafeBuffer { values in
      (0..<plane).map { place in
        var sum = 0.0
        for channel in 0..<channels { sum += Double(values[channel * plane + place]) }
        return sum / Double(channels)
      }
    }
  }

  /// The sum over the channels of each image, the same in every channel.
  var channelsSummed: Tensor {
    let (channels, plane) = (shape[1], shape[2] * shape[3])
    return withUnsafeBuffer { values in
      Tensor(shape: shape) { result in
        for image in 0..<shape[0] {
          for place in 0..<plane {
            var sum = 0.0
            for channel in 0..<channels { sum += Double(values[(image * channels + channel) * plane + place]) }
            for channel in 0..<channels { result[(image * channels + channel) * plane + place] = Float(sum) }
          }
        }
      }
    }
  }

  var isFinite: Bool { withUnsafeBuffer { $0.allSatisfy(\.isFinite) } }
  var isZero: Bool { withUnsafeBuffer { $0.allSatisfy { $0 == 0 } } }
}
