import Networks
import Pullbacks
import TestKit

/// A network of Tests/Oracles/lrp.py, its pictures, and zennit's relevance of them by each composite.
struct RelevanceNetwork {
  let name: String
  let network: Network
  let images: Tensor
  let targets: [Int]
  private let kept: Int

  static let names = RelevanceFixture.json("networks").map { $0["name"] as! String }

  init(_ name: String) throws {
    let json = RelevanceFixture.json("networks").first { $0["name"] as? String == name }!
    let shape = json["input"] as! [Int]
    let graph: Graph
    if let nodes = json["nodes"] as? [[String: Any]] {
      graph = try Self.graph(name, shape, nodes)
    } else {
      graph = try Architecture.named(name).graph(resolution: shape[1])
    }
    self.name = name
    network = try Formula.network(graph)
    images = Tensor(batching: (json["images"] as! [Int]).map { Formula.image("image\($0)", [1] + shape) })
    targets = json["targets"] as! [Int]
    kept = json["kept"] as! Int
  }

  private static func graph(_ name: String, _ shape: [Int], _ nodes: [[String: Any]]) throws -> Graph {
    try Graph(name, input: shape) { image in
      var signals = ["input": image.apply(ChannelAffine.imageNet, "normalise")]
      for node in nodes {
        let operation = makeOperation(node["kind"] as! String, node["config"] as! [String: Any])!
        let inputs = (node["inputs"] as! [String]).map { signals[$0]! }
        let name = node["name"] as! String
        signals[name] =
          inputs.count == 1 ? inputs[0].apply(operation, name) : inputs[0].apply(operation, name, with: inputs[1])
      }
      return signals[nodes.last!["name"] as! String]!
    }
  }

  var isLarge: Bool { kept > 1 }

  var logits: Tensor { RelevanceFixture.tensor("\(name)/logits") }

  /// What zennit computed with batch norms folded exactly, of the values that are kept.
  func expected(_ composite: String) -> Tensor {
    let key = "\(name)/\(composite)"
    return RelevanceFixture.tensor(RelevanceFixture.has("\(key).folded") ? "\(key).folded" : key)
  }

  /// The values of a map that the fixture keeps.
  func sample(_ map: Tensor) -> Tensor {
    guard kept > 1 else { return map }
    let values = map.scalars
    let sampled = stride(from: 0, to: values.count, by: kept).map { values[$0] }
    return Tensor(shape: [sampled.count], sampled)
  }
}
