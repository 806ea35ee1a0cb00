import Pullbacks
import TestKit

extension TwinCase {
  /// Operations over sequences and volumes, along other axes, and of other kinds than networks of images need.
  static let otherShapes: [TwinCase] = windows + pools + moving + numbers + norms + maskedAttention

  private static let windows: [TwinCase] = [
    cases("conv along a sequence", Convolution.sequence(3, kernel: 3, padding: 1), [[2, 7]], batch: 3),
    cases(
      "conv along a sequence, causal",
      Convolution.sequence(4, kernel: 3, padding: Padding(before: 4, after: 0), dilation: 2, groups: 2, bias: false),
      [[4, 5]], batch: 2),
    cases(
      "conv depthwise along a sequence", Convolution.sequence(3, kernel: 4, stride: 2, padding: 2, groups: 3),
      [[3, 9]],
      batch: 2),
    cases("conv along one place", Convolution.sequence(2, kernel: 5, stride: 3, padding: 2), [[2, 1]]),
    cases(
      "conv of volumes",
      VolumeConvolution(3, SlidingWindow([2, 3, 2], padding: [0, 1, 1, 1, 1, 0])), [[2, 2, 3, 2]], batch: 2),
    cases(
      "conv of volumes, grouped",
      VolumeConvolution(
        4, SlidingWindow([2, 1, 2], stride: [2, 2, 1], padding: [1, 0, 0, 1, 0, 1], dilation: [2, 1, 2]), groups: 2,
        bias: false), [[2, 3, 3, 2]], batch: 2),
    cases(
      "conv of volumes, most of the kernel outside",
      VolumeConvolution(2, SlidingWindow([5, 1, 1], padding: [2, 0, 0, 2, 0, 0])), [[1, 1, 2, 2]]),
    cases(
      "transposed conv", TransposedConvolution(2, kernel: 3, stride: 2, padding: 1, outputPadding: 1), [[3, 2, 3]],
      batch: 2),
    cases(
      "transposed conv, uneven",
      TransposedConvolution(
        4, kernel: Extent(2, 3), stride: Extent(1, 3), padding: Padding(top: 0, left: 1, bottom: 1, right: 3),
        outputPadding: Extent(0, 1), dilation: Extent(2, 1), groups: 2), [[4, 3, 2]], batch: 2),
    cases("transposed conv, stride beyond kernel", TransposedConvolution(2, kernel: 2, stride: 3), [[1, 2, 3]]),
    cases(
      "transposed conv, added places beyond the stride",
      TransposedConvolution(2, kernel: 2, outputPadding: 1, dilation: 2), [[2, 3, 2]]),
    cases(
      "transposed conv, depthwise", TransposedConvolution(3, kernel: 3, stride: 2, padding: 1, groups: 3), [[3, 3, 2]],
      batch: 2),
    cases(
      "transposed conv along a sequence",
      TransposedConvolution.sequence(3, kernel: 4, stride: 2, padding: Padding(before: 2, after: 0), bias: false),
      [[2, 5]], batch: 2),
    cases(
      "transposed conv of many channels", TransposedConvolution(9, kernel: 3, padding: 1), [[5, 4, 3]], batch: 2),
  ].flatMap { $0 }

  private static let pools: [TwinCase] = {
    let soft = SoftMaxPool.Border.allCases.map { SoftMaxPool(temperature: 0.5, border: $0) }
    return [
      cases("max pool along a sequence", MaxPool.sequence(kernel: 3, stride: 2, padding: 1), [[2, 8]], batch: 2, soft),
      cases(
        "max pool along a sequence, uneven",
        MaxPool.sequence(kernel: 3, stride: 1, padding: Padding(before: 2, after: 0), dilation: 2), [[2, 7]], soft),
      cases(
        "max pool dilated", MaxPool(kernel: Extent(2, 3), stride: Extent(2, 1), padding: 1, dilation: Extent(3, 2)),
        [[2, 7, 6]], batch: 2, soft),
      cases(
        "max pool dilated, rounding up", MaxPool(kernel: 2, stride: 2, dilation: 2, ceilMode: true), [[1, 4, 7]], soft),
      cases(
        "max pool of volumes",
        VolumeMaxPool(SlidingWindow([2, 3, 2], stride: [2, 1, 2], padding: [0, 1, 1, 0, 1, 1])), [[2, 2, 3, 4]],
        batch: 2, soft),
      cases(
        "max pool of volumes, dilated and rounding up",
        VolumeMaxPool(SlidingWindow([2, 2, 2], stride: [2, 1, 2], dilation: [2, 1, 1], ceilMode: true)),
        [[1, 4, 3, 3]], soft),
      cases(
        "average pool along a sequence", AveragePool.slidingSequence(kernel: 4, stride: 2, padding: 1), [[2, 9]],
        batch: 2),
      cases(
        "average pool along a sequence, uneven and rounding up",
        AveragePool.slidingSequence(
          kernel: 3, stride: 2, padding: Padding(before: 2, after: 0), ceilMode: true, countIncludePad: false),
        [[2, 8]]
      ),
      cases("average pool along a sequence, adaptive", AveragePool.adaptiveSequence(3), [[2, 5]], batch: 2),
      cases(
        "average pool of volumes",
        VolumeAveragePool(
          .sliding(
            SlidingWindow([2, 3, 2], stride: [2, 1, 3], padding: [0, 1, 0, 0, 1, 0], ceilMode: true),
            countsPadding: true)), [[2, 4, 3, 4]], batch: 2),
      cases(
        "average pool of volumes without padding",
        VolumeAveragePool(
          .sliding(
            SlidingWindow([2, 2, 2], stride: [1, 2, 1], padding: [1, 0, 1, 0, 1, 0], dilation: [1, 2, 1]),
            countsPadding: false)), [[1, 3, 4, 2]]),
      cases("average pool of volumes, adaptive", VolumeAveragePool(.adaptive([2, 1, 3])), [[2, 3, 2, 4]]),
    ].flatMap { $0 }
  }()

  private static let moving: [TwinCase] =
    Pad.Mode.allCases.flatMap { mode in
      cases("pad, \(mode.rawValue)", Pad([2, 0, 1], [1, 3, -1], mode: mode, value: 0.5), [[3, 2, 4]], batch: 2)
        + cases("pad, \(mode.rawValue), beyond the input", Pad([7], [5], mode: mode), [[3]])
        + cases("pad, \(mode.rawValue), of one place", Pad([1], [2], mode: mode == .reflect ? .edge : mode), [[1]])
    }
    + [
      cases("resize, nearest", Resize(axes: [1, 2], to: [5, 3], by: .nearest(.preferCeil)), [[2, 3, 4]], batch: 2),
      cases(
        "resize, nearest, at ties",
        Resize(axes: [0], to: [6], by: .nearest(.preferFloor), coordinates: .asymmetric), [[3, 2]]),
      cases(
        "resize, linear", Resize(axes: [2, 0], to: [7, 2], by: .linear), [[3, 2, 4]], batch: 2),
      cases(
        "resize, linear, corners", Resize(axes: [1], to: [5], by: .linear, coordinates: .alignCorners), [[2, 3]]),
      cases(
        "resize, cubic", Resize(axes: [1, 2], to: [5, 6], by: .cubic(coefficient: -0.75)), [[2, 4, 3]], batch: 2),
      cases(
        "resize, cubic, by a scale",
        Resize(axes: [0], to: [3], scales: [0.55], by: .cubic(coefficient: -0.5), coordinates: .asymmetric), [[5, 2]]),
      cases(
        "resize to one place",
        Resize(axes: [0], to: [1], by: .linear, coordinates: .pytorchHalfPixel), [[4, 2]]),
      cases("slice by steps", Slice([.init(axis: 1, .python(start: 1, end: 6, step: 2))]), [[2, 7]], batch: 2),
      cases(
        "slice backwards",
        Slice([
          .init(axis: 2, .python(start: 5, end: 0, step: -2)), .init(axis: 0, .python(start: -3, end: 99, step: 1)),
        ]), [[4, 2, 6]], batch: 2),
      cases("slice reversed", Slice([.init(axis: 0, .python(start: -1, end: -100, step: -1))]), [[5, 2]]),
      cases(
        "gather", Gather(axis: 1), [[2, 3, 2], [4]], batch: 2,
        integers: [1: Tensor(shape: [4], integers: [2, -1, 0, 2])]),
      cases(
        "gather a matrix", Gather(), [[3, 2], [2, 2]], integers: [1: Tensor(shape: [2, 2], integers: [0, 2, -3, 1])]),
      cases(
        "gather one place", Gather(axis: 1), [[2, 3], []], batch: 2,
        integers: [1: Tensor(shape: [], integers: [1])]),
      cases(
        "choose", Where(), [[4], [2, 3, 4], [3, 1]], batch: 2,
        integers: [0: Tensor(shape: [4], integers: [1, 0, 0, 5])]),
      cases("top values", TopK(3, axis: 1), [[2, 5, 2]], batch: 2),
      cases("smallest values", TopK(2, axis: 0, largest: false), [[4]]),
      cases("sample a grid", GridSample(), [[2, 3, 4], [2, 3, 2]], batch: 2),
      cases(
        "sample a grid, mirrored", GridSample(.linear, border: .reflection, aligningCorners: true),
        [[1, 3, 3], [3, 2, 2]]),
      cases("sample a grid, cubic", GridSample(.cubic, border: .border), [[2, 4, 3], [2, 2, 2]], batch: 2),
      cases("sample a grid, cubic, mirrored", GridSample(.cubic, border: .reflection), [[1, 3, 3], [2, 2, 2]]),
      cases("sample volumes", GridSample(.linear, border: .border), [[2, 2, 3, 2], [2, 1, 2, 3]], batch: 2),
      cases("sample the nearest", GridSample(.nearest), [[2, 3, 3], [2, 2, 2]]),
      cases(
        "transposed convolution of volumes",
        TransposedVolumeConvolution(
          4, SlidingWindow([2, 1, 3], stride: [2, 1, 2], padding: [0, 0, 1, 1, 0, 0], dilation: [1, 1, 2]),
          outputPadding: [1, 0, 1], groups: 2), [[2, 2, 3, 2]], batch: 2),
      cases("expand a number", Expand(to: [3, 2]), [[]], batch: 2),
      cases("cumulative sum", CumulativeSum(axis: 1), [[2, 4, 3]], batch: 2),
      cases("rotary", RotaryEmbedding(heads: 2, frequencies: [1, 0.1]), [[3, 8]], batch: 2),
      cases("rotary of some features", RotaryEmbedding(heads: 1, frequencies: [0.5]), [[4, 5]]),
      cases("cumulative sum, exclusive, from the end", CumulativeSum(axis: 0, exclusive: true, reverse: true), [[5]]),
    ].flatMap { $0 }

  private static let numbers: [TwinCase] =
    Reduce.Reduction.allCases.flatMap { reduction in
      cases(
        "reduce, \(reduction.rawValue)", Reduce(reduction, axes: [2, 0], keepingAxes: true), [[2, 3, 4]], batch: 2)
        + cases("reduce, \(reduction.rawValue), all", Reduce(reduction, axes: [0, 1]), [[3, 2]])
        + cases("reduce, \(reduction.rawValue), one", Reduce(reduction, axes: [0]), [[1, 3]])
    }
    + [
      cases("linear on a grid of tokens", Linear(3), [[2, 3, 5]], batch: 2),
      cases("batchnorm of a sequence", BatchNorm(), [[3, 4]], batch: 2),
      cases("batchnorm of volumes", BatchNorm(), [[2, 2, 3, 2]]),
      cases("matrix product, broadcast", MatrixMultiply(), [[3, 1, 2, 4], [2, 4, 3]], batch: 2),
      cases("matrix product, broadcast and transposed", MatrixMultiply(transposingRight: true), [[2, 4], [3, 5, 4]]),
      cases("softmax of channels", Softmax(axis: 0), [[5, 3]], batch: 2),
      cases("softmax in the middle", Softmax(axis: 1), [[2, 4, 3]]),
      cases("logarithm of the softmax", LogSoftmax(), [[2, 7]], batch: 2),
      cases("logarithm of the softmax in the middle", LogSoftmax(axis: 1), [[2, 4, 3]]),
    ].flatMap { $0 }

  private static let norms: [TwinCase] = [
    cases("group norm", GroupNorm(groups: 2), [[4, 3, 2]], batch: 2, [FrozenStatistics()]),
    cases("group norm of features", GroupNorm(groups: 2, epsilon: 1e-3), [[6]], [FrozenStatistics()]),
    cases("instance norm", GroupNorm.instance(epsilon: 1e-3), [[2, 5]], batch: 2, [FrozenStatistics()]),
    cases("instance norm of volumes", GroupNorm.instance(), [[2, 2, 3, 2]], [FrozenStatistics()]),
    cases("RMS norm", RMSNorm(), [[2, 7]], batch: 2, [FrozenStatistics()]),
    // With a small epsilon its gradient is the difference of two nearly equal numbers.
    cases("RMS norm of one feature", RMSNorm(epsilon: 0.5), [[1]], [FrozenStatistics()]),
    cases(
      "layer norm of channels of a sequence", LayerNorm(axis: .channels), [[5, 3]], batch: 2, [FrozenStatistics()]),
    cases("layer norm of heads", LayerNorm(), [[2, 3, 4]], [FrozenStatistics()]),
  ].flatMap { $0 }

  private static let maskedAttention: [TwinCase] = {
    let rules: [any Rule] = [FrozenAttention(temperature: 2.5), ReleasedAttention(temperature: 2)]
    return [
      cases(
        "attention, causal", ScaledDotProductAttention(heads: 2, causal: true), [[4, 4], [4, 4], [4, 6]], batch: 2,
        rules),
      cases(
        "attention, causal, fewer keys", ScaledDotProductAttention(heads: 1, causal: true),
        [[4, 2], [3, 2], [3, 2]],
        rules),
      cases(
        "attention, grouped", ScaledDotProductAttention(heads: 4, keyHeads: 2), [[3, 8], [5, 4], [5, 6]], batch: 2,
        rules),
      cases(
        "attention, masked", ScaledDotProductAttention(heads: 2), [[3, 4], [4, 4], [4, 2], [3, 4]], batch: 2, rules),
      cases(
        "attention, masked by head", ScaledDotProductAttention(heads: 2, keyHeads: 1, causal: true),
        [[3, 4], [3, 2], [3, 2], [2, 3, 3]], batch: 2, rules),
    ].flatMap { $0 }
  }()
}
