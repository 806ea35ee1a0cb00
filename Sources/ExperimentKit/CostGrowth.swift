import Attribution
import Failures
import Foundation
import Kernels
import Networks
import Pullbacks
import Text

/// A network at work that is measured: which one, on how much, on how many threads.
public struct Workload: Codable, Equatable, Sendable {
  /// An architecture's name, or ``encoder``.
  public var network: String
  /// The images or texts of a batch.
  public var images = 1
  /// The pixels along a side of an image; the network's own number if nil.
  public var resolution: Int?
  /// One for each processor if 0.
  public var threads = 0
  /// An encoder's tokens, layers and features.
  public var tokens = 128
  public var layers = 6
  public var width = 384
  /// The first so many explainers of table 1, sharing passes; one soft pullback if 0.
  public var explainers = 0

  /// Encoders of the kind of all-MiniLM-L6-v2, which is the default: heads of 32 features, from the embeddings on.
  public static let encoder = "encoder"

  /// The explainers that are counted: those of table 1, in its order.
  static let countedExplainers: [Method] =
    .semanticPullbacks + .gradientTwins + [
      .integratedGradients, .guidedGradCAM, .guidedBackprop, .deconvolution,
    ]

  private func loaded() throws -> (network: Network, x: Tensor) {
    guard network == Self.encoder else {
      let network = try someNetwork(network, resolution: resolution)
      return (network, someImages(images, for: network))
    }
    let json = """
      {"model_type": "bert", "vocab_size": 64, "hidden_size": \(width), "num_hidden_layers": \(layers), \
      "num_attention_heads": \(width / 32), "intermediate_size": \(4 * width), "max_position_embeddings": 512}
      """
    let configuration = try TextConfiguration(json: Array(json.utf8), name: "config.json")
    let graph = try configuration.graph(types: [Int](repeating: 0, count: tokens), head: .mean, prefix: "")
    let network = try Network(untrained: graph, seed: 1).starting(at: "embeddings.word_embeddings")
    return (network, someImages(images, for: network))
  }

  /// What is done, and the multiply-adds of it once it has been done.
  fileprivate func work() throws -> (run: () throws -> Void, multiplyAdds: () -> Double) {
    let (network, x) = try loaded()
    let targets = [Int](repeating: 7, count: images)
    let ofOnePass = network.graph.multiplyAdds
    if explainers == 0 {
      let selector = try network.oneHot(targets)
      func run() throws { _ = try network.valueWithPullback(at: x, rules: .softPullback()).pullback(selector) }
      return (run, { 2 * Double(images) * ofOnePass })
    }
    let methods = try Self.countedExplainers.prefix(explainers).map {
      try $0.explainer(MethodSettings().fitting(network.graph), for: network.graph)
    }
    // Some passes are shared: those that are left are counted.
    let passes = Locked(0)
    let context = Context(report: { cost in passes.withLock { $0 += cost.forward + cost.backward } })
    func run() throws {
      passes.withLock { $0 = 0 }
      _ = try methods.attributeAll(x, [.classes(targets)], of: network, in: context)
    }
    return (run, { Double(passes.withLock { $0 }) * ofOnePass })
  }
}

extension Graph {
  /// The multiply-adds of a forward pass over one input, in convolutions of one to three dimensions, transposed ones, linear
  /// layers and products of values; products that a graph of ONNX has without a layer are left out.
  public var multiplyAdds: Double {
    nodes.reduce(0) { sum, node in
      let values = Double(node.shape.reduce(1, *))
      func extent(_ input: Int, fromLast: Int) -> Double {
        Double(nodes[node.inputs[input]].shape.dropLast(fromLast).last ?? 1)
      }
      switch node.operation {
      case is Convolution, is VolumeConvolution, is Linear:
        let weight = node.parameters[0].shape
        return sum + values * Double(weight.dropFirst().reduce(1, *))
      case is TransposedConvolution, is TransposedVolumeConvolution:
        // Each value of the input is spread over a window of every output channel of its group.
        let weight = node.parameters[0].shape
        return sum + Double(nodes[node.inputs[0]].shape.reduce(1, *) * weight.dropFirst().reduce(1, *))
      case is ScaledDotProductAttention:
        // Scores of all heads, and the values that they weigh.
        let (queries, keys) = (extent(0, fromLast: 1), extent(1, fromLast: 1))
        return sum + keys * (queries * extent(0, fromLast: 0) + values)
      case is MatrixMultiply: return sum + values * extent(0, fromLast: 0)
      default: return sum
      }
    }
  }
}

/// The cost of a workload.
public struct WorkloadCost: Codable, Sendable {
  /// What was measured.
  public let workload: Workload
  /// The least time of two or more runs in one process, in milliseconds.
  public let milliseconds: Double
  /// The growth of a process by the first run, the network having been loaded before, in 10^6 bytes.
  public let megabytes: Double
  /// Multiply-adds of convolutions, linear layers and products of values.
  public let multiplyAdds: Double

  /// The first argument of a process that measures one workload.
  private static let request = "measure-workload"

  /// In a process that was started to measure a workload: measures, prints and ends.
  public static func answerIfAsked() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    guard arguments.count == 3, arguments[0] == request, let seconds = Double(arguments[2]) else { return }
    do {
      let workload = try JSONDecoder().decode(Workload.self, from: Data(arguments[1].utf8))
      let cost = try WorkloadCost(inThisProcess: workload, seconds: seconds)
      print(String(decoding: try json(cost, for: "cost"), as: UTF8.self))
      exit(0)
    } catch {
      exitReporting(error, from: request)
    }
  }

  private init(inThisProcess workload: Workload, seconds: Double) throws {
    Parallel.threads = workload.threads
    let (run, multiplyAdds) = try workload.work()
    let isFresh = ProcessSize.forget()
    let loaded = isFresh ? ProcessSize.largest : ProcessSize.now
    let first = try Stopwatch.wall.seconds(run)
    megabytes = ((ProcessSize.largest - loaded) / 1e5).rounded() / 10
    // What takes long warms the process up by itself.
    let least = try first > 2 ? min(first, Stopwatch.wall.seconds(run)) : Stopwatch.wall.least(within: seconds, run)
    milliseconds = (least * 1e5).rounded() / 100
    self.multiplyAdds = multiplyAdds()
    self.workload = workload
  }

  /// Measures in a process of its own.
  ///
  /// - Throws: `PullbackError` if that process fails.
  fileprivate static func measured(_ workload: Workload, seconds: Double) throws -> WorkloadCost {
    let text = String(decoding: try JSONEncoder().encode(workload), as: UTF8.self)
    guard let answer = output(ofThisProgramWith: [request, text, "\(seconds)"]),
      let cost = try? JSONDecoder().decode(WorkloadCost.self, from: Data(answer.utf8))
    else { throw PullbackError(.software, text, "the process that measures it failed") }
    return cost
  }
}

/// The cost as one setting grows.
public struct CostCurve: Codable, Sendable {
  /// What grows.
  public enum Sweep: String, Codable, CaseIterable, Sendable {
    case images, resolution, explainers, threads, tokens, layers, width

    /// Settings of the sweep and the networks that are measured at them.
    fileprivate var plan: (networks: [String], settings: [Int]) {
      let pictures = ["resnet50", "pvt_v2_b1"]
      return switch self {
      case .images: (pictures, [1, 2, 4, 8, 16, 32, 64])
      case .resolution: (pictures, [96, 128, 192, 224, 256, 320, 384, 512])
      case .explainers: (["resnet50"], [1, 2, 3, 4, 6, 8, 10, 12])
      case .threads: (pictures + [Workload.encoder], Array(1...max(2, Machine.threads)))
      case .tokens: ([Workload.encoder], [16, 32, 64, 128, 256, 512])
      case .layers: ([Workload.encoder], [1, 2, 4, 8, 12])
      case .width: ([Workload.encoder], [128, 256, 384, 512, 768, 1024])
      }
    }

    fileprivate func workload(_ network: String, _ setting: Int) -> Workload {
      var workload = Workload(network: network)
      switch self {
      case .images: workload.images = setting
      case .resolution: workload.resolution = setting
      case .explainers: workload.explainers = setting
      case .threads: workload.threads = setting
      case .tokens: workload.tokens = setting
      case .layers: workload.layers = setting
      case .width: workload.width = setting
      }
      return workload
    }
  }

  /// The setting that grows.
  public let sweep: Sweep
  /// The network's name, or ``Workload/encoder``.
  public let network: String
  /// The values of the setting, upwards.
  public let settings: [Int]
  /// The cost of each.
  public let costs: [WorkloadCost]

  /// What a workload's time would be in proportion to, if nothing but multiply-adds took time.
  private func work(_ place: Int) -> Double {
    costs[place].multiplyAdds / (sweep == .threads ? Double(settings[place]) : 1)
  }

  /// The times in proportion to the multiply-adds, at the best rate that the curve reaches.
  public var proportional: [Double] {
    let best = costs.indices.map { costs[$0].milliseconds / work($0) }.min() ?? 0
    return costs.indices.map { best * work($0) }
  }

  fileprivate init(measuring sweep: Sweep, of network: String, settings: [Int], seconds: Double) throws {
    self.sweep = sweep
    self.network = network
    self.settings = settings
    costs = try settings.map { setting in
      let cost = try WorkloadCost.measured(sweep.workload(network, setting), seconds: seconds)
      writeToStandardError(
        "\(network), \(sweep.rawValue) \(setting): \(cost.milliseconds) ms, \(cost.megabytes) MB\n")
      return cost
    }
  }
}

/// How costs grow on one machine: the file `<scores>/growth.json`.
public struct CostGrowth: Codable, Sendable {
  /// The machine, for a credit line.
  public let machine: String
  /// A curve for each setting and network.
  public let curves: [CostCurve]

  /// Measures, each workload in a process of its own, which must call ``WorkloadCost/answerIfAsked()``.
  ///
  /// - Parameters:
  ///   - seconds: the time for each workload, which runs four times at least, or twice if a run takes over two seconds.
  ///   - count: the number of settings of each curve at most.
  /// - Throws: `PullbackError` if one of these processes fails.
  public init(seconds: Double, settings count: Int = .max) throws {
    machine = Machine.description
    curves = try CostCurve.Sweep.allCases.flatMap { sweep in
      try sweep.plan.networks.map {
        try CostCurve(
          measuring: sweep, of: $0, settings: Array(sweep.plan.settings.prefix(count)), seconds: seconds)
      }
    }
  }
}

extension Experiment {
  /// The committed growth of costs, measured anew before if the command line says so, each workload in a process of its
  /// own.
  ///
  /// - Throws: `PullbackError` if there is none, or a measurement fails.
  public func costGrowth(from measurements: Measurements) throws -> CostGrowth {
    let arguments = "--networks \(options.networks.rawValue)"
    return try measurements.value(at: measurements.folder + "/growth.json", arguments: arguments) {
      try options.quick ? CostGrowth(seconds: 0.1, settings: 2) : CostGrowth(seconds: 1.5)
    }
  }
}
