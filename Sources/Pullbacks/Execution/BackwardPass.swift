import Kernels

/// A run back through a network's nodes: each node's rule takes the cotangent of its value to cotangents of its inputs.
struct BackwardPass {
  let network: Network
  let plan: Trace.Plan
  let mode: Mode
  let consumers: [[Int]]

  init(_ network: Network, plan: Trace.Plan, mode: Mode) {
    self.network = network
    self.plan = plan
    self.mode = mode
    consumers = network.graph.consumers
  }

  /// Pulls the cotangents of nodes in `range` back, to the nodes before it or to node `stop`.
  func run(_ range: Range<Int>, to stop: Int, in record: Record, images: Int, _ cotangents: inout [Tensor?]) {
    for index in range.reversed() where index > stop && plan.carries[index] {
      guard let cotangent = cotangents[index] else { continue }
      cotangents[index] = nil
      let node = network.graph.nodes[index]
      let site = network.site(index, wants: node.inputs.map { plan.carries[$0] }, record, images: images, mode: mode)
      if network.execution != .plain, mode == .evaluation, let rule = plan.rules[index] as? any FinishingRule,
        site.wants[0], consumers[node.inputs[0]].first == index,
        pullFinishing(cotangent, by: rule, at: site, to: node.inputs[0], stop, record, &cotangents)
      {
        continue
      }
      accumulate(plan.rules[index].pull(cotangent, at: site), site.wants, node, into: &cotangents)
    }
  }

  /// Pulls back through a node, and in the same pass over memory through the activation and the batch norm whose value
  /// it takes. All other cotangents of its input must be known.
  ///
  /// - Returns: false if the rule cannot do so here.
  private func pullFinishing(
    _ v: Tensor, by rule: any FinishingRule, at site: Site, to input: Int, _ stop: Int, _ record: Record,
    _ cotangents: inout [Tensor?]
  ) -> Bool {
    guard rule.canFinish(site.operation) else { return false }
    let nodes = network.graph.nodes
    var finish = TensorFinish()
    var target = input
    if let known = cotangents[target] { finish.add(known) }
    // Others that the cotangent of `target` goes to unchanged.
    var shared: (node: Int, cotangent: Tensor)?
    if target != stop, let gate = gate(of: target), let z = record.values[nodes[target].inputs[0]] {
      finish.gate(z, gate)
      target = nodes[target].inputs[0]
    }
    if target != input, target != stop, consumers[target].count == 1 {
      if nodes[target].operation is Add, plan.rules[target] is Gradient,
        let norm = nodes[target].inputs.first(where: { isFrozenNorm($0) && $0 > stop }),
        let other = nodes[target].inputs.first(where: { $0 != norm }), nodes[target].inputs.count == 2
      {
        if plan.carries[other] { shared = (other, finish.copy(shape: site.inputShapes[0])) }
        target = norm
      }
      if isFrozenNorm(target) {
        finish.scale(network.prepared.norm(target).scale)
        target = nodes[target].inputs[0]
      }
    }
    let pulled = rule.pull(v, at: site, finish: finish)
    cotangents[input] = nil
    if let shared { add(shared.cotangent, to: shared.node, &cotangents) }
    add(pulled, to: target, &cotangents)
    return true
  }

  /// The gate that node `index` is pulled back by, if it is an activation whose rule is one.
  private func gate(of index: Int) -> Gate? {
    guard plan.carries[index], plan.carries[network.graph.nodes[index].inputs.first ?? 0],
      let activation = network.graph.nodes[index].operation as? Activation
    else { return nil }
    return (plan.rules[index] as? any GatingRule)?.gate(of: activation)
  }

  /// Whether node `index` is a batch norm that is pulled back by its scale alone and taken once.
  private func isFrozenNorm(_ index: Int) -> Bool {
    let node = network.graph.nodes[index]
    return node.operation is BatchNorm && plan.rules[index] is Gradient && consumers[index].count == 1
      && plan.carries[index] && plan.carries[node.inputs[0]]
  }

  private func accumulate(_ pulled: [Tensor?], _ wants: [Bool], _ node: Graph.Node, into cotangents: inout [Tensor?]) {
    for ((input, wanted), part) in zip(zip(node.inputs, wants), pulled) where wanted {
      if let part { add(part, to: input, &cotangents) }
    }
  }

  private func add(_ part: Tensor, to node: Int, _ cotangents: inout [Tensor?]) {
    if cotangents[node] == nil { cotangents[node] = part } else { cotangents[node]! += part }
  }
}

/// A rule of activations that multiplies the cotangent by a function of the pre-activation.
protocol GatingRule: Rule {
  func gate(of activation: Activation) -> Gate?
}

/// A rule that can do further steps to each value that it has pulled back while it is in cache.
protocol FinishingRule: Rule {
  func canFinish(_ operation: any Operation) -> Bool
  /// The cotangent of input 0, finished.
  func pull(_ v: Tensor, at site: Site, finish: TensorFinish) -> Tensor
}

extension Gradient: FinishingRule, GatingRule {
  func canFinish(_ operation: any Operation) -> Bool { operation is Convolution || operation is MaxPool }

  func pull(_ v: Tensor, at site: Site, finish: TensorFinish) -> Tensor {
    if let pool = site.operation as? MaxPool { return pool.gradient(v, at: site, finish: finish) }
    return site.operation(as: Convolution.self).adjoint(v, at: site, finish: finish)
  }

  func gate(of activation: Activation) -> Gate? { activation.derivative }
}
