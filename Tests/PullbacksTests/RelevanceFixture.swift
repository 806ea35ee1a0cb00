import Foundation
import Pullbacks
import TestKit
import Testing

/// A layer and a rule of Tests/Oracles/lrp.py, and what zennit computed for them.
struct RelevanceCase: Sendable, CustomTestStringConvertible {
  let name: String
  let rule: any Rule
  let operation: any Pullbacks.Operation
  let inputs: [Tensor]
  private let parameterNames: [String]

  var testDescription: String { name }

  static let all = RelevanceFixture.json("rules").map { RelevanceCase($0) }

  private init(_ json: [String: Any]) {
    name = json["name"] as! String
    let settings = json["settings"] as! [String: Any]
    let epsilon = Float((settings["epsilon"] ?? settings["stabilizer"]) as? Double ?? 0)
    func bound(_ name: String) -> [Float] { (settings[name] as! [Double]).map(Float.init) }
    switch json["rule"] as! String {
    case "Epsilon": rule = RelevanceRule.epsilon(epsilon)
    case "ZPlus": rule = RelevanceRule.zPlus(epsilon: epsilon)
    case "AlphaBeta":
      let (alpha, beta) = (settings["alpha"] as! Double, settings["beta"] as! Double)
      rule = RelevanceRule.alphaBeta(alpha: Float(alpha), beta: Float(beta), epsilon: epsilon)
    case "Gamma": rule = RelevanceRule.gamma(Float(settings["gamma"] as! Double), epsilon: epsilon)
    case "ZBox": rule = RelevanceRule.box(low: bound("low"), high: bound("high"), epsilon: epsilon)
    case "WSquare": rule = RelevanceRule.wSquare(epsilon: epsilon)
    case "Flat": rule = RelevanceRule.flat(epsilon: epsilon)
    case "Norm": rule = RelevanceRule.norm(epsilon: epsilon)
    default: rule = PassThrough()
    }
    operation = makeOperation(json["kind"] as! String, json["config"] as! [String: Any])!
    inputs = (0..<(json["inputs"] as! Int)).map { [name] in RelevanceFixture.tensor("\(name)/input\($0)") }
    parameterNames = json["parameters"] as! [String]
  }

  /// A network of this layer alone: each input is an input.
  func network() throws -> Network {
    let descriptions = inputs.enumerated().map {
      Graph.InputDescription("input\($0.offset)", Array($0.element.shape.dropFirst()))
    }
    let graph = try Graph(name, inputs: descriptions) { signals in
      switch signals.count {
      case 1: [("output", signals[0].apply(operation, "op"))]
      case 2: [("output", signals[0].apply(operation, "op", with: signals[1]))]
      default: [("output", signals[0].apply(operation, "op", with: signals[1], signals[2]))]
      }
    }
    let parameters = parameterNames.map { ("op.\($0)", RelevanceFixture.tensor("\(name)/parameter.\($0)")) }
    return try Network(graph, parameters: Dictionary(uniqueKeysWithValues: parameters))
  }

  /// The relevance at each input by a rule, of a network of this layer alone.
  func relevance(by rule: any Rule, _ network: Network) throws -> [Tensor] {
    let rules = RuleSet("one rule", [(.any, rule)])
    let names = network.graph.inputs.map(\.name)
    let trace = try network.trace(at: Dictionary(uniqueKeysWithValues: zip(names, inputs)), rules: [rules])
    let pulled = try trace.pullbacks(RelevanceFixture.tensor("\(name)/outputRelevance"), by: rules, to: names)
    return names.map { pulled[$0]! }
  }

  var expected: [Tensor] { inputs.indices.map { RelevanceFixture.tensor("\(name)/inputRelevance\($0)") } }
}

enum RelevanceFixture {
  private static let tensors = try! Fixture.tensors("lrp")
  private static let document: Data = try! Data(contentsOf: URL(fileURLWithPath: Fixture.path("lrp.json")))

  static func json(_ part: String) -> [[String: Any]] {
    let document = try! JSONSerialization.jsonObject(with: document) as! [String: Any]
    return document[part] as! [[String: Any]]
  }

  /// The bounds of a normalised picture, as zennit's box has them.
  static func box(_ end: String) -> [Float] {
    let document = try! JSONSerialization.jsonObject(with: document) as! [String: Any]
    let box = (document["composites"] as! [String: Any])["box"] as! [String: [Double]]
    return box[end]!.map(Float.init)
  }

  static func tensor(_ key: String) -> Tensor { try! tensors.tensor(key) }
  static func has(_ key: String) -> Bool { tensors.entry(key) != nil }
}
