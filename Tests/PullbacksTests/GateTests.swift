import Foundation
import Pullbacks
import TestKit
import Testing

/// Every gate through a network of one node, against PyTorch and quadrature in float64 (Tests/Oracles/gates.py), and
/// its average against the mean over drawn noise.
@Suite struct GateTests {
  /// A gate of the fixture. PReLU, whose gates differ from channel to channel, has a row for each.
  struct Item: Sendable, CustomTestStringConvertible {
    let name: String
    let operation: any Pullbacks.Operation
    let parameters: [String: Tensor]
    /// The gate of each row.
    let gates: [any Gate]
    var testDescription: String { name }

    init(_ name: String, _ gate: any Gate) {
      (self.name, operation, parameters, gates) = (name, gate, [:], [gate])
    }

    init(_ name: String, slopes: [Float]) {
      self.name = name
      operation = PReLU(slopes: slopes.count)
      parameters = ["gate.weight": Tensor(shape: [slopes.count], slopes)]
      gates = slopes.map { LeakyReLU(slope: Double($0)) }
    }

    func expected(_ what: String) -> Tensor { try! GateTests.tensors.tensor("\(name)/\(what)") }

    func network() throws -> Network {
      let graph = try Graph(name, input: [gates.count, GateTests.z.count]) { $0.apply(operation, "gate") }
      return try Network(graph, parameters: parameters, executor: .plain)
    }

    /// The fixture's points, a row for each channel.
    var points: Tensor {
      Tensor(shape: [1, gates.count, GateTests.z.count], gates.flatMap { _ in GateTests.z.scalars })
    }

    /// Whether the gate is averaged by an approximation.
    var isApproximate: Bool { operation is SiLU || operation is Softplus }
  }

  private static let tensors = try! Fixture.tensors("gates")
  static let z = try! tensors.tensor("z")
  static let scales = (try! Fixture.json("gates") as! [String: Any])["scales"] as! [Double]

  static let items: [Item] = ((try! Fixture.json("gates") as! [String: Any])["gates"] as! [[String: Any]]).map { json in
    let name = json["name"] as! String
    let settings = json["settings"] as! [String: Any]
    func number(_ key: String) -> Double { settings[key] as! Double }
    return switch name {
    case "relu": Item(name, ReLU())
    case "relu6": Item(name, ReLU6())
    case "hardtanh": Item(name, Clip.hardTanh)
    case "clip": Item(name, Clip(number("low"), number("high")))
    case "leakyrelu": Item(name, LeakyReLU(slope: number("slope")))
    case "elu", "elu-0.7": Item(name, ELU(alpha: number("alpha")))
    case "selu": Item(name, ELU.selu)
    case "softplus": Item(name, Softplus())
    case "hardswish": Item(name, HardSwish())
    case "hardsigmoid": Item(name, HardSigmoid())
    case "mish": Item(name, Mish())
    case "gelu": Item(name, GELU())
    case "gelu-tanh": Item(name, TanhGELU())
    case "silu": Item(name, SiLU())
    case "celu": Item(name, CELU(alpha: number("alpha")))
    case "softsign": Item(name, Softsign())
    case "thresholdedrelu": Item(name, ThresholdedReLU(threshold: number("threshold")))
    case "hardsigmoid-0.2": Item(name, SlopedHardSigmoid(slope: number("slope"), offset: number("offset")))
    case "prelu": Item(name, slopes: (settings["slopes"] as! [Double]).map(Float.init))
    default: preconditionFailure("no gate is called \(name)")
    }
  }

  /// A float32 has 6e-8 of its value; the vectorised Phi and exponential add 1.3e-7, times z.
  private static let tolerance = 1e-6

  private func expectWithin(
    _ actual: [Float], _ expected: [Double], _ tolerance: Double, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(actual.count == expected.count, sourceLocation: sourceLocation)
    let error = zip(actual, expected).map { abs(Double($0) - $1) / max(1, abs($1)) }.max()!
    #expect(error <= tolerance, "\(what): \(error)", sourceLocation: sourceLocation)
  }

  private func pulled(_ item: Item, by rule: any Rule) throws -> [Float] {
    let rules = RuleSet.gradient.overriding(.node("gate"), with: rule)
    let (_, pullback) = try item.network().valueWithPullback(at: item.points, rules: rules)
    return try pullback(Tensor(shape: item.points.shape, repeating: 1)).scalars
  }

  private func doubles(_ tensor: Tensor) -> [Double] { tensor.scalars.map(Double.init) }

  @Test func everyKind() { #expect(Self.items.count == 20) }

  @Test(arguments: items) func value(_ item: Item) throws {
    expectWithin(try item.network()(item.points).scalars, doubles(item.expected("value")), Self.tolerance, item.name)
  }

  @Test(arguments: items) func derivative(_ item: Item) throws {
    expectWithin(
      try pulled(item, by: Gradient()), doubles(item.expected("derivative")), Self.tolerance, item.name)
  }

  @Test(arguments: items) func gate(_ item: Item) throws {
    expectWithin(try pulled(item, by: HardGate()), doubles(item.expected("gate")), Self.tolerance, item.name)
  }

  /// Averaged gates. The logistic function's is the probit approximation, which is off by 0.0177 at most: it is held to
  /// that bound, and closely to its own formula.
  @Test(arguments: items, scales) func averagedGate(_ item: Item, _ scale: Double) throws {
    let found = try pulled(item, by: AveragedGate(deviation: Float(scale)))
    let exact = doubles(item.expected("averaged.\(scale == scale.rounded() ? "\(Int(scale))" : "\(scale)")"))
    guard item.isApproximate else { return expectWithin(found, exact, Self.tolerance, item.name) }
    expectWithin(found, exact, 0.0177, item.name)
    let formula = Self.z.scalars.map { 1 / (1 + exp(-Double($0) / (1 + .pi * scale * scale / 8).squareRoot())) }
    expectWithin(found, formula, Self.tolerance, item.name)
  }

  /// The bound on the probit approximation over all z and s, against a quadrature by many small steps. As s grows, both
  /// become functions of z / s, and the largest difference tends to its bound from below.
  @Test func probitApproximation() {
    var largest = 0.0
    for s in [0.1, 0.25, 0.5, 1, 2, 2.5, 4, 8, 20, 100] {
      for step in 0...80 {
        let z = Double(step) * 0.05 * (1 + s * s).squareRoot()
        var (sum, mass) = (0.0, 0.0)
        for place in -4000...4000 {
          let e = Double(place) / 400
          let density = exp(-e * e / 2)
          sum += density / (1 + exp(-z - s * e))
          mass += density
        }
        largest = max(largest, abs(sum / mass - SiLU().averagedGate(z, deviation: s)))
      }
    }
    #expect(largest > 0.0176 && largest < 0.0177, "\(largest)")
  }

  /// The average of 100,000 draws of the hard gate, within five of its standard errors.
  @Test(arguments: items, [-4, -0.7, 0.3, 2.5, 7]) func monteCarlo(_ item: Item, _ z: Double) {
    let draws = RandomStream(seed: 20_260_601, "gates \(item.name) \(z)").normals([100_000]).scalars.map(Double.init)
    for gate in item.gates {
      for s in [0.4, 1, 2.5] {
        let gates = draws.map { gate.gate(z + s * $0) }
        let mean = gates.mean
        // As if one draw more had differed by 1: what is rarer than the draws may not be among them.
        let variance = gates.map { ($0 - mean) * ($0 - mean) }.mean + 1 / Double(gates.count)
        let bound = 5 * (variance / Double(gates.count)).squareRoot() + (item.isApproximate ? 0.0177 : 0)
        let averaged = gate.averagedGate(z, deviation: s)
        #expect(abs(averaged - mean) <= bound, "\(averaged) and \(mean) at s = \(s)")
      }
    }
  }

  /// `sum v dy/dslope` of every slope; with one slope for all channels, over all of them.
  @Test func slopesOfPReLU() throws {
    let item = Self.items.last!
    let v = Formula.image("v", item.points.shape)
    let slopeDerivative = item.expected("slopeDerivative").scalars
    let expected = (0..<3).map { channel in
      (0..<161).map { Double(v[0, channel, $0]) * Double(slopeDerivative[channel * 161 + $0]) }.sum
    }
    let gradient = try item.network().trainingTrace(at: item.points).parameterGradients(v)["gate.weight"]!
    expectClose(doubles(gradient), expected, within: Self.tolerance)
    let shared = try Graph("shared", input: [3, 161]) { $0.apply(PReLU(), "gate") }
    let network = try Network(shared, parameters: ["gate.weight": Tensor(shape: [1], [0.2])], executor: .plain)
    let sum = try network.trainingTrace(at: item.points).parameterGradients(v)["gate.weight"]!
    expectClose(doubles(sum), [expected.sum], within: Self.tolerance)
  }
}
