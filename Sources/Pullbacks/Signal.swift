/// A value in a network that is being described: the output of some node. Methods named after layers append a node and
/// return its output. Nodes without parameters may go unnamed.
public struct Signal {
  let builder: GraphBuilder
  let node: Int

  /// The shape of the value, without the batch axis.
  public var shape: [Int] { builder.nodes[node].shape }

  /// The first mistake in the description so far; code that describes a network piece by piece stops at it.
  package var mistake: PullbackError? { builder.error }

  /// Appends any operation; `others` are its further inputs.
  public func apply(_ operation: any Operation, _ name: String? = nil, with others: Signal...) -> Signal {
    apply(operation, name, with: others)
  }

  /// Appends any operation; `others` are its further inputs.
  public func apply(_ operation: any Operation, _ name: String? = nil, with others: [Signal]) -> Signal {
    Signal(builder: builder, node: builder.add(operation, name, [self] + others))
  }
}

extension Signal {
  /// ``Convolution`` of `(C, H, W)` to `outputs` channels.
  public func convolution(
    _ name: String, _ outputs: Int, kernel: Extent, stride: Extent = 1, padding: Padding = 0, dilation: Extent = 1,
    groups: Int = 1, bias: Bool = true
  ) -> Signal {
    apply(
      Convolution(
        outputs, kernel: kernel, stride: stride, padding: padding, dilation: dilation, groups: groups, bias: bias),
      name)
  }

  /// ``Linear`` map of the last axis to `outputs` values; `parameterPrefix` stands before the names of its parameters.
  public func linear(
    _ name: String, _ outputs: Int, bias: Bool = true, parameterPrefix: String = ""
  ) -> Signal {
    apply(Linear(outputs, bias: bias, parameterPrefix: parameterPrefix), name)
  }

  /// ``BatchNorm``; `momentum` is the weight of a new batch in the running statistics.
  public func batchNorm(_ name: String, epsilon: Float = 1e-5, momentum: Float = 0.1) -> Signal {
    apply(BatchNorm(epsilon: epsilon, momentum: momentum), name)
  }

  /// ``LayerNorm`` of tokens `(T, C)`, or of the channels of `(C, H, W)`.
  public func layerNorm(_ name: String, epsilon: Float = 1e-5, axis: LayerNorm.Axis = .last) -> Signal {
    apply(LayerNorm(epsilon: epsilon, axis: axis), name)
  }

  /// `max(0, x)`
  public func relu(_ name: String? = nil) -> Signal { apply(ReLU(), name) }
  /// `min(6, max(0, x))`
  public func relu6(_ name: String? = nil) -> Signal { apply(ReLU6(), name) }
  /// `x Phi(x)`, Phi the standard normal distribution function.
  public func gelu(_ name: String? = nil) -> Signal { apply(GELU(), name) }
  /// `x sigmoid(x)`
  public func silu(_ name: String? = nil) -> Signal { apply(SiLU(), name) }
  /// `x relu6(x + 3) / 6`
  public func hardSwish(_ name: String? = nil) -> Signal { apply(HardSwish(), name) }
  /// `relu6(x + 3) / 6`
  public func hardSigmoid(_ name: String? = nil) -> Signal { apply(HardSigmoid(), name) }
  /// `1 / (1 + exp(-x))`
  public func sigmoid(_ name: String? = nil) -> Signal { apply(Sigmoid(), name) }
  /// ``Softmax`` along an axis, the last if none is said.
  public func softmax(_ name: String? = nil, axis: Int? = nil) -> Signal { apply(Softmax(axis: axis), name) }
  /// Nothing: a trained network drops no value. The node keeps its place in the list.
  public func dropout(_ name: String? = nil) -> Signal { apply(Identity.dropout, name) }

  /// ``MaxPool``; the stride is the kernel if not given, `ceilMode` keeps windows that hang over the edge.
  public func maxPool(
    _ name: String? = nil, kernel: Extent, stride: Extent? = nil, padding: Padding = 0, dilation: Extent = 1,
    ceilMode: Bool = false
  ) -> Signal {
    apply(MaxPool(kernel: kernel, stride: stride, padding: padding, dilation: dilation, ceilMode: ceilMode), name)
  }

  /// ``AveragePool`` over windows; `countIncludePad` lets zeros of the padding into the mean.
  public func averagePool(
    _ name: String? = nil, kernel: Extent, stride: Extent? = nil, padding: Padding = 0, ceilMode: Bool = false,
    countIncludePad: Bool = true
  ) -> Signal {
    apply(
      AveragePool.sliding(
        kernel: kernel, stride: stride, padding: padding, ceilMode: ceilMode, countIncludePad: countIncludePad), name)
  }

  /// ``AveragePool`` over a grid with as many windows as `output` has places.
  public func adaptiveAveragePool(_ name: String? = nil, to output: Extent) -> Signal {
    apply(AveragePool.adaptive(output), name)
  }

  /// The mean of each channel of planes: `(C, H, W)` to `(C)`. For others, ``reduced(_:axes:keepingAxes:_:)``.
  public func globalAveragePool(_ name: String? = nil) -> Signal {
    adaptiveAveragePool(name, to: 1).flatten()
  }

  /// The sum of two signals, broadcast as numpy does.
  public func adding(_ other: Signal, _ name: String? = nil) -> Signal { apply(Add(), name, with: other) }
  /// The product of two signals, broadcast as numpy does.
  public func multiplied(by other: Signal, _ name: String? = nil) -> Signal { apply(Multiply(), name, with: other) }

  /// Scaled by a learned tensor that stands alone; `name` is its name in the checkpoint, its shape broadcasts.
  public func scaled(by name: String, _ shape: [Int]) -> Signal { multiplied(by: parameter(name, shape)) }

  /// A learned tensor that stands alone, without a layer: `name` is its name in the checkpoint.
  public func parameter(_ name: String, _ shape: [Int]) -> Signal {
    Signal(builder: builder, node: builder.add(Parameter(shape), name, []))
  }

  /// A tensor that is part of the network's description, without a batch axis.
  public func constant(_ value: Tensor, _ name: String? = nil) -> Signal {
    Signal(builder: builder, node: builder.add(Constant(value), name, []))
  }

  /// The same values under another shape, the batch axis not counted.
  public func reshaped(_ shape: [Int], _ name: String? = nil) -> Signal { apply(Reshape(shape), name) }
  /// All values in one axis.
  public func flatten(_ name: String? = nil) -> Signal { reshaped([shape.product], name) }
  /// Axis i of the result is axis `order[i]`, the batch axis not counted.
  public func transposed(_ order: [Int], _ name: String? = nil) -> Signal { apply(Transpose(order), name) }
  /// The part `range` of one axis, the batch axis not counted.
  public func slice(axis: Int, _ range: Range<Int>, _ name: String? = nil) -> Signal {
    apply(Slice(axis: axis, range), name)
  }

  /// Signals joined along an axis; axis 0 is the channels of images.
  public static func concatenate(_ signals: [Signal], axis: Int = 0, _ name: String? = nil) -> Signal {
    precondition(!signals.isEmpty, "nothing to concatenate")
    let builder = signals[0].builder
    return Signal(builder: builder, node: builder.add(Concatenate(axis: axis), name, signals))
  }

  /// ``ScaledDotProductAttention`` with this signal as queries `(T, C)`, and keys `(S, C)` and values `(S, D)`.
  public func attention(
    _ name: String? = nil, keys: Signal, values: Signal, mask: Signal? = nil, heads: Int, keyHeads: Int? = nil,
    scale: Float? = nil, causal: Bool = false
  ) -> Signal {
    let operation = ScaledDotProductAttention(heads: heads, keyHeads: keyHeads, scale: scale, causal: causal)
    guard let mask else { return apply(operation, name, with: keys, values) }
    return apply(operation, name, with: keys, values, mask)
  }
}
