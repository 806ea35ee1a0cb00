import Checkpoints
import Failures
import Foundation
import Networks
import Onnx
import Pullbacks

/// Compares a graph's network with numbers that PyTorch computed in float64.
enum ModelCheck {
  /// - Parameter native: the name of an architecture and a checkpoint, `resnet50=FILE`, whose soft pullback is
  ///   compared.
  static func run(_ path: String, _ reference: String, _ native: String?) throws {
    let expected = try Checkpoint(contentsOf: reference)
    var clock = ContinuousClock.now
    func lap() -> String {
      defer { clock = .now }
      let seconds =
        Double((ContinuousClock.now - clock).components.attoseconds) * 1e-18
        + Double((ContinuousClock.now - clock).components.seconds)
      return String(format: "%.2f s", seconds)
    }
    var options = OnnxOptions()
    options.endsAtLogits = expected.entry("gradient") == nil ? false : true
    let inputs = try expected.names.filter { $0.hasPrefix("input/") }.map {
      (name: String($0.dropFirst(6)), value: try expected.tensor($0))
    }
    for input in inputs { options.shapes[input.name] = input.value.shape }
    let model = try OnnxModel(contentsOf: URL(filePath: path), options: options)
    var line = "loaded in \(lap())"
    let graph = model.network.graph
    var given: [String: Tensor] = [:]
    for input in inputs {
      guard let described = graph.inputs.first(where: { $0.name == input.name }) else { continue }
      given[input.name] =
        described.type == .float32
        ? input.value : Tensor(shape: input.value.shape, integers: input.value.scalars.map { Int64($0) })
    }
    var network = model.network
    // Token ids take no cotangent: the network is explained from its embedding on.
    let soft = RuleSet.softPullback()
    if !graph.inputs.contains(where: { $0.type == .float32 }),
      let embedding = graph.nodes.first(where: { $0.operation.kind == "embedding" })?.name
    {
      let before = try network.truncated(at: embedding)
      let ids = given.filter { entry in before.graph.inputs.contains { $0.name == entry.key } }
      let value = try before.trace(at: ids, rules: []).value
      network = try network.starting(at: embedding)
      given = given.filter { entry in network.graph.inputs.contains { $0.name == entry.key } }
      given[embedding] = value
    }
    let trace = try network.trace(at: given, rules: [.gradient, soft])
    line += ", value \(difference(trace.value, try expected.tensor("value")))"
    let selector = try expected.tensor("selector")
    let gradient = try trace.pullback(selector, by: .gradient)
    if expected.entry("gradient") != nil {
      let reference = try expected.tensor("gradient")
      line += ", gradient \(difference(gradient.reshaped(reference.shape), reference))"
    }
    if expected.entry("float32") != nil {
      line += String(format: " (PyTorch's in float32 %.2g)", try expected.tensor("float32").scalars[0])
    }
    let pulled = try trace.pullback(selector, by: soft)
    line += ", soft norm \(pulled.imageNorms[0])"
    if let native {
      let parts = native.split(separator: "=").map(String.init)
      let architecture = try Architecture.named(parts[0])
      let side = given.first!.value.shape[3]
      let own = try Network(architecture, checkpoint: Checkpoint(contentsOf: parts[1]), resolution: side).starting(
        at: "normalise")
      let ownTrace = try own.trace(at: given.first!.value, rules: [.gradient, soft])
      line += ", against the native value \(difference(trace.value, ownTrace.value))"
      line += " gradient \(difference(gradient, try ownTrace.pullback(selector, by: .gradient)))"
      line += " soft \(difference(pulled, try ownTrace.pullback(selector, by: soft)))"
    }
    let kinds = Dictionary(grouping: graph.nodes, by: \.operation.kind).mapValues(\.count)
    line += ", \(graph.nodes.count) nodes, \(lap()): "
    line += kinds.sorted { $0.value > $1.value }.prefix(14).map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    print(line)
    for note in model.notes { print("  note: \(note)") }
  }

  /// The largest difference over the largest value.
  private static func difference(_ a: Tensor, _ b: Tensor) -> String {
    guard a.count == b.count else { return "shapes \(a.shape) \(b.shape)" }
    var (difference, largest): (Float, Float) = (0, 0)
    for (x, y) in zip(a.scalars, b.scalars) {
      difference = x.isNaN ? .infinity : max(difference, abs(x - y))
      largest = max(largest, abs(y))
    }
    return String(format: "%.2g", difference / max(largest, 1e-30))
  }
}
