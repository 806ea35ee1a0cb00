import Kernels
import Pullbacks
import TestKit
import Testing

/// The same bits whatever the rules, the batch, the threads, and what memory held before.
@Suite(.serialized) struct DeterminismTests {
  private func expectIdentical(_ a: [Tensor], _ b: [Tensor], _ what: String) {
    #expect(a.count == b.count)
    for (index, pair) in zip(a, b).enumerated() { #expect(identicalBits(pair.0, pair.1), "\(what), result \(index)") }
  }

  private func reference(_ count: Int = 3) throws -> (Network, Tensor, Tensor, [Tensor]) {
    let network = try MixedNetwork.network()
    let (x, v) = (MixedNetwork.images(count), MixedNetwork.cotangent(count))
    return (network, x, v, try MixedNetwork.results(network, x, v))
  }

  /// Results that could not differ would agree as well.
  @Test func resultsAreOfSomeSize() throws {
    let results = try reference().3
    for (index, result) in results.enumerated() {
      #expect(result.scalars.allSatisfy { $0.isFinite } && result.imageNorms.allSatisfy { $0 > 1e-3 })
      for other in results[..<index] { #expect(!identicalBits(result, other)) }
    }
  }

  @Test func valueDependsOnNoRule() throws {
    let (network, x, v, results) = try reference()
    #expect(identicalBits(try network(x), results[0]))
    #expect(identicalBits(try network.trainingTrace(at: x, mode: .evaluation).value, results[0]))
    for (rules, expected) in zip(MixedNetwork.ruleSets, results.dropFirst()) {
      let (value, pullback) = try network.valueWithPullback(at: x, rules: rules)
      #expect(identicalBits(value, results[0]))
      let pulled = try pullback(v)
      #expect(identicalBits(pulled, expected), "\(rules.name) alone and beside others")
    }
  }

  @Test func batchIsItsImages() throws {
    let (network, x, v, results) = try reference(5)
    let singles = try (0..<5).map { try MixedNetwork.results(network, x.image($0), v.image($0)) }
    expectIdentical(results, results.indices.map { index in Tensor(batching: singles.map { $0[index] }) }, "batch")
  }

  @Test func threadsDoNotMatter() throws {
    defer { Parallel.threads = 0 }
    let (network, x, v, results) = try reference()
    let training = try network.trainingTrace(at: x).parameterGradients(v)
    for threads in [1, 2, 3, 7, 0] {
      Parallel.threads = threads
      expectIdentical(try MixedNetwork.results(network, x, v), results, "\(threads) threads")
      for (name, gradient) in try network.trainingTrace(at: x).parameterGradients(v) {
        #expect(identicalBits(gradient, try #require(training[name])), "\(threads) threads, \(name)")
      }
    }
  }

  @Test func threadsAreNeverNegative() {
    defer { Parallel.threads = 0 }
    Parallel.threads = -3
    #expect(Parallel.threads == 0)
  }

  @Test func concurrentExplanations() async throws {
    let (network, x, v, results) = try reference()
    try await withThrowingTaskGroup(of: [Tensor].self) { group in
      for _ in 0..<6 { group.addTask { try MixedNetwork.results(network, x, v) } }
      for try await found in group { expectIdentical(found, results, "concurrent") }
    }
  }

  /// One trace pulled back from several threads at once.
  @Test func concurrentPullbacks() async throws {
    let (network, x, v, results) = try reference()
    let trace = try network.trace(at: x, rules: MixedNetwork.ruleSets)
    try await withThrowingTaskGroup(of: (Int, Tensor).self) { group in
      for index in 0..<8 {
        let rules = MixedNetwork.ruleSets[index % 4]
        group.addTask { (index % 4, try trace.pullback(v, by: rules)) }
      }
      for try await (index, found) in group { #expect(identicalBits(found, results[index + 1])) }
    }
  }

  /// Memory comes back from a pool with old contents: nothing may read what it has not written.
  @Test func recycledMemoryDoesNotShow() throws {
    let (network, x, v, results) = try reference()
    let training = try network.trainingTrace(at: x).parameterGradients(v)
    for threads in [1, 0] {
      Parallel.threads = threads
      defer { Parallel.threads = 0 }
      for _ in 0..<2 {
        poisonIdleMemory()
        expectIdentical(try MixedNetwork.results(network, x, v), results, "after NaN")
        poisonIdleMemory()
        for (name, gradient) in try network.trainingTrace(at: x).parameterGradients(v) {
          #expect(identicalBits(gradient, try #require(training[name])), "after NaN, \(name)")
        }
      }
    }
  }

  /// Leaves buffers full of NaN in the pool, several of every capacity that the network asks for.
  private func poisonIdleMemory() {
    var poison: [Tensor] = []
    var count = 64
    while count < 1 << 18 {
      for _ in 0..<8 { poison.append(Tensor(shape: [count], repeating: .nan)) }
      count += max(16, 1 << (Int.bitWidth - 1 - count.leadingZeroBitCount - 2))
    }
  }
}
