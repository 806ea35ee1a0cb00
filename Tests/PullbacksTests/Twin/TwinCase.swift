import Pullbacks
import TestKit
import Testing

/// An operation, the shapes it is tried on, and the rules that apply to it.
struct TwinCase: Sendable, CustomTestStringConvertible {
  let name: String
  let operation: any Pullbacks.Operation
  /// Shapes of the inputs, without the batch axis.
  let shapes: [[Int]]
  /// Inputs of integers, the same for every image, by place.
  let integers: [Int: Tensor]
  let batch: Int
  let rule: any Rule
  let inputs: [Tensor]
  let parameters: [Tensor]

  var testDescription: String { "\(name), \(rule.equation)" }

  /// - Parameters:
  ///   - spread: inputs are drawn evenly from `-spread ..< spread`.
  ///   - integers: inputs of integers, by place; none has a batch axis.
  init(
    _ name: String, _ operation: any Pullbacks.Operation, _ shapes: [[Int]], batch: Int, spread: Double,
    integers: [Int: Tensor] = [:], _ rule: any Rule
  ) {
    self.name = name
    self.operation = operation
    self.shapes = shapes
    self.batch = batch
    self.rule = rule
    self.integers = integers
    inputs = shapes.enumerated().map { index, shape in
      Float(spread) * Formula.image("\(name) \(index)", [batch] + shape)
    }
    parameters = operation.parameters(shapes).map { Formula.parameter("\(name).\($0.name)", $0.shape) }
  }

  var twin: DoubleTwin {
    DoubleTwin(operation: operation, parameters: parameters.map(Grid.init), integers: Set(integers.keys))
  }

  /// The inputs of one image.
  func image(_ index: Int) -> [Grid] {
    shapes.indices.map { input in
      if let integers = integers[input] { return Grid(shapes[input], integers.integers.map(Double.init)) }
      return Grid(shapes[input], inputs[input].image(index).scalars.map(Double.init))
    }
  }

  /// The places of the inputs of floats.
  private var floats: [Int] { shapes.indices.filter { integers[$0] == nil } }

  /// The number of values of one image's inputs.
  var width: Int { floats.map { shapes[$0].reduce(1, *) }.reduce(0, +) }

  /// The inputs as the network of ``network()`` takes them: those of one image one behind the other.
  var joinedInputs: Tensor {
    Tensor(shape: [batch, width], (0..<batch).flatMap { row in floats.flatMap { inputs[$0].image(row).scalars } })
  }

  /// Values that lie as those of ``joinedInputs``, input by input; zeros for integers.
  func parted(_ values: [Double]) -> [Grid] {
    var first = 0
    return shapes.enumerated().map { index, shape in
      guard integers[index] == nil else { return Grid(zeros: shape) }
      let count = shape.reduce(1, *)
      defer { first += count }
      return Grid(shape, Array(values[first..<first + count]))
    }
  }

  /// A network of this operation alone, called `op`.
  func network() throws -> Network {
    let graph = try Graph(name, input: [width]) { input in
      var first = 0
      let parts = shapes.enumerated().map { index, shape in
        if let integers = integers[index] { return input.constant(integers) }
        defer { first += shape.reduce(1, *) }
        return input.slice(axis: 0, first..<first + shape.reduce(1, *)).reshaped(shape)
      }
      return parts[0].apply(operation, "op", with: Array(parts.dropFirst()))
    }
    let names = graph.parameters.map(\.name)
    return try Network(graph, parameters: Dictionary(uniqueKeysWithValues: zip(names, parameters)))
  }

  var rules: RuleSet { RuleSet.gradient.overriding(.node("op"), with: rule) }
}

extension TwinCase {
  /// Every operation with every rule made for it, over awkward shapes.
  static let all: [TwinCase] = affine + nonlinear + otherShapes

  static func cases(
    _ name: String, _ operation: any Pullbacks.Operation, _ shapes: [[Int]], batch: Int = 1, spread: Double = 2,
    integers: [Int: Tensor] = [:], _ rules: [any Rule] = []
  ) -> [TwinCase] {
    ([Gradient()] + rules).map {
      TwinCase(name, operation, shapes, batch: batch, spread: spread, integers: integers, $0)
    }
  }

  private static let affine: [TwinCase] = [
    cases("conv on one place", Convolution(3, kernel: 3, padding: 1), [[2, 1, 1]], batch: 3),
    cases("conv, stride beyond kernel", Convolution(2, kernel: Extent(1, 2), stride: 3), [[1, 7, 8]], batch: 3),
    cases("conv, kernel beyond input", Convolution(3, kernel: 5, stride: 2, padding: 4), [[2, 2, 3]]),
    cases(
      "conv grouped, uneven padding",
      Convolution(6, kernel: 3, padding: Padding(top: 1, left: 0, bottom: 0, right: 2), groups: 2), [[4, 3, 4]],
      batch: 3),
    cases(
      "conv depthwise, uneven stride", Convolution(5, kernel: 3, stride: Extent(2, 1), padding: 1, groups: 5),
      [[5, 4, 3]], batch: 3),
    cases("conv depthwise on one place", Convolution(3, kernel: 3, padding: 1, groups: 3, bias: false), [[3, 1, 1]]),
    cases("conv depthwise, kernel beyond input", Convolution(2, kernel: 5, padding: 3, groups: 2), [[2, 2, 1]]),
    cases("conv depthwise, two outputs a channel", Convolution(6, kernel: Extent(2, 1), groups: 3), [[3, 3, 2]]),
    cases("conv depthwise, wide rows", Convolution(2, kernel: 5, padding: 2, groups: 2), [[2, 11, 37]]),
    cases(
      "conv depthwise, strides of three and two",
      Convolution(
        2, kernel: Extent(4, 3), stride: Extent(3, 2), padding: Padding(top: 2, left: 1, bottom: 0, right: 3), groups: 2
      ),
      [[2, 17, 37]], batch: 2),
    cases(
      "conv depthwise strided, dilated by two",
      Convolution(2, kernel: 3, stride: 2, padding: 3, dilation: 2, groups: 2),
      [[2, 13, 36]]),
    cases(
      "conv depthwise strided, dilated by three",
      Convolution(2, kernel: 3, stride: Extent(1, 2), padding: 2, dilation: 3, groups: 2), [[2, 11, 35]]),
    cases("conv dilated", Convolution(2, kernel: 3, padding: 3, dilation: Extent(3, 2)), [[1, 4, 5]]),
    cases("conv pointwise", Convolution(5, kernel: 1, bias: false), [[3, 2, 3]], batch: 3),
    cases("conv pointwise strided", Convolution(2, kernel: 1, stride: 2), [[3, 3, 5]]),
    cases("conv of one number", Convolution(1, kernel: 1), [[1, 1, 1]]),
    cases("linear, seventeen features", Linear(5), [[17]], batch: 5),
    cases("linear of one number", Linear(1), [[1]]),
    cases("linear, many features, few outputs", Linear(1, bias: false), [[70]], batch: 3),
    cases("linear on tokens", Linear(3), [[5, 7]], batch: 3),
    cases("linear on one token", Linear(4, bias: false), [[1, 3]]),
    cases("linear on many tokens", Linear(2), [[33, 2]], batch: 2),
    cases("batchnorm of features", BatchNorm(), [[3]], batch: 3),
    cases("batchnorm of one place", BatchNorm(epsilon: 1e-3), [[1, 1, 1]]),
    cases("batchnorm of maps", BatchNorm(), [[2, 3, 5]], batch: 3),
    cases("affine", ChannelAffine(scale: [0.5, -2], shift: [1, 0.25]), [[2, 3, 1]], batch: 3),
    cases("average pool", AveragePool.sliding(kernel: 3, stride: 2, padding: 1), [[2, 4, 3]], batch: 3),
    cases(
      "average pool without padding", AveragePool.sliding(kernel: 3, stride: 1, padding: 1, countIncludePad: false),
      [[1, 1, 1]]),
    cases("average pool, stride beyond kernel", AveragePool.sliding(kernel: 2, stride: Extent(3, 4)), [[1, 5, 7]]),
    cases(
      "average pool, rounding up",
      AveragePool.sliding(kernel: Extent(3, 2), stride: Extent(2, 3), padding: 1, ceilMode: true), [[1, 6, 6]]),
    cases("average pool, adaptive", AveragePool.adaptive(Extent(3, 2)), [[2, 5, 3]], batch: 3),
    cases("average pool, adaptive, enlarging", AveragePool.adaptive(Extent(4, 3)), [[1, 2, 1]]),
    cases("add", Add(), [[2, 3], [2, 3], [2, 3]], batch: 3),
    cases("concatenate channels", Concatenate(axis: 0), [[1, 2, 2], [3, 2, 2]], batch: 3),
    cases("concatenate features", Concatenate(axis: 1), [[2, 1], [2, 3], [2, 2]]),
    cases("reshape", Reshape([3, 2, 2]), [[4, 3]], batch: 3),
    cases("transpose", Transpose([2, 0, 1]), [[2, 3, 4]], batch: 3),
    cases("transpose of four axes", Transpose([3, 1, 0, 2]), [[2, 1, 3, 2]]),
    cases("slice", Slice(axis: 1, 1..<3), [[2, 4, 3]], batch: 3),
    cases("add, broadcast", Add(), [[3, 1, 2], [4, 1], [2]], batch: 3),
    cases("subtract, broadcast", BinaryOperation.subtract, [[1, 5], [3, 1]], batch: 3),
    cases("expand", Expand(to: [2, 3, 4]), [[3, 1]], batch: 3),
    cases("dropout", Identity.dropout, [[5]], batch: 3),
  ].flatMap { $0 }

  private static let nonlinear = activations + maxPools + normalisations + products + attentions

  private static let activations: [TwinCase] =
    ([
      ReLU(), ReLU6(), GELU(), SiLU(), Sigmoid(),
    ] as [any Pullbacks.Operation]).flatMap { activation in
      let temperatures: [Float] = activation is Sigmoid ? [] : [0.05, 0.6, 1.6]
      let logistic: [any Rule] = activation is ReLU ? temperatures.map { LogisticGate(temperature: $0) } : []
      let soft: [any Rule] = temperatures.map { SoftGate(temperature: $0) } + logistic
      return cases(activation.kind, activation, [[2, 3, 3]], batch: 3, spread: 8, soft)
        + cases("\(activation.kind) of one number", activation, [[1]], soft)
    }

  private static let maxPools: [TwinCase] = {
    let soft = SoftMaxPool.Border.allCases.flatMap { border in
      [0.3, 1].map { SoftMaxPool(temperature: $0, border: border) }
    }
    func pool(_ name: String, _ operation: MaxPool, _ shape: [Int], batch: Int = 1) -> [TwinCase] {
      cases("max pool \(name)", operation, [shape], batch: batch, soft)
    }
    return pool("padded", MaxPool(kernel: 3, stride: 1, padding: 1), [2, 4, 3], batch: 3)
      + pool("on one place", MaxPool(kernel: 3, padding: 1), [2, 1, 1])
      + pool("stride beyond kernel", MaxPool(kernel: 2, stride: 3), [1, 7, 8], batch: 3)
      + pool("uneven", MaxPool(kernel: Extent(3, 2), stride: Extent(2, 1), padding: 1), [1, 5, 3])
      + pool("rounding up", MaxPool(kernel: 3, stride: 2, padding: 1, ceilMode: true), [1, 4, 6])
      + pool("single places", MaxPool(kernel: 1), [1, 2, 2])
  }()

  private static let normalisations: [TwinCase] = [
    cases("layer norm of features", LayerNorm(), [[7]], batch: 3, [FrozenStatistics()]),
    cases("layer norm of one feature", LayerNorm(), [[2, 1]], [FrozenStatistics()]),
    cases("layer norm of tokens", LayerNorm(epsilon: 1e-6), [[5, 17]], batch: 3, [FrozenStatistics()]),
    cases("layer norm of channels", LayerNorm(axis: .channels), [[3, 2, 4]], batch: 3, [FrozenStatistics()]),
    cases("layer norm of channels, one place", LayerNorm(axis: .channels), [[17, 1, 1]], [FrozenStatistics()]),
    cases("softmax", Softmax(), [[3, 17]], batch: 3),
    cases("softmax of one number", Softmax(), [[1]]),
  ].flatMap { $0 }

  private static let products: [TwinCase] = [
    cases("multiply", Multiply(), [[2, 3], [2, 3]], batch: 3),
    cases("multiply by channel", Multiply(), [[3, 2, 2], [3, 1, 1]], batch: 3),
    cases("multiply, broadcast", Multiply(), [[2, 1, 3], [4, 1]], batch: 3),
    cases("maximum, broadcast", BinaryOperation.maximum, [[2, 3], [3]], batch: 3),
    cases("minimum, broadcast", BinaryOperation.minimum, [[3], [2, 3]], batch: 3),
    cases("remainder, broadcast", BinaryOperation.remainder, [[2, 3], [3]], batch: 3),
    cases("matrix product", MatrixMultiply(), [[2, 3], [3, 4]], batch: 3),
    cases("matrix product, transposed", MatrixMultiply(transposingRight: true), [[2, 3, 4], [2, 5, 4]]),
    cases("matrix product of numbers", MatrixMultiply(), [[1, 1], [1, 1]]),
  ].flatMap { $0 }

  private static let attentions: [TwinCase] = {
    let rules: [any Rule] = [
      FrozenAttention(temperature: 1), FrozenAttention(temperature: 2.5), ReleasedAttention(temperature: 1),
      ReleasedAttention(temperature: 2),
    ]
    return cases(
      "attention, two heads", ScaledDotProductAttention(heads: 2), [[5, 4], [3, 4], [3, 6]], batch: 3, rules)
      + cases("attention of one token", ScaledDotProductAttention(heads: 1), [[1, 2], [1, 2], [1, 1]], rules)
      + cases(
        "attention of one query, three heads", ScaledDotProductAttention(heads: 3, scale: 0.7),
        [[1, 3], [5, 3], [5, 6]], rules)
  }()
}
