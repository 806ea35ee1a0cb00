import Kernels

// The shapes that max and average pooling over planes and sequences share.

/// The kernels' view of windows over `(N, C, H, W)` or `(N, C, L)`.
func poolWindow(
  _ input: [Int], _ output: [Int], _ kernel: Extent, _ stride: Extent, _ dilation: Extent, _ padding: Padding
) -> Window {
  Window(
    input: planeExtents(Array(input.dropFirst())), output: planeExtents(Array(output.dropFirst())),
    kernel: (kernel.height, kernel.width), stride: (stride.height, stride.width),
    dilation: (dilation.height, dilation.width), paddingTopLeft: (padding.top, padding.left))
}

func poolSettings(
  _ kernel: Extent, _ stride: Extent, _ padding: Padding, _ dilation: Extent, _ roundsUp: Bool, axes: Int
) -> String {
  "\(words(kernel, axes: axes)), stride \(words(stride, axes: axes))"
    + (padding == 0 ? "" : ", padding \(words(padding, axes: axes))")
    + (dilation == 1 ? "" : ", dilation \(words(dilation, axes: axes))") + (roundsUp ? ", rounding up" : "")
}

/// The output shape of a pooling over windows, none of which lies outside the input altogether.
func pooledShape(
  _ input: [Int], _ kernel: Extent, _ stride: Extent, _ padding: Padding, _ dilation: Extent, _ roundsUp: Bool,
  axes: Int, of kind: String
) throws(PullbackError) -> [Int] {
  try checkShape(input, rank: 1 + axes, of: kind)
  try checkWindow(kernel: kernel, stride: stride, dilation: dilation, padding: padding, of: kind)
  guard padding.top + padding.bottom <= kernel.height, padding.left + padding.right <= kernel.width else {
    throw PullbackError(.usage, kind, "padding \(padding) is more than half of the \(kernel) window")
  }
  let (height, width) = planeExtents(input)
  let rows = windowCount(
    height, kernel.height, stride.height, dilation.height, padding.top, padding.bottom, roundsUp: roundsUp)
  let columns = windowCount(
    width, kernel.width, stride.width, dilation.width, padding.left, padding.right, roundsUp: roundsUp)
  guard rows > 0, columns > 0 else {
    throw PullbackError(.usage, kind, "a \(kernel) window does not fit an input of \(height)x\(width)")
  }
  try checkReach(
    height, kernel.height, stride.height, dilation.height, padding.top, padding.bottom, roundsUp: roundsUp, of: kind)
  try checkReach(
    width, kernel.width, stride.width, dilation.width, padding.left, padding.right, roundsUp: roundsUp, of: kind)
  return [input[0]] + (axes == 1 ? [columns] : [rows, columns])
}
