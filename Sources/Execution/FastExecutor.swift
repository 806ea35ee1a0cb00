import Kernels
import Pullbacks

/// The fast executor: layers that follow a convolution are computed while its values are in cache, ReLUs that only
/// other layers read are never written, each image runs on a thread of its own, and 3x3 convolutions may run by
/// Winograd's transform.
///
/// Without the transform, values and cotangents have the bits of `PlainExecutor`'s; with it they agree up to rounding.
public struct FastExecutor: Executor {
  /// Whether 3x3 convolutions over larger maps run by Winograd's F(2x2, 3x3): fewer multiplications, and rounding
  /// errors of the same size.
  public var transformsWeights: Bool

  /// - Parameter transformsWeights: whether 3x3 convolutions over larger maps run by Winograd's F(2x2, 3x3).
  public init(transformsWeights: Bool = true) { self.transformsWeights = transformsWeights }

  public func prepare(_ graph: Graph, _ parameters: [[Tensor]]) -> any PreparedNetwork {
    FastNetwork(graph: graph, parameters: parameters, transformsWeights: transformsWeights)
  }
}

extension Executor where Self == FastExecutor {
  /// Fused layers and transformed weights.
  public static var fast: FastExecutor { FastExecutor() }
  /// Fused layers without transformed weights, which have the bits of layers one by one.
  public static var fused: FastExecutor { FastExecutor(transformsWeights: false) }
}

extension Network {
  /// A network that is run by ``FastExecutor``.
  ///
  /// - Parameters:
  ///   - graph: the network's structure.
  ///   - parameters: a tensor for every name in `Graph.parameters`; others are ignored.
  /// - Throws: `PullbackError` naming the parameters that are missing, or the first of another shape.
  public init(_ graph: Graph, parameters: [String: Tensor]) throws(PullbackError) {
    try self.init(graph, parameters: parameters, executor: .fast)
  }
}

/// A network with constants that are computed from its parameters once, when a pass first needs them: batch norms as
/// maps `scale x + shift`, and weights in the form that their convolution runs fastest on.
final class FastNetwork: PreparedNetwork {
  let graph: Graph
  let parameters: [[Tensor]]
  let consumers: [[Int]]
  private let firstOfSmallMaps: Int
  private let transformsWeights: Bool
  private let norms = Locked<[Int: BatchNorm.AffineMap]>([:])
  private let weights = Locked<[Int: PreparedWeight]>([:])

  init(graph: Graph, parameters: [[Tensor]], transformsWeights: Bool) {
    self.graph = graph
    self.parameters = parameters
    self.transformsWeights = transformsWeights
    consumers = graph.consumers
    firstOfSmallMaps = graph.firstOfSmallMaps(consumers)
  }

  /// The constants of the batch norm at node `index`.
  func norm(_ index: Int) -> BatchNorm.AffineMap {
    norms.withLock { known in
      if let found = known[index] { return found }
      let made = (graph.nodes[index].operation as! BatchNorm).affineMap(parameters[index])
      known[index] = made
      return made
    }
  }

  /// The weight of the convolution at node `index`.
  func preparedWeight(_ index: Int) -> PreparedWeight {
    weights.withLock { known in
      if let found = known[index] { return found }
      let made = (graph.nodes[index].operation as! Convolution).prepared(
        parameters[index][0], input: graph.nodes[graph.nodes[index].inputs[0]].shape, output: graph.nodes[index].shape,
        transforming: transformsWeights)
      known[index] = made
      return made
    }
  }

  /// The nodes before the first small maps run image by image, each on a thread of its own, the others for the whole
  /// batch.
  func record(_ inputs: [Tensor], keeping request: Request) -> any Recording {
    let images = inputs[0].shape[0]
    let cut = images > 1 && firstOfSmallMaps > inputs.count ? firstOfSmallMaps : 0
    let crossing = graph.crossing(cut)
    let pass = ForwardPass(self, Retention(graph, request), keepsSaved: !request.layouts.isEmpty, crossing: crossing)
    var record = PassRecord(of: pass, images: images)
    var parts: [PassRecord] = []
    if cut > 0 {
      var kept = pass.keeps
      for index in crossing { kept[index] = true }
      let partKeeps = kept
      parts = Parallel.mapWholes(images) { image in
        var record = PassRecord(of: pass, images: 1)
        for (index, input) in inputs.enumerated() { record.values[index] = input.image(image) }
        pass.run(0..<cut, in: &record)
        record.keepOnly(partKeeps)
        return record
      }
      for index in crossing { record.values[index] = graph.joined(index, parts) }
    } else {
      for (index, input) in inputs.enumerated() { record.values[index] = input }
    }
    pass.run(cut..<graph.nodes.count, in: &record)
    let outputs = graph.outputs.map {
      ($0.node, $0.node < cut ? graph.joined($0.node, parts)! : record.values[$0.node]!)
    }
    record.keepOnly(pass.keeps)
    return FastRecording(
      network: self, cut: cut, parts: parts, record: record,
      outputs: Dictionary(outputs, uniquingKeysWith: { first, _ in first }))
  }
}

/// A fast pass: values of the nodes before the cut image by image, and of the nodes after it for the whole batch.
struct FastRecording: Recording {
  let network: FastNetwork
  let cut: Int
  let parts: [PassRecord]
  let record: PassRecord
  let outputs: [Int: Tensor]

  func value(_ index: Int) -> Tensor? {
    if let output = outputs[index] { return output }
    return index < cut ? network.graph.joined(index, parts) : record.values[index]
  }

  func pull(_ cotangents: [Int: Tensor], by layout: RuleLayout, to stops: Set<Int>) -> [Int: Tensor] {
    let graph = network.graph
    let pass = BackwardPass(network, layout: layout, stops: stops)
    var crossing = Cotangents(cotangents, over: graph)
    var arrived = pass.run(cut..<graph.nodes.count, in: record, &crossing)
    guard cut > 0, pass.last < cut else { return arrived }
    let early = crossing
    let pulled = Parallel.mapWholes(parts.count) { image in
      var cotangents = early.map { $0.image(image) }
      return pass.run(0..<cut, in: parts[image], &cotangents)
    }
    for stop in stops where stop < cut && pulled[0][stop] != nil {
      arrived[stop] = Tensor(batching: pulled.map { $0[stop]! })
    }
    return arrived
  }
}

extension Graph {
  /// The first node from which on every value is a small map, or a vector of features per image: there layers have more
  /// weights than values, and are run for the whole batch, so that weights are read once. Never amid the layers of a
  /// ``Chain``.
  fileprivate func firstOfSmallMaps(_ consumers: [[Int]]) -> Int {
    func isSmall(_ node: Node) -> Bool {
      node.shape.count <= 1 || node.shape.count == 3 && node.shape[1] * node.shape[2] <= ConvolutionShape.smallMap
    }
    let features = (nodes.lastIndex { $0.shape.count > 1 } ?? 0) + 1
    let small = (nodes.lastIndex { !isSmall($0) } ?? 0) + 1
    // Layers of another branch may stand between those of a chain. Where nothing is kept, chains are longest.
    let chains = Chain.all(in: self, consumers: consumers, keeps: nodes.map { _ in false })
    var end = 0
    for (index, node) in nodes[..<features].enumerated() {
      if index >= small, end < index, node.operation is Convolution { return index }
      end = max(end, chains[index]?.last ?? 0)
    }
    return features
  }

  /// The nodes before `cut` whose values nodes from there on take.
  fileprivate func crossing(_ cut: Int) -> [Int] {
    (0..<cut).filter { index in
      outputs.contains { $0.node == index } || nodes[cut...].contains { $0.inputs.contains(index) }
    }
  }

  /// The value of a node that was run image by image; one that does not depend on the image is the same for all.
  fileprivate func joined(_ index: Int, _ parts: [PassRecord]) -> Tensor? {
    guard parts[0].values[index] != nil else { return nil }
    return nodes[index].isBatched ? Tensor(batching: parts.map { $0.values[index]! }) : parts[0].values[index]
  }
}
