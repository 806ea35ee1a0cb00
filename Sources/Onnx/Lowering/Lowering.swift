import Failures
import Pullbacks

/// Turns the nodes of a file into nodes of the core, one after another.
final class Lowering {
  typealias Operator = @Sendable (Lowering, OnnxNode) throws -> Void

  let file: ModelFile
  let options: OnnxOptions
  /// Values by name.
  var slots: [String: Slot] = [:]
  /// The number of values that nodes of constants have.
  var knownElements = 0
  /// The operators that computed the values, by name.
  private(set) var producers: [String: String] = [:]
  /// Values of the parameters of the core's nodes, by full name.
  private(set) var parameters: [String: () throws -> Tensor] = [:]
  /// The reasons recorded for the node that is being lowered.
  private var words: [String] = []
  private var made: [String] = []
  private(set) var records: [OnnxNodeRecord] = []
  /// The assumptions made, each once.
  private(set) var notes: [String] = []
  private var names: Set<String> = []
  private var shared: [String: Signal] = [:]
  private let anchor: Signal

  init(_ file: ModelFile, _ options: OnnxOptions, inputs: [(name: String, slot: Slot, signal: Signal)]) {
    self.file = file
    self.options = options
    anchor = inputs[0].signal
    for input in inputs {
      slots[input.name] = input.slot
      names.insert(input.name)
    }
    names.formUnion(OnnxPictures.names)
  }

  func append(_ record: OnnxNodeRecord) { records.append(record) }

  func note(_ text: String) { if !notes.contains(text) { notes.append(text) } }

  /// Says what becomes of the node at hand.
  func say(_ text: String) { if !words.contains(text) { words.append(text) } }

  /// An error at a node.
  func failure(_ node: OnnxNode, _ problem: String, advice: String? = nil) -> PullbackError {
    file.failure("node \(quoted(node.name)) (\(node.fullOp))", problem, advice: advice)
  }

  /// Lowers the nodes in order.
  func run(_ nodes: [OnnxNode]) throws {
    for node in nodes {
      (words, made) = ([], [])
      if !["DequantizeLinear", "MatMulInteger"].contains(node.op),
        node.inputs.contains(where: { slots[$0]?.isQuantised == true })
      {
        throw failure(node, "it computes with quantised values", advice: Refusals.advice(for: "QLinear"))
      }
      guard let lower = Self.operators[node.fullOp] else { throw refusal(of: node) }
      do {
        try lower(self, node)
      } catch let error as PullbackError where !error.subject.hasPrefix(file.path) {
        // The core names the node as well.
        let problem = error.subject == "node \(node.name)" ? error.problem : "\(error.subject): \(error.problem)"
        throw failure(node, problem, advice: error.advice)
      }
      for output in node.outputs where !output.isEmpty {
        guard let slot = slots[output] else {
          throw failure(node, "its output \(quoted(output)) is not computed here", advice: "export a model without it")
        }
        try check(slot, node)
      }
      for output in node.outputs { producers[output] = node.op }
      let fallback = made.isEmpty ? "nothing to do" : "imported as this layer"
      let text = words.isEmpty ? fallback : words.joined(separator: "; ")
      records.append(OnnxNodeRecord(name: node.name, op: node.fullOp, nodes: made, reason: text))
      for part in node.absorbed {
        records.append(
          OnnxNodeRecord(name: part.name, op: part.fullOp, nodes: made, reason: "part of \(node.op) \(node.name)"))
      }
    }
  }

  /// Extents that no tensor has are refused when they arise.
  private func check(_ slot: Slot, _ node: OnnxNode) throws {
    guard checkedShape(slot.shape.map(Int64.init)) != nil else {
      throw failure(node, "its value would have the shape \(slot.shape)")
    }
  }

  private func refusal(of node: OnnxNode) -> PullbackError {
    failure(node, "the operator is not read", advice: Refusals.advice(for: node.op))
  }

  // MARK: Values

  /// Input `index` of a node.
  func input(_ node: OnnxNode, _ index: Int) throws -> Slot {
    guard let slot = optional(node, index) else { throw failure(node, "its input \(index) is missing") }
    return slot
  }

  /// Input `index` of a node, nil where it is left out.
  func optional(_ node: OnnxNode, _ index: Int) -> Slot? { node.input(index).flatMap { slots[$0] } }

  /// All inputs of a node, at least so many, none of which may be left out.
  func inputs(_ node: OnnxNode, atLeast count: Int = 1) throws -> [Slot] {
    try (0..<max(count, node.inputs.count)).map { try input(node, $0) }
  }

  /// The known value of input `index`.
  func known(_ node: OnnxNode, _ index: Int) throws -> StoredValue {
    guard let value = try input(node, index).constant else {
      throw failure(
        node, "its input \(index), \(quoted(node.inputs[index])), is computed from the network's input",
        advice: "it must be known when the file is read: export the model with fixed shapes and its weights inside")
    }
    return value
  }

  /// The known floats of input `index`: the parameters of a layer.
  func weight(_ node: OnnxNode, _ index: Int) throws -> StoredValue {
    let value = try known(node, index)
    guard value.kind.isFloat else {
      throw failure(
        node, "its input \(index), \(quoted(node.inputs[index])), is of integers",
        advice: Refusals.advice(for: "QLinear"))
    }
    return value
  }

  /// Integers from input `index`, or from an attribute, where older versions have them; nil where both are left out.
  func integers(_ node: OnnxNode, _ index: Int, or attribute: String) throws -> [Int]? {
    if node.input(index) != nil { return try known(node, index).integers() }
    return node.ints(attribute)
  }

  /// A value as a signal of floats.
  ///
  /// - Parameter dropped: whether it goes without the first axis, whose extent is then 1.
  func signal(_ slot: Slot, dropped: Bool) throws -> Signal {
    switch slot.content {
    case .constant(let value): return try constant(value, dropped ? Array(value.shape.dropFirst()) : value.shape)
    case .signal(let signal, let isDropped, let type):
      var result = signal
      if type == .int64 { result = try emit(Cast(to: .float32), nil, [result]) }
      if dropped != isDropped { result = try reshape(result, dropped ? Array(slot.shape.dropFirst()) : slot.shape) }
      return result
    }
  }

  /// A value as a signal of integers, for lookups.
  func indices(_ slot: Slot, dropped: Bool) throws -> Signal {
    switch slot.content {
    case .constant(let value):
      let shape = dropped ? Array(value.shape.dropFirst()) : value.shape
      return anchor.constant(Tensor(shape: shape, integers: try value.integers().map(Int64.init)), fresh("indices"))
    case .signal(let signal, let isDropped, let type):
      var result = signal
      if type == .float32 { result = try emit(Cast(to: .int64), nil, [result]) }
      if dropped != isDropped { result = try reshape(result, dropped ? Array(slot.shape.dropFirst()) : slot.shape) }
      return result
    }
  }

  /// A known value as a node: a parameter where the file has a tensor of that name, with the values that it has by
  /// then.
  private func constant(_ value: StoredValue, _ shape: [Int]) throws -> Signal {
    guard let name = value.name, value.kind.isFloat else {
      let tensor =
        value.kind.isFloat ? try value.tensor() : Tensor(shape: value.shape, try value.floats())
      return anchor.constant(tensor.reshaped(shape), fresh("constant"))
    }
    let key = "\(ObjectIdentifier(value))"
    let stored: Signal
    if let known = shared[key] {
      stored = known
    } else {
      let full = fresh(name)
      stored = anchor.parameter(full, value.shape)
      if let error = stored.mistake { throw error }
      parameters[full] = { try value.tensor() }
      shared[key] = stored
      made.append(full)
    }
    return value.shape == shape ? stored : try reshape(stored, shape)
  }

  /// A tensor that the file does not have, as a node.
  func constant(_ tensor: Tensor) -> Signal { anchor.constant(tensor, fresh("constant")) }

  func reshape(_ signal: Signal, _ shape: [Int], _ name: String? = nil) throws -> Signal {
    signal.shape == shape ? signal : try emit(Reshape(shape), name, [signal])
  }

  /// Values as they are combined place by place: all with the first axis of the result, or all without it.
  func aligned(_ slots: [Slot]) throws -> (signals: [Signal], dropped: Bool) {
    let rank = slots.map(\.rank).max() ?? 0
    let drops =
      slots.contains(where: \.isDropped)
      && slots.allSatisfy { $0.rank < rank ? !$0.isDropped : $0.canDrop }
    return (try slots.map { try signal($0, dropped: drops && $0.rank == rank) }, drops)
  }

  /// A value for an operation along some of its axes: the first one is dropped unless it is among them.
  func along(_ slot: Slot, _ axes: [Int]) throws -> (signal: Signal, dropped: Bool) {
    let drops = slot.canDrop && slot.rank > 1 && !axes.contains(0)
    return (try signal(slot, dropped: drops), drops)
  }

  // MARK: Nodes

  /// A name that no node has yet.
  func fresh(_ base: String) -> String {
    var name = base.split(separator: "\u{1}", omittingEmptySubsequences: false).joined(separator: "#")
    var number = 1
    let stem = name
    while names.contains(name) {
      number += 1
      name = "\(stem)#\(number)"
    }
    names.insert(name)
    return name
  }

  /// Appends an operation.
  ///
  /// - Parameters:
  ///   - name: its own, which is made unlike others'; nil for helpers.
  ///   - carrying: whether each input carries a cotangent, if that matters.
  ///   - weights: its parameters, by their name within the node.
  func emit(
    _ operation: any Operation, _ name: String?, _ inputs: [Signal], carrying: [Bool] = [],
    weights: [String: () throws -> Tensor] = [:]
  ) throws -> Signal {
    let name = fresh(name ?? operation.kind)
    let read = reading(operation, carrying)
    let signal = inputs[0].apply(read, name, with: Array(inputs.dropFirst()))
    if let error = signal.mistake {
      throw PullbackError(.data, error.subject, error.problem, advice: error.advice)
    }
    for (parameter, value) in weights { parameters["\(name).\(parameter)"] = value }
    made.append(name)
    return signal
  }

  /// The operation as pullbacks read it: the general rule of ``OnnxModel``.
  private func reading(_ operation: any Operation, _ carrying: [Bool]) -> any Operation {
    let count = carrying.count { $0 }
    switch operation.character {
    case .product where count > 1 || operation as? BinaryOperation == .divide && carrying.last == true:
      guard !(operation is ScaledDotProductAttention) else { return operation }
      say("each factor is held constant in turn for the other")
      return Differentiated(operation)
    case .nonlinear:
      // Tables ask for a rule also where nothing is carried.
      if count > 0 { say("its derivative") }
      return Differentiated(operation)
    default: return operation
    }
  }

  /// Sets output 0 of a node.
  func set(_ node: OnnxNode, _ slot: Slot, output: Int = 0) {
    guard output < node.outputs.count, !node.outputs[output].isEmpty else { return }
    slots[node.outputs[output]] = slot
  }

  /// Sets output 0 of a node to a signal.
  func set(
    _ node: OnnxNode, _ signal: Signal, dropped: Bool, kind: ElementKind? = nil, from sources: [Slot],
    routing: Bool = false
  ) {
    set(
      node,
      Slot(
        signal, dropped: dropped, kind: kind ?? sources.first?.kind ?? .float,
        carries: !routing && sources.contains(where: \.carries)))
  }
}

/// The reason why an operator is not read, with advice.
enum Refusals {
  static func advice(for op: String) -> String {
    switch op {
    case "If", "Loop", "Scan":
      "control flow that depends on the input is not read: export the model with fixed shapes, by tracing"
    case "LSTM", "GRU", "RNN": "recurrent layers are not read: explain the part of the model before or after them"
    case "StringNormalizer", "TfIdfVectorizer", "StringConcat", "StringSplit", "RegexFullMatch", "LabelEncoder":
      "text is not read: export the model from its token ids on"
    case "NonMaxSuppression", "NonZero", "Unique", "RoiAlign", "MaxRoiPool":
      "explain the outputs before it: end the exported graph at the values that it takes"
    case "RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli", "Multinomial":
      "a network draws no numbers: export it in evaluation mode"
    case let op where op.hasSuffix("Integer") || op.hasPrefix("QLinear") || op == "DynamicQuantizeLinear":
      "export the model before quantising it, or quantise it with QuantizeLinear and DequantizeLinear (QDQ)"
    default: "export the model with another operator set, or end the graph before this node"
    }
  }
}
