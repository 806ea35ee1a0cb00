import Execution
import Failures
import Pullbacks

/// Makes a network of a file's graph: looks at every value first, then puts layers together, then describes the network.
struct Reader {
  let file: ModelFile
  let graph: OnnxGraph
  private(set) var options: OnnxOptions
  let outputs: [String]
  /// The nodes that no output depends on that is kept.
  private let unneeded: [OnnxNode]
  /// The number of images in a batch of the file, if that is fixed.
  private(set) var statedBatch: Int?

  /// The largest number of values that a network may compute for one image.
  private static let activationLimit = 1 << 33

  init(_ file: ModelFile, _ graph: OnnxGraph, _ options: OnnxOptions) throws {
    self.file = file
    self.options = options
    outputs = options.outputs.isEmpty ? graph.outputs : options.outputs
    // What other outputs need may not be read.
    let made = Set(graph.nodes.flatMap(\.outputs))
    var needed = graph
    needed.nodes = graph.nodes.needed(for: Set(outputs))
    self.graph = needed
    let names = Set(needed.nodes.map(\.name))
    unneeded = graph.nodes.filter { !names.contains($0.name) }
    for output in outputs where !made.contains(output) && !graph.outputs.contains(output) {
      throw PullbackError(
        .usage, "output \(quoted(output))", "\(file.path) has no value of this name",
        advice: "its outputs are \(graph.outputs.joined(separator: ", "))")
    }
    if options.batch == .first, case .known(let extent)? = graph.inputs[0].extents.first {
      statedBatch = extent
      if extent > 1 { self.options.fixedBatch = extent }
    }
  }

  /// The network, what became of each node, and the assumptions made.
  func read() throws -> (network: Network, records: [OnnxNodeRecord], notes: [String]) {
    var reading = try readAlone()
    if let note = try checkBatchAxis(reading.network) { reading.notes.append(note) }
    return reading
  }

  /// The network, whose first axis is taken at its word.
  func network() throws -> Network { try readAlone().network }

  private func readAlone() throws -> (network: Network, records: [OnnxNodeRecord], notes: [String]) {
    let inputs = try graph.inputs.filter { options.held[$0.name] == nil }.map(description)
    guard !inputs.isEmpty else { throw PullbackError(.usage, file.path, "every input is held: nothing comes in") }
    // The first look: shapes, and what is known.
    let first = try describe(inputs) { lowering in try self.look(lowering) }
    let (looked, lookedUp) = (first.lowering, first.result)
    let nodes = Patterns.applied(
      to: lookedUp, looked.slots, outputs: outputs, endingAtLogits: options.endsAtLogits)
    let known = looked.slots.filter { $0.value.isConstant }
    let second = try describe(inputs) { lowering in
      for (name, slot) in known { lowering.slots[name] = slot }
      try lowering.run(nodes)
      for node in nodes where node.has("logits") { lowering.note(self.note(onLogits: node, lowering)) }
      return nodes
    }
    guard second.graph.activationCount <= Self.activationLimit else {
      throw file.failure("the graph", "it computes \(second.graph.activationCount) values for one image")
    }
    let network = try Network(second.graph, parameters: second.lowering.parameters.mapValues { try $0() })
    let kept = Set(nodes.flatMap { [$0.name] + $0.absorbed.map(\.name) })
    let folded = (lookedUp.filter { !kept.contains($0.name) } + unneeded).map {
      OnnxNodeRecord(name: $0.name, op: $0.fullOp, nodes: [], reason: "nothing depends on it any more")
    }
    var batch = statedBatch.map {
      "the file was exported with batch size \($0), so images run one by one; export it with a dynamic batch axis to "
        + "run several at once"
    }
    if options.batch == .none {
      let shapes = inputs.map { "\($0.input.name) \($0.shape)" }.joined(separator: ", ")
      batch = "the file is read without a batch axis: what comes in is \(shapes), whole"
    }
    return (
      network, looked.records.filter(\.isKnown) + second.lowering.records + folded,
      second.lowering.notes + (batch.map { [$0] } ?? [])
    )
  }

  /// What people should know about a last softmax or sigmoid, whose place a node has taken.
  private func note(onLogits node: OnnxNode, _ lowering: Lowering) -> String {
    let last = node.absorbed[0]
    var words = "the file ends in \(last.op)"
    if options.batch == .first, last.op != "Sigmoid", let slot = lowering.slots[last.inputs[0]],
      slot.shape.first == 1, lowering.softmaxAxis(of: last, slot) == 0
    {
      words += " over axis 0, across the images of a batch"
    }
    return words + ", which is left out: the network ends at logits"
  }

  // MARK: What comes in

  private struct Description {
    let input: OnnxGraph.Input
    /// At a batch of one.
    let shape: [Int]
    let drops: Bool
    let pictures: OnnxPictures?

    /// The shape of the input, without the batch axis.
    var inputShape: [Int] {
      let shape = drops ? Array(shape.dropFirst()) : shape
      return pictures?.channelsLast == true ? [shape[2], shape[0], shape[1]] : shape
    }
  }

  private func description(_ input: OnnxGraph.Input) throws -> Description {
    let (shape, drops) = try shape(of: input)
    let pictures = options.pictures[input.name]
    guard pictures == nil || drops && shape.count == 4 && input.kind.isFloat else {
      throw PullbackError(
        .usage, "input \(quoted(input.name))",
        "pictures are floats (N, C, H, W) or (N, H, W, C), found \(input.kind) of shape \(shape)",
        advice: "give it an array")
    }
    return Description(input: input, shape: shape, drops: drops, pictures: pictures)
  }

  /// The shape of an input at a batch of one, and whether the network has the batch axis dropped.
  private func shape(of input: OnnxGraph.Input) throws -> (shape: [Int], drops: Bool) {
    let subject = "input \(quoted(input.name))"
    let batched = options.batch == .first && !input.extents.isEmpty
    if batched, case .known = input.extents[0], let other = input.axisCalledBatch {
      throw file.failure(
        subject, "its axis \(other) is called the batch, and axis 0 has a fixed extent",
        advice: "export the model with the batch as its first axis")
    }
    if batched, graph.inputs.count == 1, input.extents.count == 1, case .known(let extent) = input.extents[0],
      extent > 1
    {
      throw file.failure(
        subject, "its only axis has the fixed extent \(extent), so there is no batch axis",
        advice: "read it whole, with the batch none")
    }
    if let shape = options.shapes[input.name] {
      guard shape.count == input.extents.count, shape.allSatisfy({ $0 > 0 }) else {
        throw PullbackError(.usage, subject, "a shape of \(input.extents.count) axes is expected, found \(shape)")
      }
      return (batched ? [1] + shape.dropFirst() : shape, batched)
    }
    let shape = try input.extents.enumerated().map { axis, extent in
      if batched, axis == 0 { return 1 }
      switch extent {
      case .known(let extent):
        guard extent > 0 else { throw file.failure(subject, "axis \(axis) has no extent") }
        return extent
      case .named(let name):
        if let given = options.extents[name], given > 0 { return given }
        throw PullbackError(
          .usage, "\(file.path): \(subject)",
          "the extent of axis \(axis)\(name.isEmpty ? "" : ", \(quoted(name)),") is open",
          advice: "say it: by the shape of the input, or by the name of the extent")
      }
    }
    return (shape, batched)
  }

  // MARK: Descriptions

  /// A graph whose nodes `body` appends.
  private func describe<Result>(
    _ inputs: [Description], _ body: (Lowering) throws -> Result
  ) throws -> (graph: Graph, lowering: Lowering, result: Result) {
    var failure: (any Error)?
    var made: (Lowering, Result)?
    let descriptions = inputs.map { description in
      Graph.InputDescription(
        description.input.name, description.inputShape,
        type: description.input.kind == .int32 || description.input.kind == .int64 ? .int64 : .float32)
    }
    let name = file.path.split(separator: "/").last.map(String.init) ?? file.path
    do {
      let graph = try Graph(name, inputs: descriptions) { signals in
        let slots = zip(zip(inputs, descriptions), signals).map { pair, signal in
          let (description, type) = (pair.0, pair.1.type)
          let slot = Slot(
            description.pictures?.applied(to: signal) ?? signal, dropped: description.drops,
            kind: description.input.kind,
            carries: description.input.kind.isFloat, type: type)
          return (name: description.input.name, slot: slot, signal: signal)
        }
        let lowering = Lowering(file, options, inputs: slots)
        for (name, value) in self.graph.constants { lowering.slots[name] = Slot(value) }
        for input in self.graph.inputs {
          guard let value = options.held[input.name] else { continue }
          let kind: ElementKind = input.kind.type == value.type ? input.kind : value.type == .float32 ? .float : .int64
          lowering.slots[input.name] = Slot(StoredValue(kind, value))
        }
        do {
          let result = try body(lowering)
          made = (lowering, result)
          return try outputs.map { output in
            guard let slot = lowering.slots[output] else {
              throw file.failure("output \(quoted(output))", "no node makes it")
            }
            guard !slot.isQuantised else {
              throw file.failure(
                "output \(quoted(output))", "it is quantised",
                advice: "end the graph at floats, behind DequantizeLinear")
            }
            return (output, try lowering.signal(slot, dropped: slot.canDrop && options.batch == .first))
          }
        } catch {
          failure = error
          return [("failed", signals[0])]
        }
      }
      if let failure { throw failure }
      return (graph, made!.0, made!.1)
    } catch {
      throw failure ?? error
    }
  }

  /// Computes what is known, and the shape of everything else. Nodes whose values are known are dropped; of a choice by
  /// a known condition, the nodes of the chosen branch take its place.
  private func look(_ lowering: Lowering) throws -> [OnnxNode] {
    var rest: [OnnxNode] = []
    var pending = Array(graph.nodes.reversed())
    while let node = pending.popLast() {
      if node.op == "If", node.domain.isEmpty {
        pending += try branch(of: node, lowering).reversed()
        continue
      }
      if try fold(node, lowering) { continue }
      try lowering.run([node])
      rest.append(node)
    }
    return rest
  }

  private func fold(_ node: OnnxNode, _ lowering: Lowering) throws -> Bool {
    let slots = node.inputs.map { $0.isEmpty ? nil : lowering.slots[$0] }
    if node.op == "Shape" || node.op == "Size", node.domain.isEmpty {
      try Lowering.operators[node.op]!(lowering, node)
      lowering.recordKnown(node)
      return true
    }
    guard zip(node.inputs, slots).allSatisfy({ $0.isEmpty || $1?.isConstant == true }),
      let values = try Folder(file: file, node: node, inputs: slots.map { $0?.constant }).outputs()
        ?? run(node, slots)
    else { return false }
    guard values.count >= node.outputs.count else {
      throw file.failure(
        "node \(quoted(node.name))", "it has \(node.outputs.count) outputs, and \(values.count) are known")
    }
    for (output, value) in zip(node.outputs, values) where !output.isEmpty {
      lowering.slots[output] = Slot(value)
      lowering.knownElements += value.count
    }
    guard lowering.knownElements <= mostKnownElements else {
      throw file.failure(
        "node \(quoted(node.name)) (\(node.op))",
        "up to here the nodes that only constants go into have \(lowering.knownElements) values",
        advice: "let the exporter fold constants")
    }
    lowering.recordKnown(node)
    return true
  }

  /// The values that nodes of constants may have in all. Each is kept: a small file could ask for any number. Large
  /// weights may be cast, dequantised and transposed one after another.
  private var mostKnownElements: Int { (1 << 28) + 8 * graph.constants.values.reduce(0) { $0 + $1.count } }

  /// The values of a node that the network's own operations compute of known ones; nil where they do not.
  private func run(_ node: OnnxNode, _ slots: [Slot?]) throws -> [StoredValue]? {
    guard let lower = Lowering.operators[node.fullOp], !node.outputs.isEmpty,
      let first = zip(node.inputs, slots).first(where: { $1?.kind.isFloat == true && $1?.shape.contains(0) == false }),
      let source = first.1?.constant, source.count <= Folder.limit
    else { return nil }
    var slot: Slot?
    let graph = try? Graph("fold", inputs: [Graph.InputDescription(first.0, source.shape)]) { signals in
      let lowering = Lowering(
        file, options,
        inputs: [(first.0, Slot(signals[0], dropped: false, kind: source.kind, carries: false), signals[0])])
      for (name, other) in zip(node.inputs, slots) where !name.isEmpty && name != first.0 {
        guard let value = other?.constant else { continue }
        // Without its name it is a constant, and no parameter.
        lowering.slots[name] = Slot(StoredValue(value.kind, value.shape) { try value.tensor() })
      }
      guard (try? lower(lowering, node)) != nil, let made = lowering.slots[node.outputs[0]],
        node.outputs.dropFirst().allSatisfy(\.isEmpty), lowering.parameters.isEmpty,
        let value = try? lowering.signal(made, dropped: false)
      else { return [("failed", signals[0])] }
      slot = made
      return [("value", value)]
    }
    guard let graph, let slot, graph.activationCount <= 8 * Folder.limit,
      let network = try? Network(graph, parameters: [:], executor: .plain),
      let value = try? network(source.tensor().reshaped([1] + source.shape))
    else { return nil }
    return [StoredValue(slot.kind, value.reshaped(Array(value.shape.dropFirst())))].map { stored in
      // Conditions and integers are computed as floats.
      slot.kind.isFloat
        ? stored
        : StoredValue(slot.kind, stored.shape) {
          Tensor(shape: stored.shape, integers: try stored.tensor().scalars.map { Int64($0) })
        }
    }
  }

  private func branch(of node: OnnxNode, _ lowering: Lowering) throws -> [OnnxNode] {
    guard let condition = lowering.optional(node, 0)?.constant, condition.count == 1 else {
      throw lowering.failure(
        node, "its condition depends on the input", advice: Refusals.advice(for: "If"))
    }
    let name = try condition.integers()[0] != 0 ? "then_branch" : "else_branch"
    guard let proto = node.attributes[name], proto.hasG, proto.g.output.count == node.outputs.count else {
      throw lowering.failure(node, "its \(name) is missing or of other outputs")
    }
    for tensor in proto.g.initializer where lowering.slots[tensor.name] == nil {
      lowering.slots[tensor.name] = Slot(try StoredValue(tensor, name: tensor.name, in: file))
    }
    var inliner = Inliner(file, ["": node.opset])
    let inner = try inliner.expand(proto.g.node)
    let renames = zip(proto.g.output, node.outputs).map { value, output in
      OnnxNode(
        name: "\(node.name)/\(output)", op: "Identity", domain: "", inputs: [value.name], outputs: [output],
        opset: node.opset)
    }
    return inner + renames
  }
}

extension OnnxNodeRecord {
  /// Whether the node's value was known when the file was read.
  fileprivate var isKnown: Bool { nodes.isEmpty && reason == Self.known }
  static let known = "known when the file is read"
}

extension Lowering {
  func recordKnown(_ node: OnnxNode) {
    append(OnnxNodeRecord(name: node.name, op: node.fullOp, nodes: [], reason: OnnxNodeRecord.known))
  }
}

extension OnnxPictures {
  /// The names of the nodes that a network begins with.
  static let names = ["preprocess.reverse", "preprocess.normalise", "preprocess.transpose"]

  /// The graph's input, of pictures.
  fileprivate func applied(to pictures: Signal) -> Signal {
    let channels = pictures.shape[0]
    let ordered =
      reversesChannels ? pictures.sliced(axis: 0, from: -1, to: -channels - 1, by: -1, Self.names[0]) : pictures
    let normalised = ordered.apply(ChannelAffine.normalisation(mean: mean, std: std), Self.names[1])
    return channelsLast ? normalised.transposed([1, 2, 0], Self.names[2]) : normalised
  }
}
