import ExperimentKit
import Kernels

extension Measure {
  /// The machine's limits, the rates of sgemm and of reading memory, and the convolutions of each network beside sgemm
  /// on matrices of each layer's extents, measured layer by layer in turns. Operations are those of the sums written
  /// out, so that Winograd's transform may come out above 100 %; sgemm has nothing to unroll.
  func measureConvolutions(_ report: inout Report) throws {
    let workers = Double(threads == 0 ? report.cores : threads)
    report.add(
      .convolutions, "sgemm, 1024 x 1024 x 1024, all threads", matrixProductRate() * workers * 1e-9, "Gflop/s")
    report.add(.convolutions, "memory read once, all threads", memoryRate() * 1e-9, "GB/s")
    for model in models {
      for batch in batches {
        let layers = convolutionTimes(of: try Architecture.named(model).graph(), images: batch)
        let product = layers.reduce(0) { $0 + $1.product }
        report.add(.convolutions, "\(model), batch \(batch), sgemm of its convolutions", 1000 * product, "ms")
        for (direction, time) in [("forward", \ConvolutionTimes.forward), ("adjoint", \.adjoint)] {
          let total = layers.reduce(0) { $0 + $1[keyPath: time] }
          let name = "\(model), batch \(batch), convolutions \(direction)"
          report.add(.convolutions, name, 1000 * total, "ms")
          report.add(.convolutions, "\(name), of sgemm", 100 * product / total, "%")
        }
      }
    }
  }

  /// The least time of every convolution over `images` images, of its adjoint and of its product by sgemm, in turns;
  /// depthwise ones, whose loops are bound by memory, are left out.
  private func convolutionTimes(of graph: Graph, images: Int) -> [ConvolutionTimes] {
    graph.nodes.compactMap { node in
      guard let layer = node.operation as? Convolution, layer.groups == 1 else { return nil }
      let input = graph.nodes[node.inputs[0]].shape
      let shape = ConvolutionShape(
        inputs: input[0], outputs: layer.outputs, groups: 1,
        window: Window(
          input: (input[1], input[2]), output: (node.shape[1], node.shape[2]),
          kernel: (layer.kernel.height, layer.kernel.width), stride: (layer.stride.height, layer.stride.width),
          dilation: (layer.dilation.height, layer.dilation.width),
          paddingTopLeft: (layer.padding.top, layer.padding.left)))
      let depth = shape.weightCount(.natural) / layer.outputs
      let places = node.shape[1] * node.shape[2]
      let x = [Float](repeating: 0.5, count: images * max(input.reduce(1, *), node.shape.reduce(1, *)))
      let columns = [Float](repeating: 0.5, count: images * depth * places)
      let form = shape.bestForm(transforming: true)
      let weight = [Float](repeating: 0.01, count: max(shape.weightCount(form), shape.weightCount(.natural)))
      var result = x
      return result.withUnsafeMutableBufferPointer { result in
        let y = result.baseAddress!
        var times = ConvolutionTimes()
        for _ in 0..<4 {
          times.lower(
            \.forward,
            to: clock.least(within: 0.02, atLeast: 1) { shape.forward(x, weight, form, into: y, images: images) })
          times.lower(
            \.adjoint,
            to: clock.least(within: 0.02, atLeast: 1) { shape.adjoint(x, weight, form, into: y, images: images) })
          times.lower(
            \.product,
            to: clock.least(within: 0.02, atLeast: 1) {
              products(weight, columns, into: y, outputs: layer.outputs, depth: depth, places: places, images: images)
            })
        }
        return times
      }
    }
  }

  /// `y[n] = weight columns[n]`: each image of a batch on a thread of its own, one image in as many parts as there are
  /// threads.
  private func products(
    _ weight: UnsafePointer<Float>, _ columns: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, outputs: Int,
    depth: Int, places: Int, images: Int
  ) {
    let parts = split(places, into: images == 1 ? min(places, Parallel.most) : 1)
    Parallel.forEach(images * parts.count) { index in
      let (image, part) = (index / parts.count, parts[index % parts.count])
      matrixProduct(
        MatrixOperand(weight, stride: depth),
        MatrixOperand(columns + image * depth * places + part.lowerBound, stride: places),
        into: y + image * outputs * places + part.lowerBound, stride: places, m: outputs, n: part.count, k: depth)
    }
  }

  /// The best rate at which all threads together read what no cache holds, in bytes per second.
  private func memoryRate() -> Double {
    let values = [Float](repeating: 0.5, count: 1 << 27)
    return values.withUnsafeBytes { bytes in
      let time = clock.least(within: 1) {
        Parallel.forEachBlock(of: bytes.count, size: 1 << 22) { block in
          var sum = SIMD16<Float>()
          for offset in stride(from: block.lowerBound, to: block.upperBound, by: 64) {
            sum += bytes.load(fromByteOffset: offset, as: SIMD16<Float>.self)
          }
          precondition(sum.sum() > 0)
        }
      }
      return Double(bytes.count) / time
    }
  }

  /// The best rate of a square product on one thread, in operations per second; a multiply-add counts as two.
  private func matrixProductRate(extent: Int = 1024) -> Double {
    let a = [Float](repeating: 0.5, count: extent * extent)
    var c = a
    let time = c.withUnsafeMutableBufferPointer { c in
      Stopwatch.cpu.least(within: 0.5) {
        matrixProduct(
          MatrixOperand(a, stride: extent), MatrixOperand(a, stride: extent), into: c.baseAddress!, stride: extent,
          m: extent, n: extent, k: extent)
      }
    }
    return 2 * Double(extent * extent) * Double(extent) / time
  }
}

/// The least times of one convolution, of its adjoint and of the product that it is, in seconds.
private struct ConvolutionTimes {
  var forward = Double.infinity
  var adjoint = Double.infinity
  var product = Double.infinity

  mutating func lower(_ time: WritableKeyPath<Self, Double>, to seconds: Double) {
    self[keyPath: time] = min(self[keyPath: time], seconds)
  }
}
