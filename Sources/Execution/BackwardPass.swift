import Kernels
import Pullbacks

/// A run back through a network's nodes: each node's rule takes the cotangent of its value to cotangents of its inputs.
struct BackwardPass {
  private let network: FastNetwork
  private let layout: RuleLayout
  private let stops: Set<Int>
  /// The node to end at.
  let last: Int

  init(_ network: FastNetwork, layout: RuleLayout, stops: Set<Int>) {
    self.network = network
    self.layout = layout
    self.stops = stops
    last = stops.min() ?? 0
  }

  /// Pulls the cotangents of nodes in `range` back, to the nodes before it or to the last stop.
  ///
  /// - Returns: the cotangents at the stops in the range.
  func run(_ range: Range<Int>, in record: PassRecord, _ cotangents: inout Cotangents) -> [Int: Tensor] {
    let graph = network.graph
    var arrived: [Int: Tensor] = [:]
    for index in range.reversed() where index >= last && layout.carries[index] {
      guard let v = cotangents.take(index) else { continue }
      if stops.contains(index) { arrived[index] = v }
      if index == last { break }
      let node = graph.nodes[index]
      let wants = node.inputs.map { layout.carries[$0] }
      if wants.first == true, network.consumers[node.inputs[0]].first == index,
        pullFinishing(v, through: index, record, &cotangents)
      {
        continue
      }
      let site = network.site(index, wants: wants, record)
      cotangents.add(layout.rules[index].pull(v, at: site), to: node, wants: wants, in: graph)
    }
    return arrived
  }

  /// Pulls back through a convolution or a max pool, and in the same pass over memory through the activation and the
  /// batch norm whose value it takes. All other cotangents of its input must be known.
  ///
  /// - Returns: false if the node is neither, or its rule is none whose result can be finished.
  private func pullFinishing(
    _ v: Tensor, through index: Int, _ record: PassRecord, _ cotangents: inout Cotangents
  ) -> Bool {
    guard let adjoint = finishedAdjoint(of: index, record) else { return false }
    let nodes = network.graph.nodes
    let input = nodes[index].inputs[0]
    var finish = TensorFinish()
    var target = input
    if let known = cotangents[target] { finish.add(known) }
    // The other summand, to which the cotangent of `target` goes unchanged.
    var shared: (node: Int, cotangent: Tensor)?
    if !stops.contains(target), let z = nodes[target].inputs.first.flatMap({ record.values[$0] }),
      keepsOrder(of: target, in: nodes[target].inputs[0], at: index), let gates = gates(of: target, at: z)
    {
      finish.gate(z, gates)
      target = nodes[target].inputs[0]
    }
    if target != input, !stops.contains(target), network.consumers[target].count == 1 {
      if nodes[target].operation is Add, layout.rules[target] is Gradient,
        let norm = nodes[target].inputs.first(where: { isFrozenNorm($0) && $0 > last }),
        let other = nodes[target].inputs.first(where: { $0 != norm }), nodes[target].inputs.count == 2,
        nodes[norm].shape == nodes[other].shape, nodes[other].isBatched, keepsOrder(of: target, in: other, at: index)
      {
        if layout.carries[other] { shared = (other, finish.copy(shape: [record.images] + nodes[input].shape)) }
        target = norm
      }
      if isFrozenNorm(target), !stops.contains(target), keepsOrder(of: target, in: nodes[target].inputs[0], at: index) {
        finish.scale(network.norm(target).scale)
        target = nodes[target].inputs[0]
      }
    }
    let pulled = adjoint(v, finish)
    cotangents[input] = nil
    if let shared { cotangents.add(shared.cotangent, to: shared.node) }
    cotangents.add(pulled, to: target)
    return true
  }

  /// Whether node `target`'s cotangent is the same sum, to the bit, if the part of its consumer `node` is added when
  /// node `index` is reached: nodes between the two add theirs later then. Of two parts the order does not matter.
  private func keepsOrder(of node: Int, in target: Int, at index: Int) -> Bool {
    let consumers = network.consumers[target]
    return !consumers.contains { node < $0 && $0 < index }
      || consumers.count == 2 && !network.graph.outputs.contains { $0.node == target }
  }

  /// The adjoint that the rule of node `index` stands for, if further steps can be done to its result while it is in
  /// cache.
  private func finishedAdjoint(of index: Int, _ record: PassRecord) -> ((Tensor, TensorFinish) -> Tensor)? {
    let node = network.graph.nodes[index]
    let rule = layout.rules[index]
    if let convolution = node.operation as? Convolution, rule is Gradient {
      let input = [record.images] + network.graph.nodes[node.inputs[0]].shape
      return { v, finish in
        convolution.adjoint(v, input: input, network.preparedWeight(index), finish: finish)
      }
    }
    guard let pool = node.operation as? MaxPool else { return nil }
    let values = KeptValues(node, index, record, network)
    let adjoints: [MaxPoolShape.Adjoint]
    switch rule {
    case is Gradient: adjoints = [.hard]
    case let rule as any PoolingRule: adjoints = rule.adjoints(at: values.input(0)!)
    default: return nil
    }
    return { v, finish in
      let (x, isRectified) = values.rectifiableInput(0)!
      return pool.adjoint(adjoints, v, at: x, isRectified: isRectified, finish: finish)
    }
  }

  /// The gates that node `index` is pulled back by at z, one for all or one for each of some planes, if it is an
  /// activation whose rule is such.
  private func gates(of index: Int, at z: Tensor) -> [GateMap]? {
    let node = network.graph.nodes[index]
    guard layout.carries[index], let input = node.inputs.first, layout.carries[input] else { return nil }
    switch layout.rules[index] {
    case let rule as any DiagonalRule where node.operation is any Elementwise:
      return rule.map(at: node.operation).map { [$0] }
    case let rule as any PlanewiseRule: return rule.maps(at: node.operation, network.parameters[index], z)
    default: return nil
    }
  }

  /// Whether node `index` is a batch norm that is pulled back by its scale alone and taken once.
  private func isFrozenNorm(_ index: Int) -> Bool {
    let node = network.graph.nodes[index]
    return node.operation is BatchNorm && layout.rules[index] is Gradient && network.consumers[index].count == 1
      && layout.carries[index] && layout.carries[node.inputs[0]]
  }
}

/// The values that a fast pass kept at a node; ReLUs may not have been written.
struct KeptValues: SiteValues {
  private let inputs: [Tensor?]
  /// For inputs that were never written, the values that have to be rectified to give them.
  private let deferred: [Tensor?]
  let output: Tensor?
  private let images: [Int]
  private let network: FastNetwork
  private let index: Int

  init(_ node: Graph.Node, _ index: Int, _ record: PassRecord, _ network: FastNetwork) {
    let nodes = network.graph.nodes
    inputs = node.inputs.map { record.values[$0] }
    deferred = node.inputs.map { record.isDeferred[$0] ? record.values[nodes[$0].inputs[0]] : nil }
    output = record.values[index]
    images = network.graph.operandShapes(index, images: record.images).map { $0[0] }
    self.network = network
    self.index = index
  }

  /// Input `index`, or the value that has to be rectified to give it.
  func rectifiableInput(_ index: Int) -> (Tensor, isRectified: Bool)? {
    if let value = inputs[index] { return (value, false) }
    return deferred[index].map { ($0, true) }
  }

  func input(_ index: Int) -> Tensor? {
    guard let (value, isRectified) = rectifiableInput(index) else { return nil }
    if isRectified { return ReLU().forward([value], [], mode: .evaluation).output }
    return value.shape[0] == images[index] ? value : value.repeated(images[index])
  }

  func gradient(_ v: Tensor, at site: Site) -> [Tensor?] {
    guard let convolution = site.operation as? Convolution else { return site.operation.gradient(v, at: site) }
    return [
      convolution.adjoint(
        v, input: site.inputShapes[0], network.preparedWeight(index), finish: TensorFinish())
    ]
  }
}

extension FastNetwork {
  /// The place of node `index` in a recorded pass.
  func site(_ index: Int, wants: [Bool], _ record: PassRecord) -> Site {
    let node = graph.nodes[index]
    return Site(
      name: node.name, operation: node.operation, parameters: parameters[index],
      inputShapes: graph.operandShapes(index, images: record.images), wants: wants, saved: record.saved[index],
      mode: .evaluation, values: KeptValues(node, index, record, self))
  }
}
