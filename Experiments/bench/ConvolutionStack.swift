import ExperimentKit
import Kernels

/// The convolutions of a network one by one: operations (a multiply-add counts as two), and the best time of the forward map
/// and of its adjoint in seconds.
struct ConvolutionTimes {
  let name: String
  let operations: Double
  var forward = Double.infinity
  var adjoint = Double.infinity
}

/// Every convolution of a network over `images` images that are not depthwise, whose loops are bound by memory.
func measureConvolutions(of graph: Graph, images: Int, repeats: Int = 7) -> [ConvolutionTimes] {
  graph.nodes.compactMap { node in
    guard let layer = node.operation as? Convolution, layer.groups == 1 else { return nil }
    let input = graph.nodes[node.inputs[0]].shape
    let shape = ConvolutionShape(
      inputs: input[0], outputs: layer.outputs, groups: 1,
      window: Window(
        input: (input[1], input[2]), output: (node.shape[1], node.shape[2]),
        kernel: (layer.kernel.height, layer.kernel.width), stride: (layer.stride.height, layer.stride.width),
        dilation: (layer.dilation.height, layer.dilation.width), paddingTopLeft: (layer.padding.top, layer.padding.left)))
    let (x, y) = (Tensor(shape: [images] + input, repeating: 0.5), Tensor(shape: [images] + node.shape, repeating: 0.5))
    let weight = Tensor(shape: node.parameters[0].shape, repeating: 0.01)
    var times = ConvolutionTimes(
      name: node.name,
      operations: 2 * Double(images) * Double(weight.count) * Double(node.shape[1] * node.shape[2]))
    var result = Tensor(shape: [max(x.count, y.count)])
    x.withUnsafeBuffer { x in
      y.withUnsafeBuffer { y in
        weight.withUnsafeBuffer { w in
          result.withUnsafeMutableBuffer { result in
            for _ in 0..<repeats {
              times.forward = min(
                times.forward,
                seconds { shape.forward(x.baseAddress!, w.baseAddress!, into: result.baseAddress!, images: images) })
              times.adjoint = min(
                times.adjoint,
                seconds { shape.adjoint(y.baseAddress!, w.baseAddress!, into: result.baseAddress!, images: images) })
            }
          }
        }
      }
    }
    return times
  }
}

/// The best rate of a square product on one thread, in operations per second.
func matrixProductRate(extent: Int = 1024, repeats: Int = 20) -> Double {
  let a = [Float](repeating: 0.5, count: extent * extent)
  var c = a
  var best = Double.infinity
  for _ in 0..<repeats {
    best = min(
      best,
      seconds {
        c.withUnsafeMutableBufferPointer { c in
          matrixProduct(
            MatrixOperand(a, stride: extent), MatrixOperand(a, stride: extent), into: c.baseAddress!, stride: extent,
            m: extent, n: extent, k: extent)
        }
      })
  }
  return 2 * Double(extent * extent) * Double(extent) / best
}

func seconds(_ body: () throws -> Void) rethrows -> Double {
  let start = ContinuousClock.now
  try body()
  return (ContinuousClock.now - start) / .seconds(1)
}
