import Pullbacks

/// The heat map of an attribution of shape `(1, C, H, W)` or `(C, H, W)` with 1, 3 or 4 channels: the mean over
/// the channels, its positive and negative parts each divided by their own extreme, in the colours of `colorMap`.
///
/// Zero takes the colour of the map's zero (white in `seismic`), and an attribution that is zero everywhere is a
/// picture of that colour. A sequential map shows the positive part alone.
///
/// - Throws: `PullbackError` if the shape is another or a value is not finite.
public func heatMap(_ attribution: Tensor, colorMap: ColorMap = .seismic) throws -> Picture {
  let (channels, height, width) = try Picture.extents(of: attribution, named: "attribution")
  try checkFinite(attribution)
  let count = height * width
  let means = attribution.withUnsafeBuffer { values in
    (0..<count).map { pixel in
      (0..<channels.rawValue).reduce(0.0) { $0 + Double(values[$1 * count + pixel]) } / Double(channels.rawValue)
    }
  }
  let highest = means.max() ?? 0
  let lowest = means.min() ?? 0
  var pixels: [UInt8] = []
  pixels.reserveCapacity(3 * count)
  for mean in means {
    let color = colorMap.color(at: mean == 0 ? 0 : mean > 0 ? mean / highest : mean / -lowest)
    pixels += [color.red, color.green, color.blue]
  }
  return Picture(width: width, height: height, pixels: pixels)
}

/// The raw colours of an attribution of shape `(1, C, H, W)` or `(C, H, W)`: its smallest value over all channels
/// becomes 0, its largest 255. A constant attribution is mid grey (128). The picture has the attribution's channels,
/// but for the fourth, opacity, whose attribution is no opacity and is not shown.
///
/// - Throws: `PullbackError` if the shape is another or a value is not finite.
public func rawPicture(_ attribution: Tensor) throws -> Picture {
  let (channels, height, width) = try Picture.extents(of: attribution, named: "attribution")
  try checkFinite(attribution)
  let shown = channels == .gray ? Picture.Channels.gray : .rgb
  let pixels = attribution.withUnsafeBuffer { values in
    let values = UnsafeBufferPointer(rebasing: values[..<(shown.rawValue * height * width)])
    let lowest = Double(values.min() ?? 0)
    let range = Double(values.max() ?? 0) - lowest
    return Picture.interleaving(values, channels: shown.rawValue, count: height * width) { value in
      range == 0 ? Photograph.midGray : UInt8(((Double(value) - lowest) / range * 255).rounded())
    }
  }
  return Picture(width: width, height: height, channels: shown, pixels: pixels)
}

/// The raw colours of an attribution about mid grey: 0 becomes 128, the 99.5th percentile of the magnitudes of all its
/// values 255 or, with the other sign, 1, and what is beyond is clipped. A few extreme values then do not wash out all
/// others, and grey means nothing. Shapes and channels as ``rawPicture(_:)``.
///
/// - Throws: `PullbackError` if the shape is another or a value is not finite.
public func centredPicture(_ attribution: Tensor) throws -> Picture {
  let (channels, height, width) = try Picture.extents(of: attribution, named: "attribution")
  try checkFinite(attribution)
  let shown = channels == .gray ? Picture.Channels.gray : .rgb
  let pixels = attribution.withUnsafeBuffer { values in
    let values = UnsafeBufferPointer(rebasing: values[..<(shown.rawValue * height * width)])
    let magnitudes = values.map { abs(Double($0)) }.sorted()
    let scale = magnitudes.isEmpty ? 0 : magnitudes[Int(0.995 * Double(magnitudes.count - 1))]
    return Picture.interleaving(values, channels: shown.rawValue, count: height * width) { value in
      scale == 0 ? Photograph.midGray : UInt8(128 + (max(-1, min(1, Double(value) / scale)) * 127).rounded())
    }
  }
  return Picture(width: width, height: height, channels: shown, pixels: pixels)
}

private func checkFinite(_ attribution: Tensor) throws {
  let offender = attribution.withUnsafeBuffer { $0.first { !$0.isFinite } }
  guard let offender else { return }
  throw PullbackError(.data, "attribution", "expected finite numbers, found \(offender)")
}
