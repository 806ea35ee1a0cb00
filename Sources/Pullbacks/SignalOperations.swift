// Methods of signals for operations that fewer networks use.

extension Signal {
  /// ``Convolution`` along sequences `(C, L)`; a padding has two ends, or is the same at both.
  public func convolution1D(
    _ name: String, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Padding = 0, dilation: Int = 1,
    groups: Int = 1, bias: Bool = true
  ) -> Signal {
    apply(
      Convolution.sequence(
        outputs, kernel: kernel, stride: stride, padding: padding, dilation: dilation, groups: groups, bias: bias),
      name)
  }

  /// ``VolumeConvolution`` of `(C, D, H, W)`.
  public func convolution3D(
    _ name: String, _ outputs: Int, _ window: SlidingWindow, groups: Int = 1, bias: Bool = true
  ) -> Signal {
    apply(VolumeConvolution(outputs, window, groups: groups, bias: bias), name)
  }

  /// ``TransposedConvolution`` of `(C, H, W)`.
  public func transposedConvolution(
    _ name: String, _ outputs: Int, kernel: Extent, stride: Extent = 1, padding: Padding = 0,
    outputPadding: Extent = 0, dilation: Extent = 1, groups: Int = 1, bias: Bool = true
  ) -> Signal {
    apply(
      TransposedConvolution(
        outputs, kernel: kernel, stride: stride, padding: padding, outputPadding: outputPadding, dilation: dilation,
        groups: groups, bias: bias), name)
  }

  /// ``TransposedConvolution`` along sequences `(C, L)`.
  public func transposedConvolution1D(
    _ name: String, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Padding = 0, outputPadding: Int = 0,
    dilation: Int = 1, groups: Int = 1, bias: Bool = true
  ) -> Signal {
    apply(
      TransposedConvolution.sequence(
        outputs, kernel: kernel, stride: stride, padding: padding, outputPadding: outputPadding, dilation: dilation,
        groups: groups, bias: bias), name)
  }

  /// ``MaxPool`` along sequences `(C, L)`.
  public func maxPool1D(
    _ name: String? = nil, kernel: Int, stride: Int? = nil, padding: Padding = 0, dilation: Int = 1,
    ceilMode: Bool = false
  ) -> Signal {
    apply(
      MaxPool.sequence(kernel: kernel, stride: stride, padding: padding, dilation: dilation, ceilMode: ceilMode), name)
  }

  /// ``AveragePool`` along sequences `(C, L)`.
  public func averagePool1D(
    _ name: String? = nil, kernel: Int, stride: Int? = nil, padding: Padding = 0, ceilMode: Bool = false,
    countIncludePad: Bool = true
  ) -> Signal {
    apply(
      AveragePool.slidingSequence(
        kernel: kernel, stride: stride, padding: padding, ceilMode: ceilMode, countIncludePad: countIncludePad), name)
  }

  /// ``VolumeMaxPool`` of `(C, D, H, W)`.
  public func maxPool3D(_ name: String? = nil, _ window: SlidingWindow) -> Signal {
    apply(VolumeMaxPool(window), name)
  }

  /// ``VolumeAveragePool`` of `(C, D, H, W)`.
  public func averagePool3D(_ name: String? = nil, _ window: SlidingWindow, countIncludePad: Bool = true) -> Signal {
    apply(VolumeAveragePool(.sliding(window, countsPadding: countIncludePad)), name)
  }

  /// ``GroupNorm`` of `(C, ...)`.
  public func groupNorm(_ name: String, groups: Int, epsilon: Float = 1e-5) -> Signal {
    apply(GroupNorm(groups: groups, epsilon: epsilon), name)
  }

  /// ``GroupNorm`` with a group for each channel.
  public func instanceNorm(_ name: String, epsilon: Float = 1e-5) -> Signal {
    apply(GroupNorm.instance(epsilon: epsilon), name)
  }

  /// ``RMSNorm`` of the last axis.
  public func rmsNorm(_ name: String, epsilon: Float = 1e-6) -> Signal { apply(RMSNorm(epsilon: epsilon), name) }

  /// ``LogSoftmax`` along an axis, the last if none is said.
  public func logSoftmax(_ name: String? = nil, axis: Int? = nil) -> Signal { apply(LogSoftmax(axis: axis), name) }

  /// ``Embedding`` of integers `(...)`: `count` vectors of `width` values.
  public func embedding(_ name: String, _ count: Int, width: Int) -> Signal {
    apply(Embedding(count, width: width), name)
  }

  /// ``RotaryEmbedding`` of tokens `(T, C)`.
  public func rotated(heads: Int, frequencies: [Double], _ name: String? = nil) -> Signal {
    apply(RotaryEmbedding(heads: heads, frequencies: frequencies), name)
  }

  /// ``Gather``: the values along an axis at the indices of another signal.
  public func gathered(at indices: Signal, axis: Int = 0, _ name: String? = nil) -> Signal {
    apply(Gather(axis: axis), name, with: indices)
  }

  /// The matrix product of the last two axes.
  public func multipliedAsMatrix(by other: Signal, transposed: Bool = false, _ name: String? = nil) -> Signal {
    apply(MatrixMultiply(transposingRight: transposed), name, with: other)
  }

  /// ``Pad``; `begins` and `ends` have a number for each axis, the batch axis not counted.
  public func padded(
    _ begins: [Int], _ ends: [Int], mode: Pad.Mode = .constant, value: Float = 0, _ name: String? = nil
  ) -> Signal {
    apply(Pad(begins, ends, mode: mode, value: value), name)
  }

  /// ``Resize`` of the last axes to `sizes`.
  public func resized(
    to sizes: [Int], by interpolation: Resize.Interpolation = .linear, coordinates: Resize.Coordinates = .halfPixel,
    _ name: String? = nil
  ) -> Signal {
    let axes = Array(max(0, shape.count - sizes.count)..<shape.count)
    return apply(Resize(axes: axes, to: sizes, by: interpolation, coordinates: coordinates), name)
  }

  /// ``GridSample``: the maps' values at the places of a grid.
  public func sampled(
    at grid: Signal, by interpolation: GridSample.Interpolation = .linear, border: GridSample.Border = .zeros,
    aligningCorners: Bool = false, _ name: String? = nil
  ) -> Signal {
    apply(GridSample(interpolation, border: border, aligningCorners: aligningCorners), name, with: grid)
  }

  /// ``TopK``: the largest values along an axis, or the smallest.
  public func top(_ count: Int, axis: Int, largest: Bool = true, _ name: String? = nil) -> Signal {
    apply(TopK(count, axis: axis, largest: largest), name)
  }

  /// ``TopPlaces``: where the largest values along an axis are, or the smallest.
  public func topPlaces(_ count: Int, axis: Int, largest: Bool = true, _ name: String? = nil) -> Signal {
    apply(TopPlaces(count, axis: axis, largest: largest), name)
  }

  /// ``Reduce`` of some axes.
  public func reduced(
    _ reduction: Reduce.Reduction, axes: [Int], keepingAxes: Bool = false, _ name: String? = nil
  ) -> Signal {
    apply(Reduce(reduction, axes: axes, keepingAxes: keepingAxes), name)
  }

  /// ``CumulativeSum`` along an axis.
  public func cumulativeSum(
    axis: Int, exclusive: Bool = false, reverse: Bool = false, _ name: String? = nil
  ) -> Signal {
    apply(CumulativeSum(axis: axis, exclusive: exclusive, reverse: reverse), name)
  }

  /// Every `step`-th place of an axis from `start` to before `end`, as in Python: negative numbers count from the end.
  public func sliced(axis: Int, from start: Int, to end: Int, by step: Int = 1, _ name: String? = nil) -> Signal {
    apply(Slice([Slice.Part(axis: axis, .python(start: start, end: end, step: step))]), name)
  }

  /// The parts of an axis, one behind the other: part i has `sizes[i]` places.
  ///
  /// - Precondition: the sizes add up to the axis's extent.
  public func split(axis: Int, into sizes: [Int]) -> [Signal] {
    var first = 0
    return sizes.map { size in
      defer { first += size }
      return slice(axis: axis, first..<first + size)
    }
  }

  /// The values as elements of another type.
  public func cast(to type: ElementType, _ name: String? = nil) -> Signal { apply(Cast(to: type), name) }

  /// ``Where``: these values where `condition` is not 0, those of `other` elsewhere.
  public func chosen(where condition: Signal, orElse other: Signal, _ name: String? = nil) -> Signal {
    condition.apply(Where(), name, with: self, other)
  }

  /// The difference, the quotient or another function of two signals, broadcast as numpy does.
  public func combined(_ operation: BinaryOperation, with other: Signal, _ name: String? = nil) -> Signal {
    apply(operation, name, with: other)
  }
}
