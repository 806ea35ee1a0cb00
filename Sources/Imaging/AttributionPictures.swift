import Pullbacks

/// The heat map of an attribution of shape `(1, 3, H, W)` or `(3, H, W)`: the mean over the three channels, its
/// positive and negative parts each divided by their own extreme, in the colours of `colorMap`.
///
/// Zero takes the colour of the map's zero (white in `seismic`), and an attribution that is zero everywhere is a
/// picture of that colour. A sequential map shows the positive part alone.
///
/// - Throws: ``PullbackError`` if the shape is another or a value is not finite.
public func heatMap(_ attribution: Tensor, colorMap: ColorMap = .seismic) throws -> Picture {
  let (height, width) = try Picture.extents(ofThreeChannels: attribution, named: "attribution")
  try checkFinite(attribution)
  let count = height * width
  let means = attribution.withUnsafeBuffer { values in
    (0..<count).map { (Double(values[$0]) + Double(values[count + $0]) + Double(values[2 * count + $0])) / 3 }
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

/// The raw colours of an attribution of shape `(1, 3, H, W)` or `(3, H, W)`: its smallest value over all channels
/// becomes 0, its largest 255. A constant attribution is mid grey (128).
///
/// - Throws: ``PullbackError`` if the shape is another or a value is not finite.
public func rawPicture(_ attribution: Tensor) throws -> Picture {
  let (height, width) = try Picture.extents(ofThreeChannels: attribution, named: "attribution")
  try checkFinite(attribution)
  let pixels = attribution.withUnsafeBuffer { values in
    let lowest = Double(values.min() ?? 0)
    let range = Double(values.max() ?? 0) - lowest
    return Picture.interleaving(values, count: height * width) { value in
      range == 0 ? Photograph.midGray : UInt8(((Double(value) - lowest) / range * 255).rounded())
    }
  }
  return Picture(width: width, height: height, pixels: pixels)
}

private func checkFinite(_ attribution: Tensor) throws {
  let offender = attribution.withUnsafeBuffer { $0.first { !$0.isFinite } }
  guard let offender else { return }
  throw PullbackError(.data, "attribution", "expected finite numbers, found \(offender)")
}
