import Execution
import Pullbacks
import TestKit
import Testing

/// Descriptions and rules that nobody would write on purpose.
@Suite(.serialized) struct HostileGraphTests {
  /// A convolution and its batch norm stand around a larger map of another branch, and around the convolution at which
  /// the batch goes on together.
  @Test func layersOfAChainFarApart() throws {
    let graph = try Graph("branches", input: [2, 16, 16]) { x in
      let first = x.convolution("first", 2, kernel: 3, stride: 2, padding: 1)
      let large = x.convolution("large", 2, kernel: 3, padding: 1).relu("large_relu").maxPool("pool", kernel: 2)
      let other = large.convolution("other", 2, kernel: 3, padding: 1)
      return first.batchNorm("norm").relu("relu").adding(other, "sum").flatten().linear("fc", 2)
    }
    let network = try Formula.network(graph)
    let (x, v) = (Formula.image("images", [3, 2, 16, 16]), Formula.image("cotangent", [3, 2]))
    let results = try [network.run(by: .plain), network.run(by: .fused)].map {
      let (value, pullback) = try $0.valueWithPullback(at: x, rules: .softPullback())
      return (value, try pullback(v))
    }
    #expect(identicalBits(results[0].0, results[1].0) && identicalBits(results[0].1, results[1].1))
  }
}
