import Failures
import Imaging
import Pullbacks

extension Subject {
  /// A mask of places of the output `(C, H, W)`, 1 inside and 0 outside.
  ///
  /// - Parameter content: a picture, white inside, which is shown as the network's pictures are and then resized to
  ///   the output's rows and columns; or an array of these rows and columns, not 0 inside.
  /// - Returns: a tensor of shape `(H, W)`.
  /// - Throws: `PullbackError` if the output has other axes, the array another shape, or nothing is inside.
  public func outputMask(_ content: InputContent) throws -> Tensor {
    let shape = graph.outputShape
    guard shape.count == 3 else {
      throw PullbackError(
        .usage, content.path, "a mask is of the places of an output (C, H, W), found an output of shape \(shape)")
    }
    let (rows, columns) = (shape[1], shape[2])
    let mask: Tensor
    switch content {
    case .folder(let path): throw PullbackError(.noInput, path, "expected a mask, found a folder")
    case .array(let array, let path):
      guard Array(array.shape.drop { $0 == 1 }) == Array([rows, columns].drop { $0 == 1 }) else {
        throw PullbackError(.data, path, "expected a mask of shape \([rows, columns]), found \(array.shape)")
      }
      let inside = array.type == .int64 ? array.integers.map { $0 != 0 } : array.scalars.map { $0 != 0 }
      mask = Tensor(shape: [rows, columns], inside.map { $0 ? 1 : 0 })
    case .picture(let photograph, _):
      let input = graph.inputShape
      let picture =
        takesPictures
        ? try ImageLoader(inputShape: [1] + input.dropFirst(), framing: preprocessing.framing).picture(of: photograph)
        : photograph.onMidGray.inGray
      let shown = picture.resized(width: columns, height: rows)
      // Mid grey, which transparent places show, is outside.
      mask = Tensor(shape: [rows, columns], shown.pixels.map { $0 > 128 ? 1 : 0 })
    }
    guard mask.scalars.contains(1) else {
      throw PullbackError(.data, content.path, "nothing of the output is inside the mask")
    }
    return mask
  }
}
