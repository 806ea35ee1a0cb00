import Foundation
import Pullbacks
import TestKit

/// A slow, independent implementation of every operation and rule: one image, Double, plain loops over indices.
///
/// It shares no formula with the kernels: those pull cotangents back, the twin pushes tangents forward, and the two are
/// adjoint. Only output extents are asked of the operations; PyTorch's fixtures check those.
struct DoubleTwin {
  let operation: any Pullbacks.Operation
  let parameters: [Grid]
  /// Which inputs are integers, along which nothing is differentiated.
  var integers: Set<Int> = []

  static func exp(_ x: Double) -> Double { Foundation.exp(x) }

  /// The standard normal distribution function.
  static func phi(_ z: Double) -> Double { erfc(-z / 2.0.squareRoot()) / 2 }

  static func logistic(_ z: Double) -> Double { 1 / (1 + exp(-z)) }

  func value(_ x: [Grid]) -> Grid {
    switch operation {
    case let operation as Convolution: convolve(operation, x[0])
    case let operation as VolumeConvolution:
      convolution(Windows(operation.window), operation.groups, operation.hasBias, x[0])
    case let operation as TransposedConvolution: transposedConvolution(operation, x[0])
    case let operation as TransposedVolumeConvolution:
      transposedConvolution(Windows(operation.window), operation.groups, operation.hasBias, x[0])
    case let operation as GridSample: sample(operation, x[0], x[1])
    case let operation as TopK: topValues(operation, x[0], of: x[0])
    case is Linear: linear(x[0])
    case let operation as BatchNorm: batchNorm(operation, x[0])
    case let operation as ChannelAffine:
      Grid(x[0].shape) { Double(operation.scale[$0[0]]) * x[0][$0] + Double(operation.shift[$0[0]]) }
    case let operation as MaxPool: maxPool(Windows(operation), x[0])
    case let operation as VolumeMaxPool: maxPool(Windows(operation.window), x[0])
    case let operation as AveragePool: averagePool(operation, x[0])
    case let operation as VolumeAveragePool: averagePool(operation, x[0])
    case is Add: combined(x) { $0.sum }
    case is Multiply: combined(x) { $0[0] * $0[1] }
    case let operation as BinaryOperation: combined(x) { combine(operation, $0[0], $0[1]) }
    case let operation as Expand: Grid(operation.shape) { x[0].broadcast($0) }
    case let operation as MatrixMultiply: matrixMultiply(operation, x[0], x[1])
    case let operation as Concatenate: concatenate(operation, x)
    case let operation as Reshape: Grid(operation.shape, x[0].values)
    case let operation as Transpose: transpose(operation, x[0])
    case let operation as Slice: slice(operation, x[0])
    case let operation as Pad: pad(operation, x[0])
    case let operation as Resize: resize(operation, x[0])
    case let operation as Gather: gather(operation, x[0], x[1])
    case is Where: combined(x) { $0[0] != 0 ? $0[1] : $0[2] }
    case let operation as CumulativeSum: cumulativeSum(operation, x[0])
    case let operation as Reduce: reduce(operation, x[0])
    case let operation as RotaryEmbedding: rotate(operation, x[0])
    case is Identity: x[0]
    case is any Gate, is Sigmoid: Grid(x[0].shape, x[0].values.map { activate($0) })
    case let operation as Softmax: softmax(operation.axis, x[0])
    case let operation as LogSoftmax: logSoftmax(operation.axis, x[0])
    case let operation as LayerNorm: layerNorm(operation, x[0])
    case let operation as GroupNorm: groupNorm(operation, x[0])
    case let operation as RMSNorm: rmsNorm(operation, x[0])
    case let operation as ScaledDotProductAttention: attention(operation, x)
    default: preconditionFailure("no twin of \(operation.kind)")
    }
  }

  /// `J dx`, J the linear map that `rule` puts in place of the operation at x.
  func push(_ dx: [Grid], at x: [Grid], by rule: any Rule) -> Grid {
    switch (operation, rule) {
    case (_, is Routing): Grid(zeros: extents(x))
    case (is any Gate, let rule as SoftGate): gate(rule, dx[0], at: x[0])
    case (is ReLU, let rule as LogisticGate): gate(rule, dx[0], at: x[0])
    case (is any Gate, _), (is Sigmoid, _):
      Grid(x[0].shape, zip(x[0].values, dx[0].values).map { slope($0) * $1 })
    case (let operation as BinaryOperation, _): pushBinary(operation, dx, at: x)
    case (let operation as MaxPool, _): pushMaxPool(Windows(operation), dx[0], at: x[0], rule as? SoftMaxPool)
    case (let operation as VolumeMaxPool, _):
      pushMaxPool(Windows(operation.window), dx[0], at: x[0], rule as? SoftMaxPool)
    case (let operation as Reduce, _): pushReduce(operation, dx[0], at: x[0])
    case (let operation as LayerNorm, _):
      pushLayerNorm(operation, dx[0], at: x[0], isFrozen: rule is FrozenStatistics)
    case (let operation as GroupNorm, _):
      pushGroupNorm(operation, dx[0], at: x[0], isFrozen: rule is FrozenStatistics)
    case (is RMSNorm, _): pushRMSNorm(dx[0], at: x[0], isFrozen: rule is FrozenStatistics)
    case (let operation as Softmax, _): pushSoftmax(operation.axis, dx[0], at: x[0])
    case (let operation as LogSoftmax, _): pushLogSoftmax(operation.axis, dx[0], at: x[0])
    case (let operation as ScaledDotProductAttention, let rule as FrozenAttention):
      attention(operation, [x[0], x[1], dx[2]] + x.dropFirst(3), sharpness: 1 / Double(rule.temperature))
    case (let operation as ScaledDotProductAttention, _):
      pushAttention(operation, dx, at: x, temperature: Double((rule as? ReleasedAttention)?.temperature ?? 1))
    case (let operation as TopK, _): topValues(operation, dx[0], of: x[0])
    case (let operation as GridSample, _):
      sample(operation, dx[0], x[1]) + sample(operation, x[0], x[1], moving: dx[1])
    case (is Multiply, _), (is MatrixMultiply, _): value([dx[0], x[1]]) + value([x[0], dx[1]])
    default:  // an affine map without its shift, integers as they are
      value(x.indices.map { integers.contains($0) ? x[$0] : dx[$0] })
        - value(x.indices.map { integers.contains($0) ? x[$0] : Grid(zeros: x[$0].shape) })
    }
  }

  /// The matrix of ``push(_:at:by:)``, column by column: one column per value of the inputs, one behind the other.
  func matrix(at x: [Grid], by rule: any Rule) -> [[Double]] {
    unitTangents(x).map { push($0, at: x, by: rule).values }
  }

  /// The columns of the derivative of ``value(_:)`` by central differences.
  func finiteDifferences(at x: [Grid], step: Double = 1e-4) -> [[Double]] {
    unitTangents(x).map { unit in
      let forward = value(zip(x, unit).map { $0 + step * $1 })
      let backward = value(zip(x, unit).map { $0 - step * $1 })
      return ((0.5 / step) * (forward - backward)).values
    }
  }

  private func unitTangents(_ x: [Grid]) -> [[Grid]] {
    x.indices.filter { !integers.contains($0) }.flatMap { input in
      x[input].values.indices.map { place in
        var tangents = x.map { Grid(zeros: $0.shape) }
        tangents[input].values[place] = 1
        return tangents
      }
    }
  }

  /// The output's extents.
  func extents(_ x: [Grid]) -> [Int] { try! operation.outputShape(x.map(\.shape)) }
}
