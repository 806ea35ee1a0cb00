import Attribution
import Failures
import Foundation
import Networks
import Pullbacks
import Subjects

/// The cost of one explanation of one image: time, and memory beside the loaded network.
public struct ExplanationCost: Codable, Sendable {
  public let model: String
  public let explainer: String
  /// Passes through the network.
  public let forward: Int
  public let backward: Int
  /// The least of ``times``: what else the machine does makes an explanation slower, never faster.
  public private(set) var milliseconds: Double
  /// Times of explanations in warm processes, in milliseconds.
  public private(set) var times: [Double]
  /// The growth of the process during its first explanation, in 10^6 bytes, the network being loaded before.
  public let megabytes: Double

  /// Measures in this process, which should have done nothing yet.
  init(_ method: Method, model: String, count: Int, seconds: Double) throws {
    let network = try someNetwork(model)
    let explainer = try method.explainer(MethodSettings().fitting(network.graph), for: network.graph)
    let image = someImages(1, for: network)
    func explain() throws { _ = try explainer.attribute(image, .classes([7]), of: network) }
    let isFresh = ProcessSize.forget()
    let loaded = isFresh ? ProcessSize.largest : ProcessSize.now
    try explain()
    megabytes = ((ProcessSize.largest - loaded) / 1e5).rounded() / 10
    // A processor takes some tenths of a second to come to its full clock.
    let warm = Date.now.addingTimeInterval(seconds / 8)
    repeat { try explain() } while Date.now < warm
    times = try Stopwatch.wall.times(count, within: seconds, explain).map { ($0 * 1e5).rounded() / 100 }
    milliseconds = times.min()!
    let cost = explainer.cost(for: network.graph)
    (forward, backward) = (cost.forward, cost.backward)
    self.model = model
    self.explainer = method.rawValue
  }

  /// Takes in the times of another process.
  mutating func merge(_ other: ExplanationCost) {
    times += other.times
    milliseconds = min(milliseconds, other.milliseconds)
  }
}

/// The costs of all explainers on one network, and the machine they were measured on: the file
/// `<scores>/<tier>/<model>/cost.json`.
public struct CostSheet: Codable, Sendable {
  public let model: String
  let processor: String
  let threads: Int
  let memoryInGigabytes: Int
  let openBLAS: String
  public let costs: [ExplanationCost]

  /// The first argument of a process that measures one explainer.
  private static let request = "measure-cost"

  /// In a process that was started by a recomputing one: measures what the arguments say, prints it and ends.
  public static func answerIfAsked() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    guard arguments.count == 5, arguments[0] == request, let method = Method(rawValue: arguments[2]),
      let count = Int(arguments[3]), let seconds = Double(arguments[4])
    else { return }
    do {
      let cost = try ExplanationCost(method, model: arguments[1], count: count, seconds: seconds)
      print(String(decoding: try json(cost, for: "cost"), as: UTF8.self))
      exit(0)
    } catch {
      exitReporting(error, from: request)
    }
  }

  fileprivate init(measuring methods: [Method], on model: String, quick: Bool) throws {
    let graph = try Architecture.named(model).graph()
    let measured = methods.filter { (try? $0.explainer(MethodSettings().fitting(graph), for: graph)) != nil }
    // A machine has slower and faster minutes: all explainers take turns, several times.
    var costs: [ExplanationCost] = []
    for round in 0..<(quick ? 1 : 3) {
      for (place, method) in measured.enumerated() {
        let arguments = [Self.request, model, method.rawValue] + (quick ? ["3", "0.1"] : ["15", "4"])
        guard let text = output(ofThisProgramWith: arguments),
          let cost = try? JSONDecoder().decode(ExplanationCost.self, from: Data(text.utf8))
        else { throw PullbackError(.software, "\(method.rawValue) on \(model)", "the process that measures it failed") }
        print("\(model), \(method.rawValue): \(cost.milliseconds) ms, \(cost.megabytes) MB")
        fflush(nil)
        if round == 0 { costs.append(cost) } else { costs[place].merge(cost) }
      }
    }
    self.costs = costs
    self.model = model
    processor = Machine.processor
    threads = Machine.threads
    openBLAS = LibraryVersions.all["OpenBLAS"] ?? "unknown"
    memoryInGigabytes = Int((Double(Machine.memory) / 1e9).rounded())
  }

  public subscript(method: Method) -> ExplanationCost? { costs.first { $0.explainer == method.rawValue } }

  /// The name of the network for people.
  public var title: String { Tier.title(of: model) }

  /// The machine, for a credit line.
  public var machine: String {
    "\(processor), \(threads) threads, \(memoryInGigabytes) GB of memory, OpenBLAS \(openBLAS)"
  }
}

extension Experiment {
  /// The committed costs on each of the tier's networks, or on the one that `--model` names, measured anew before if
  /// the command line says so, each explainer in a process of its own.
  ///
  /// - Throws: `PullbackError` if there are none, or a measurement fails.
  public func costs(of methods: [Method], from measurements: Measurements) throws -> [CostSheet] {
    let tier = options.networks
    return try (options.model.map { [$0] } ?? tier.models).map { model in
      let path = "\(measurements.folder)/\(tier.rawValue)/\(model)/cost.json"
      return try measurements.value(at: path, arguments: "--networks \(tier.rawValue) --model \(model)") {
        try CostSheet(measuring: methods, on: model, quick: options.quick)
      }
    }
  }
}

/// An architecture with small numbers for weights, to be measured: times do not depend on them.
///
/// - Throws: `PullbackError` if there is no such architecture, or it is not defined for the resolution.
public func someNetwork(_ model: String, resolution: Int? = nil) throws -> Network {
  let graph = try Architecture.named(model).graph(resolution: resolution)
  var parameters: [String: Tensor] = [:]
  for (name, description) in graph.parameters {
    // Weights that keep activations at order one, whose products neither vanish nor overflow.
    let fanIn = max(1, description.shape.dropFirst().reduce(1, *))
    let scale = description.shape.count < 2 ? 1 : (6 / Float(fanIn)).squareRoot()
    let isOne = name.hasSuffix("running_var") || name.hasSuffix("weight") && description.shape.count < 2
    let spread = name.hasSuffix("weight") ? scale : 0.01
    parameters[name] = Tensor(shape: description.shape) { buffer in
      for index in buffer.indices {
        let noise = Float((index &* 2_654_435_761) >> 7 & 1023) / 1023 - 0.5
        buffer[index] = isOne ? 1 : spread * noise
      }
    }
  }
  return try Network(graph, parameters: parameters)
}

/// A batch of images for a network, to be measured.
public func someImages(_ count: Int, for network: Network) -> Tensor {
  Tensor(shape: [count] + network.graph.inputShape) { buffer in
    for index in buffer.indices { buffer[index] = Float((index &* 2_654_435_761) >> 9 & 255) / 127.5 - 1 }
  }
}
