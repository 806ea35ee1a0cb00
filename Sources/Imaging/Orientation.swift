/// How a camera was held: the eight values of the EXIF orientation, tag 0x0112 (CIPA DC-008, 4.6.5).
///
/// The raw value says which corner of the scene the first stored pixel is, and along which edge the first row runs.
enum Orientation: Int {
  case upright = 1
  case mirrored, upsideDown, mirroredUpsideDown, transposed, clockwise, transverse, anticlockwise

  /// Whether stored rows become columns.
  var swapsAxes: Bool { rawValue >= 5 }

  /// The picture as it should be seen, its pixels of `channels` bytes brought into order.
  func apply(to pixels: [UInt8], width: Int, height: Int, channels: Int) -> [UInt8] {
    if self == .upright { return pixels }
    let (right, bottom) = (width - 1, height - 1)
    // The stored column and row of the first shown pixel, and the change of both per shown column and per shown row.
    let (x, y, perColumn, perRow) =
      switch self {
      case .upright: (0, 0, (1, 0), (0, 1))
      case .mirrored: (right, 0, (-1, 0), (0, 1))
      case .upsideDown: (right, bottom, (-1, 0), (0, -1))
      case .mirroredUpsideDown: (0, bottom, (1, 0), (0, -1))
      case .transposed: (0, 0, (0, 1), (1, 0))
      case .clockwise: (0, bottom, (0, -1), (1, 0))
      case .transverse: (right, bottom, (0, -1), (-1, 0))
      case .anticlockwise: (right, 0, (0, 1), (-1, 0))
      }
    let columns = swapsAxes ? height : width
    let rows = swapsAxes ? width : height
    let columnStep = (perColumn.1 * width + perColumn.0) * channels
    let rowStep = (perRow.1 * width + perRow.0) * channels
    return [UInt8](unsafeUninitializedCapacity: pixels.count) { shown, count in
      pixels.withUnsafeBufferPointer { stored in
        var target = 0
        for row in 0..<rows {
          var source = (y * width + x) * channels + row * rowStep
          for _ in 0..<columns {
            for channel in 0..<channels { shown[target + channel] = stored[source + channel] }
            target += channels
            source += columnStep
          }
        }
      }
      count = pixels.count
    }
  }
}
