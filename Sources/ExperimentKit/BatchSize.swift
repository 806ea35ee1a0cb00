import Pullbacks

extension Graph {
  /// The memory that activations may take unless somebody says otherwise, in bytes.
  public static let memoryForActivations = 1 << 29

  /// How many images go through the network at once, 1 to 64: the activations of each may all be kept, with as much
  /// again for cotangents.
  ///
  /// - Parameter bytes: that activations may take.
  public func batchSize(within bytes: Int = Graph.memoryForActivations) -> Int {
    min(64, max(1, bytes / (2 * 4 * activationCount)))
  }
}
