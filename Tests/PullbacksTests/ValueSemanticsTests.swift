import Pullbacks
import TestKit
import Testing

/// Tensors are values, and explaining changes none of them.
@Suite struct ValueSemanticsTests {
  @Test func inputsAndCotangentsAreNotModified() throws {
    let network = try MixedNetwork.network()
    let (x, v) = (MixedNetwork.images(2), MixedNetwork.cotangent(2))
    let before = (x.scalars, v.scalars, network.parameters.mapValues(\.scalars))
    let trace = try network.trace(at: x, rules: MixedNetwork.ruleSets)
    let value = trace.value.scalars
    for rules in MixedNetwork.ruleSets {
      let first = try trace.pullback(v, by: rules)
      #expect(identicalBits(first, try trace.pullback(v, by: rules)))
    }
    _ = try network.trainingTrace(at: x).parameterGradients(v)
    #expect(x.scalars == before.0 && v.scalars == before.1 && trace.value.scalars == value)
    #expect(network.parameters.mapValues(\.scalars) == before.2)
  }

  /// Where cotangents are handed on unchanged and added to, the caller's is not the one that grows.
  @Test func sharedCotangentsAreNotAddedTo() throws {
    let graph = try Graph("twice", input: [3]) { x in x.adding(x, "first").adding(x.dropout(), "second") }
    let network = try Network(graph, parameters: [:])
    let v = Tensor(shape: [1, 3], [1, 2, 3])
    let (value, pullback) = try network.valueWithPullback(at: v)
    #expect(value.scalars == [3, 6, 9])
    #expect(try pullback(v).scalars == [3, 6, 9])
    #expect(v.scalars == [1, 2, 3])
  }

  @Test func copiesPartOnWriting() {
    let a = Tensor(shape: [2, 2], [1, 2, 3, 4])
    var b = a
    var c = a.reshaped([4])
    b[1, 0] = 7
    c[3] = 9
    #expect(a.scalars == [1, 2, 3, 4] && b.scalars == [1, 2, 7, 4] && c.scalars == [1, 2, 3, 9])
    b += b
    #expect(b.scalars == [2, 4, 14, 8])
    c.withUnsafeMutableBuffer { $0[0] = 5 }
    #expect(a.scalars == [1, 2, 3, 4] && c.scalars == [5, 2, 3, 9])
  }

  private final class Owner {
    let memory = UnsafeMutablePointer<Float>.allocate(capacity: 4)
    let onRelease: () -> Void
    init(_ onRelease: @escaping () -> Void) {
      memory.initialize(repeating: 1, count: 4)
      self.onRelease = onRelease
    }
    deinit {
      memory.deallocate()
      onRelease()
    }
  }

  /// Borrowed memory is read in place, never written to, and kept alive exactly as long as a tensor reads it.
  @Test func borrowedMemory() {
    var isReleased = false
    var owner: Owner? = Owner { isReleased = true }
    let memory = owner!.memory
    var tensor: Tensor? = Tensor(shape: [4], borrowing: memory, owner: owner!)
    owner = nil
    #expect(!isReleased)
    tensor!.withUnsafeBuffer { #expect($0.baseAddress == UnsafePointer(memory)) }
    var copy = tensor!
    copy[2] = 8
    #expect(memory[2] == 1 && tensor!.scalars == [1, 1, 1, 1] && copy.scalars == [1, 1, 8, 1])
    // The only reference to borrowed memory is still no licence to write to it.
    var moved = tensor!
    tensor = nil
    moved[0] = 6
    #expect(moved.scalars == [6, 1, 1, 1] && isReleased)
    copy[3] = 4
    #expect(copy.scalars == [1, 1, 8, 4])
  }

  @Test func batches() {
    let x = Formula.image("x", [3, 2, 2])
    #expect(Tensor(batching: [x.image(0), x.images(1..<3)]) == x)
    #expect(x.image(1).shape == [1, 2, 2] && x.image(1).scalars == Array(x.scalars[4..<8]))
    #expect(x.images(0..<0).shape == [0, 2, 2])
    let norms = Tensor(shape: [2, 2], [3, 4, 0, -2]).imageNorms
    #expect(norms == [5, 2])
    let scalar = Tensor(shape: [], [5])
    #expect(scalar.count == 1 && scalar[] == 5)
  }

  @Test func equality() {
    #expect(Tensor(shape: [2], [0, 1]) == Tensor(shape: [2], [-0.0, 1]))
    #expect(Tensor(shape: [2], [0, 1]) != Tensor(shape: [1, 2], [0, 1]))
    #expect(Tensor(shape: [1], [.nan]) != Tensor(shape: [1], [.nan]))
  }
}
