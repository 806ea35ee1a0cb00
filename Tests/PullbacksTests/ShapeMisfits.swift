import Pullbacks

/// Shapes and settings that operations of any rank refuse, for ``ErrorTests``.
enum ShapeMisfits {
  typealias Misfit = ErrorTests.Misfit

  static let all = windows + moving + numbers

  private static let positive = "kernel, stride and dilation must be positive and padding not negative"

  private static let windows = [
    Misfit(
      Convolution.sequence(4, kernel: 3), [2, 8, 8],
      problem: "expected an input of rank 2 without the batch axis, found shape [2, 8, 8]"),
    Misfit(Convolution.sequence(4, kernel: 5), [2, 3], problem: "a 1x5 kernel does not fit an input of 1x3"),
    Misfit(
      VolumeConvolution(4, SlidingWindow([2, 2, 2])), [2, 8, 8],
      problem: "expected an input of rank 4 without the batch axis, found shape [2, 8, 8]"),
    Misfit(
      VolumeConvolution(4, SlidingWindow([2, 5, 2])), [2, 3, 4, 3],
      problem: "a window of [2, 5, 2] does not fit an input of [3, 4, 3]"),
    Misfit(
      VolumeConvolution(4, SlidingWindow([2, 2, 2]), groups: 3), [2, 3, 4, 3],
      problem: "3 groups divide neither 2 inputs nor 4 outputs evenly"),
    Misfit(VolumeConvolution(4, SlidingWindow([2, 2, 2], stride: [1, 0, 1])), [2, 3, 4, 3], problem: positive),
    Misfit(
      TransposedConvolution(4, kernel: 3), [2, 8],
      problem: "expected an input of rank 3 without the batch axis, found shape [2, 8]"),
    Misfit(
      TransposedConvolution(4, kernel: 2, padding: 2), [2, 2, 2], problem: "padding 2 leaves nothing of the output"),
    Misfit(
      TransposedConvolution(4, kernel: 2, outputPadding: -1), [2, 2, 2],
      problem: "output padding -1x-1 must not be negative"),
    Misfit(
      TransposedConvolution(3, kernel: 2, groups: 2), [2, 2, 2],
      problem: "2 groups divide neither 2 inputs nor 3 outputs evenly"),
    Misfit(
      TransposedVolumeConvolution(4, SlidingWindow([2, 2, 2])), [2, 8, 8],
      problem: "expected an input of rank 4 without the batch axis, found shape [2, 8, 8]"),
    Misfit(
      TransposedVolumeConvolution(4, SlidingWindow([2, 2, 2]), outputPadding: [0, 1, 0]), [2, 3, 4, 3],
      problem: "output padding [0, 1, 0] is not below the stride [1, 1, 1]"),
    Misfit(TopK(5, axis: 1), [2, 4], problem: "5 values along axis 1 of shape [2, 4] cannot be taken"),
    Misfit(
      MaxPool.sequence(kernel: 2), [2, 8, 8],
      problem: "expected an input of rank 2 without the batch axis, found shape [2, 8, 8]"),
    // A window that reads nothing has no largest value.
    Misfit(
      MaxPool.sequence(kernel: 2, stride: 1, padding: 1, dilation: 4), [1, 3],
      problem: "a window of 2 places, 4 apart, lies outside an axis of 3"),
    Misfit(
      MaxPool.sequence(kernel: 2, padding: Padding(before: 2, after: 0)), [1, 3],
      problem: "a window of 2 places, 1 apart, lies outside an axis of 3"),
    Misfit(
      VolumeMaxPool(SlidingWindow([2, 2, 2], padding: [0, 0, 2, 0, 1, 0])), [1, 3, 3, 3],
      problem: "a window of 2 places, 1 apart, lies outside an axis of 3"),
    Misfit(
      VolumeAveragePool(.sliding(SlidingWindow([1, 1, 1], padding: [1, 0, 0, 1, 0, 0]), countsPadding: true)),
      [1, 3, 3, 3], problem: "padding [1, 0, 0] and [1, 0, 0] is more than half of the window of [1, 1, 1]"),
    Misfit(
      VolumeAveragePool(.adaptive([1, 1, 1])), [3, 3],
      problem: "expected an input of rank 4 without the batch axis, found shape [3, 3]"),
  ]

  private static let moving = [
    Misfit(Pad([1], [1]), [2, 3], problem: "1 begins and 1 ends do not fit an input of shape [2, 3]"),
    Misfit(Pad([-1, 0], [-1, 0]), [2, 3], problem: "padding [-1, 0] and [-1, 0] leaves nothing of shape [2, 3]"),
    Misfit(Resize(axes: [2], to: [4], by: .linear), [2, 3], problem: "axes [2] of shape [2, 3] cannot become [4]"),
    Misfit(
      Resize(axes: [0, 0], to: [4, 4], by: .linear), [2, 3], problem: "axes [0, 0] of shape [2, 3] cannot become [4, 4]"
    ),
    Misfit(Resize(axes: [0], to: [0], by: .linear), [2, 3], problem: "axes [0] of shape [2, 3] cannot become [0]"),
    Misfit(Gather(axis: 2), [2, 3], [4], problem: "axis 2 is not an axis of shape [2, 3]"),
    Misfit(Gather(), [2, 3], problem: "expected 2 inputs, found 1 of shapes [[2, 3]]"),
    Misfit(Slice([.init(axis: 2, .range(0..<1))]), [2, 3], problem: "0..<1 of axis 2 is not within shape [2, 3]"),
    Misfit(
      Slice([.init(axis: 1, .python(start: 2, end: 1, step: 1))]), [2, 3],
      problem: "2:1:1 of axis 1 has no place of shape [2, 3]"),
    Misfit(
      Slice([.init(axis: 1, .python(start: 0, end: 3, step: 0))]), [2, 3],
      problem: "0:3:0 of axis 1 is not within shape [2, 3]"),
    Misfit(
      RotaryEmbedding(heads: 2, frequencies: [1, 2]), [3, 6],
      problem: "expected tokens (T, C) whose features 2 heads share, 4 or more for each; found [3, 6]"),
    Misfit(CumulativeSum(axis: 1), [3], problem: "axis 1 is not an axis of shape [3]"),
    Misfit(Where(), [2], [3], [3], problem: "the shapes [2] and [3] and [3] cannot be broadcast together"),
  ]

  private static let numbers = [
    Misfit(Reduce(.mean, axes: [1]), [3], problem: "[1] are not axes of shape [3]"),
    Misfit(Reduce(.sum, axes: [0, 0]), [3], problem: "[0, 0] are not axes of shape [3]"),
    Misfit(Softmax(axis: 1), [3], problem: "axis 1 is not an axis of shape [3]"),
    Misfit(LogSoftmax(axis: -1), [3], problem: "axis -1 is not an axis of shape [3]"),
    Misfit(LogSoftmax(), [], problem: "expected a last axis with values, found shape []"),
    Misfit(GroupNorm(groups: 2), [3, 4], problem: "2 groups do not share 3 channels evenly"),
    Misfit(GroupNorm.instance(), [], problem: "expected a channel axis, found a scalar"),
    Misfit(RMSNorm(), [], problem: "expected a feature axis, found a scalar"),
    Misfit(MatrixMultiply(), [3], [3, 2], problem: "the extents of [[3], [3, 2]] do not match"),
    Misfit(
      MatrixMultiply(), [2, 4, 3], [3, 3, 2], problem: "the shapes [2] and [3] cannot be broadcast together"),
    Misfit(
      ScaledDotProductAttention(heads: 3, keyHeads: 2), [2, 6], [2, 4], [2, 4],
      problem: "2 key heads do not serve 3 heads evenly"),
    Misfit(
      ScaledDotProductAttention(heads: 2, keyHeads: 1), [2, 6], [2, 6], [2, 4],
      problem: "queries, keys and values of shapes [[2, 6], [2, 6], [2, 4]] do not fit together"),
    Misfit(
      ScaledDotProductAttention(heads: 2), [2, 4], [3, 4], [3, 4], [3, 2],
      problem: "a mask of shape [3, 2] is neither [2, 3] nor [2, 2, 3]"),
  ]
}
