import Kernels

/// The layout of `(N, C, ...)`: images of channels of planes.
struct ChannelLayout {
  let images, channels, plane: Int

  init(_ shape: [Int]) {
    images = shape[0]
    channels = shape[1]
    plane = shape.dropFirst(2).reduce(1, *)
  }

  /// Calls `body` with every plane's image, channel and offset, on several threads.
  func forEachPlane(_ body: (_ image: Int, _ channel: Int, _ offset: Int) -> Void) {
    let planesPerBlock = max(1, (1 << 15) / max(1, plane))
    Parallel.forEachBlock(of: images * channels, size: planesPerBlock) { block in
      for index in block { body(index / channels, index % channels, index * plane) }
    }
  }

  /// Sums `term(offset of a plane)` over the images, for each channel.
  func sums(_ term: (_ offset: Int) -> Double) -> [Double] {
    var sums = [Double](repeating: 0, count: channels)
    sums.withUnsafeMutableBufferPointer { sums in
      let address = sums.baseAddress!
      Parallel.forEachBlock(of: channels, size: 8) { block in
        for channel in block {
          for image in 0..<images { address[channel] += term((image * channels + channel) * plane) }
        }
      }
    }
    return sums
  }
}

/// The sum of each channel over images and places: `(N, C, ...)` to `(C)`.
package func channelSums(_ v: Tensor) -> Tensor {
  let layout = ChannelLayout(v.shape)
  return v.withUnsafeBuffer { v in
    let address = v.baseAddress!
    return Tensor(shape: [layout.channels], layout.sums { Arrays.sum(address + $0, layout.plane) }.map(Float.init))
  }
}
