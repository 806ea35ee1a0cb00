import Attribution
import Foundation
import Networks
import Pullbacks

/// What one explanation of one image costs: time, and memory beside the loaded network.
public struct ExplanationCost: Codable, Sendable {
  public let model: String
  public let explainer: String
  /// Passes through the network.
  public let forward: Int
  public let backward: Int
  /// The median of ``times``.
  public let milliseconds: Double
  /// Of each explanation after the first, in milliseconds.
  public let times: [Double]
  /// How much larger the process was during its first explanation than before it, the network being loaded, in 10^6
  /// bytes.
  public let megabytes: Double

  /// Measures in this process, which should have done nothing yet.
  init(_ method: Method, model: String, count: Int, seconds: Double) throws {
    let network = try someNetwork(model)
    let explainer = try method.explainer(for: network.graph)
    let image = someImages(1, for: network)
    func explain() throws { _ = try explainer.attribute(image, .classes([7]), of: network) }
    let isFresh = ProcessSize.forget()
    let loaded = isFresh ? ProcessSize.largest : ProcessSize.now
    try explain()
    megabytes = ((ProcessSize.largest - loaded) / 1e5).rounded() / 10
    times = try Clock.wall.times(count, within: seconds, explain).map { ($0 * 1e5).rounded() / 100 }
    milliseconds = times.sorted()[times.count / 2]
    let cost = explainer.cost(for: network.graph)
    (forward, backward) = (cost.forward, cost.backward)
    self.model = model
    self.explainer = method.rawValue
  }
}

/// The costs of all explainers on the networks of a tier, and the machine they were measured on: the file
/// `<scores>/<tier>/cost.json`.
public struct CostSheet: Codable, Sendable {
  public let processor: String
  public let threads: Int
  public let kernels: String
  public let memoryInGigabytes: Int
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

  /// The committed costs of a tier's networks, measured anew before if the command line says so, each explainer in a
  /// process of its own.
  ///
  /// - Throws: `PullbackError` if there are none, or a measurement fails.
  public init(of experiment: Experiment, _ methods: [Method], from measurements: Measurements) throws {
    let tier = experiment.options.networks
    let path = "\(measurements.folder)/\(tier.rawValue)/cost.json"
    if measurements.recomputes {
      let models = experiment.options.model.map { [$0] } ?? tier.models
      try makeFolder((path as NSString).deletingLastPathComponent)
      try writeJSON(CostSheet(models: models, methods, quick: experiment.options.quick), to: path)
    }
    try measurements.check(path, arguments: "--networks \(tier.rawValue)")
    do {
      self = try JSONDecoder().decode(CostSheet.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
      throw PullbackError(.data, path, "is no sheet of costs: \(error)")
    }
  }

  private init(models: [String], _ methods: [Method], quick: Bool) throws {
    var costs: [ExplanationCost] = []
    for model in models {
      let graph = try Architecture.named(model).graph()
      for method in methods where (try? method.explainer(for: graph)) != nil {
        let arguments = [Self.request, model, method.rawValue] + (quick ? ["3", "0.1"] : ["15", "10"])
        guard let text = output(ofThisProgramWith: arguments),
          let cost = try? JSONDecoder().decode(ExplanationCost.self, from: Data(text.utf8))
        else { throw PullbackError(.software, "\(method.rawValue) on \(model)", "the process that measures it failed") }
        print("\(model), \(method.rawValue): \(cost.milliseconds) ms, \(cost.megabytes) MB")
        fflush(nil)
        costs.append(cost)
      }
    }
    processor = Machine.processor
    threads = Machine.threads
    kernels = LibraryVersions.all["OpenBLAS"] ?? "unknown"
    memoryInGigabytes = Int((Double(Machine.memory) / 1e9).rounded())
    self.costs = costs
  }

  public func cost(_ method: Method, _ model: String) -> ExplanationCost? {
    costs.first { $0.explainer == method.rawValue && $0.model == model }
  }

  /// The networks' names, in the order of measurement.
  public var models: [String] { costs.map(\.model).reduce(into: []) { if !$0.contains($1) { $0.append($1) } } }

  /// The machine, for a credit line.
  public var machine: String {
    "\(processor), \(threads) threads, \(memoryInGigabytes) GB of memory; OpenBLAS \(kernels)."
  }
}
