import Kernels
import Pullbacks

/// ``Finish`` over tensors, which it keeps alive.
struct TensorFinish {
  var steps: [Finish.Step] = []
  private var owners: [Tensor] = []
  private var tables: [GateTable] = []

  /// An operand's address, good as long as this value lives.
  private mutating func address(_ tensor: Tensor) -> UnsafePointer<Float> {
    owners.append(tensor)
    return tensor.withUnsafeBuffer { $0.baseAddress! }
  }

  /// A convolution's own bias comes before everything else.
  mutating func prependBias(_ bias: Tensor) { steps.insert(.bias(address(bias)), at: 0) }

  mutating func affine(scale: Tensor, shift: Tensor) {
    steps.append(.affine(scale: address(scale), shift: address(shift)))
  }

  mutating func scale(_ scale: Tensor) { steps.append(.scale(address(scale))) }
  mutating func add(_ other: Tensor, rectified: Bool = false) {
    steps.append(rectified ? .addRectified(address(other)) : .add(address(other)))
  }
  /// - Parameter gates: one for all, for each channel or for each plane of z.
  mutating func gate(_ z: Tensor, _ gates: [GateMap]) {
    if gates.count == 1 { return steps.append(.gate(address(z), gates[0])) }
    let table = GateTable(gates)
    tables.append(table)
    steps.append(.gates(address(z), .init(table.gates, size: z.shape.dropFirst(2).reduce(1, *))))
  }

  /// A tensor that receives the values at this point.
  mutating func copy(shape: [Int]) -> Tensor {
    var tensor = Tensor(shape: shape) { _ in }
    steps.append(.copy(tensor.withUnsafeMutableBuffer { $0.baseAddress! }))
    owners.append(tensor)
    return tensor
  }

  /// Calls `body` with the steps, addresses valid.
  func callAsFunction<Result>(_ body: (Finish) -> Result) -> Result {
    withExtendedLifetime((owners, tables)) { body(Finish(steps)) }
  }

  /// Gates at an address that does not change.
  private final class GateTable: Sendable {
    nonisolated(unsafe) let gates: UnsafeBufferPointer<GateMap>

    init(_ gates: [GateMap]) {
      let copy = UnsafeMutableBufferPointer<GateMap>.allocate(capacity: gates.count)
      _ = copy.initialize(from: gates)
      self.gates = UnsafeBufferPointer(copy)
    }

    deinit { gates.deallocate() }
  }
}

// Layers that can do further steps to each value that they have computed while it is in cache.

/// A convolution's weight in the form that its convolution runs fastest on.
struct PreparedWeight {
  let weight: Tensor
  let form: WeightForm
}

extension Convolution {
  /// - Parameter transforming: whether it may be Winograd's transform.
  func prepared(_ weight: Tensor, input: [Int], output: [Int], transforming: Bool) -> PreparedWeight {
    let shape = shape(input, output)
    let form = shape.bestForm(transforming: transforming)
    if form == .natural { return PreparedWeight(weight: weight, form: form) }
    let prepared = Tensor(shape: [shape.weightCount(form)]) { prepared in
      weight.withUnsafeBuffer { shape.prepare($0.baseAddress!, as: form, into: prepared.baseAddress!) }
    }
    return PreparedWeight(weight: prepared, form: form)
  }

  /// The value at x, finished.
  func forward(
    _ x: Tensor, _ prepared: PreparedWeight, bias: Tensor?, rectifying: Bool, finish: TensorFinish
  ) -> Tensor {
    let outputShape = try! outputShape([Array(x.shape.dropFirst())])
    let shape = shape(Array(x.shape.dropFirst()), outputShape)
    var finish = finish
    if let bias { finish.prependBias(bias) }
    return Tensor(shape: [x.shape[0]] + outputShape) { y in
      Tensor.withPointers(x, prepared.weight) { input, weight in
        finish { finish in
          shape.forward(
            input, weight, prepared.form, into: y.baseAddress!, images: x.shape[0], rectifying: rectifying,
            finish: finish)
        }
      }
    }
  }

  /// The adjoint at v, finished.
  func adjoint(_ v: Tensor, input: [Int], _ prepared: PreparedWeight, finish: TensorFinish) -> Tensor {
    let shape = shape(Array(input.dropFirst()), Array(v.shape.dropFirst()))
    return Tensor(shape: input) { dx in
      Tensor.withPointers(v, prepared.weight) { v, weight in
        finish { finish in
          shape.adjoint(v, weight, prepared.form, into: dx.baseAddress!, images: input[0], finish: finish)
        }
      }
    }
  }
}

extension MaxPool {
  /// The value at x, or at relu(x).
  func forward(_ x: Tensor, isRectified: Bool) -> Tensor {
    let output = [x.shape[0]] + (try! outputShape([Array(x.shape.dropFirst())]))
    return Tensor(shape: output) { y in
      x.withUnsafeBuffer {
        shape(x.shape, output).forward(
          $0.baseAddress!, into: y.baseAddress!, planes: x.shape[0] * x.shape[1], rectifying: isRectified)
      }
    }
  }

  /// The adjoint at x, or at relu(x), finished.
  func adjoint(
    _ adjoints: [MaxPoolShape.Adjoint], _ v: Tensor, at x: Tensor, isRectified: Bool, finish: TensorFinish
  ) -> Tensor {
    Tensor(shape: x.shape) { dx in
      Tensor.withPointers(v, x) { cotangent, values in
        finish { finish in
          shape(x.shape, v.shape).adjoint(
            adjoints, cotangent, values, into: dx.baseAddress!, images: x.shape[0], channels: x.shape[1],
            rectifying: isRectified, finish: finish)
        }
      }
    }
  }
}
