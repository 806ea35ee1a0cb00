import Foundation
import Pullbacks
import TestKit
import Testing

/// The methods by which operations are added to a graph: which operation, with which of their arguments where.
@Suite struct SignalTests {
  /// A network of one layer over `(2, 5)` or another shape, and the last node.
  private func layer(
    _ shape: [Int] = [2, 5], _ body: (Signal) -> Signal
  ) throws -> (network: Network, node: Graph.Node) {
    let graph = try Graph("one layer", input: shape, body)
    return (try Formula.network(graph), graph.nodes[graph.output])
  }

  private func values(_ x: [Float], _ body: (Signal) -> Signal) throws -> [Float] {
    try layer([x.count], body).network(Tensor(shape: [1, x.count], x)).scalars
  }

  @Test func gates() throws {
    #expect(try layer { $0.hardSwish("a") }.node.operation is HardSwish)
    #expect(try layer { $0.hardSigmoid("a") }.node.operation is HardSigmoid)
  }

  @Test func windowsAlongSequences() throws {
    let up = try layer {
      $0.transposedConvolution1D("up", 4, kernel: 3, stride: 2, padding: 1, outputPadding: 1, groups: 2, bias: false)
    }.node
    #expect(up.shape == [4, 10] && up.parameters == [ParameterDescription("weight", [2, 2, 3])])
    #expect(up.operation.settings == "4 of 3, stride 2, padding 1, output padding 1, 2 groups")
    // The first window holds the zero of the padding and the first value.
    for (countsZeros, first) in [(true, 1.5), (false, 3)] as [(Bool, Float)] {
      let means = try values([3, 6, 9]) { x in
        x.reshaped([1, 3]).averagePool1D(
          kernel: 2, padding: Padding(before: 1, after: 0), countIncludePad: countsZeros)
      }
      #expect(means == [first, 7.5])
    }
  }

  @Test func meansOfVolumes() throws {
    let pool = try layer([1, 2, 3, 4]) { $0.averagePool3D("pool", SlidingWindow([2, 3, 2], stride: [2, 3, 2])) }
    #expect(pool.node.shape == [1, 1, 1, 2])
    let x = Tensor(shape: [1, 1, 2, 3, 4], (0..<24).map(Float.init))
    #expect(try pool.network(x).scalars == [10.5, 12.5])
  }

  /// Instance norm is group norm with a group for each channel.
  @Test func normalisations() throws {
    let x = Formula.image("x", [3, 4, 6])
    let instance = try layer([4, 6]) { $0.instanceNorm("norm", epsilon: 1e-3) }
    let group = try layer([4, 6]) { $0.groupNorm("norm", groups: 4, epsilon: 1e-3) }
    #expect(instance.node.operation.kind == "instancenorm")
    #expect(identicalBits(try instance.network(x), try group.network(x)))
    let logarithm = try layer([4, 6]) { $0.logSoftmax(axis: 0) }.network(x)
    let weights = try layer([4, 6]) { $0.softmax(axis: 0) }.network(x)
    expectClose(logarithm.mapped { exp($0) }, weights, within: 1e-6)
  }

  @Test func placesAlongAxes() throws {
    #expect(try values([1, 2, 3]) { $0.padded([1], [2], value: 7) } == [7, 1, 2, 3, 7, 7])
    #expect(try values([1, 2, 3]) { $0.padded([2], [-1], mode: .edge) } == [1, 1, 1, 2])
    #expect(try values([1, 2, 3, 4, 5]) { $0.sliced(axis: 0, from: -1, to: -6, by: -2) } == [5, 3, 1])
    #expect(try values([1, 2, 3]) { $0.cumulativeSum(axis: 0) } == [1, 3, 6])
    #expect(try values([1, 2, 3]) { $0.cumulativeSum(axis: 0, exclusive: true, reverse: true) } == [5, 3, 0])
    let parts = try values([1, 2, 3]) { x in
      let parts = x.split(axis: 0, into: [1, 2])
      return .concatenate([parts[1], parts[0]])
    }
    #expect(parts == [2, 3, 1])
  }

  @Test func functionsOfTwoSignals() throws {
    let expected: [(BinaryOperation, [Float])] = [
      (.subtract, [2, -1]), (.divide, [3, 0.5]), (.power, [3, 1]), (.maximum, [3, 2]), (.minimum, [1, 1]),
      (.remainder, [0, 1]),
    ]
    for (operation, result) in expected {
      let found = try values([3, 1, 1, 2]) { x in
        x.slice(axis: 0, 0..<2).combined(operation, with: x.slice(axis: 0, 2..<4))
      }
      #expect(found == result, "\(operation)")
    }
    #expect(expected.count == BinaryOperation.allCases.count)
  }
}
