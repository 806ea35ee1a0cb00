import Pullbacks

// Goals: a file whose first axis is no batch is never read as if it were one, which would give other numbers in silence.
// Non-goals: a proof. Graphs of pictures are taken at their word, unless two that come in or what comes out contradict it.

extension Reader {
  /// Throws where the places of the first axis of what comes in are not treated apart, so that it is no batch: tokens that
  /// attend to each other, rows of a picture.
  ///
  /// The file is read as well without a batch axis, with several places along the first one, and both networks are run on
  /// the same numbers: on what will come in, if that is known, and on random ones. If the axis is a batch, the same values
  /// come out; of random numbers in whatever order.
  ///
  /// - Parameter network: the network that was read with the first axis as the batch.
  /// - Returns: what people should know where several places along the axis cannot be tried.
  func checkBatchAxis(_ network: Network) throws -> String? {
    guard options.batch == .first, options.pictures.isEmpty else { return nil }
    let untriedOfGiven = try givenPlaces(network).flatMap { try checkBatchAxis(network, of: $0) }
    guard let stated = placesToTry(), isSuspicious(stated.first!) else { return untriedOfGiven }
    let untried =
      statedBatch.map { "that the first axis, of extent \($0), is a batch could not be tried, and is assumed" }
      ?? untriedOfGiven
    let affordable = stated.first { $0 * network.graph.activationCount <= Self.checkedActivations }
    guard let extent = affordable else { return untried }
    // Values that are held are one for all places, or one for each.
    var isBatch: Bool?
    for repeating in [true, false] where isBatch != true {
      guard let other = wholeNetwork(extent, network, repeating: repeating) else { continue }
      isBatch = sameValues(network, other, extent) ?? isBatch
    }
    guard let isBatch else { return untried }
    guard isBatch else { throw noBatch(network, extent) }
    return untriedOfGiven
  }

  private func noBatch(_ network: Network, _ extent: Int) -> PullbackError {
    let shape = [extent] + network.graph.inputs[0].shape
    return file.failure(
      "input \(quoted(openInputs[0].name))", OnnxModel.noBatch,
      advice: "give its whole shape, as in \(openInputs[0].name)=" + shape.map(String.init).joined(separator: "x"))
  }

  // MARK: What will come in

  /// What will come in, if it is known; nil where that is one place along the first axis, which depends on no other, or as
  /// many as the file does not allow.
  private func givenPlaces(_ network: Network) -> [Tensor]? {
    var inputs: [Tensor] = []
    for (input, description) in zip(openInputs, network.graph.inputs) {
      guard let value = options.trial[input.name], let extent = value.shape.first, extent > 1,
        value.shape.dropFirst() == description.shape[...], value.type == description.type,
        extent == inputs.first?.shape[0] ?? extent, input.allows(extent)
      else { return nil }
      inputs.append(value)
    }
    return inputs
  }

  /// Throws where places that will come in depend on each other. Of many the first are tried, of pictures the first two.
  ///
  /// - Returns: what people should know where not all of them are tried.
  private func checkBatchAxis(_ network: Network, of given: [Tensor]) throws -> String? {
    let all = given[0].shape[0]
    let isSuspicious = isSuspicious(all)
    let affordable = Self.checkedActivations / max(1, network.graph.activationCount)
    let counts = isSuspicious ? [min(all, max(2, affordable)), 2, all] : [2, all]
    let tried = try counts.first { count in
      try checkBatchAxis(network, at: given.map { $0.images(0..<count) })
    }
    guard isSuspicious, tried != all else { return nil }
    let words = tried.map { "was tried with the first \($0) of \(all) places" } ?? "could not be tried at what comes in"
    return "that the first axis is a batch \(words), and is assumed"
  }

  /// Throws where places that will come in do not have the values apart that they have together, in the same order.
  ///
  /// - Returns: whether that could be tried.
  private func checkBatchAxis(_ network: Network, at given: [Tensor]) throws -> Bool {
    let extent = given[0].shape[0]
    guard openInputs.allSatisfy({ $0.allows(extent) }),
      extent * network.graph.activationCount <= Self.checkedActivationsOfGiven
    else { return false }
    for repeating in [false, true] {
      guard let other = wholeNetwork(extent, network, repeating: repeating),
        let together = other.value(given.map { $0.reshaped([1] + $0.shape) })
      else { continue }
      // Places that have no values apart are no batch.
      guard let apart = network.value(given),
        apart.isSame(as: together) || isRounding(apart, together, given, of: network)
      else { throw noBatch(network, extent) }
      return true
    }
    return false
  }

  /// Whether values apart and together differ by no more than rounding explains, which a deep network makes larger: by no
  /// more than values apart do if what comes in changes by a millionth.
  private func isRounding(_ apart: Tensor, _ together: Tensor, _ inputs: [Tensor], of network: Network) -> Bool {
    guard let difference = apart.largestDifference(from: together) else { return false }
    return [0x1p-20, -0x1p-20].contains { (share: Float) in
      let nudged = inputs.map { $0.nudged(by: share) }
      return network.value(nudged).flatMap(apart.largestDifference).map { difference <= $0 } ?? false
    }
  }

  // MARK: Random numbers

  /// The network of the file without a batch axis, with `extent` places along the first one; nil where it cannot be read
  /// so, which tells nothing: some files have a batch of one written into their nodes.
  private func wholeNetwork(_ extent: Int, _ network: Network, repeating: Bool) -> Network? {
    var whole = options
    whole.batch = .none
    whole.fixedBatch = nil
    for (input, description) in zip(openInputs, network.graph.inputs) {
      let shape = options.shapes[input.name] ?? [1] + description.shape
      whole.shapes[input.name] = [extent] + shape.dropFirst()
    }
    for input in graph.inputs where repeating {
      guard let value = options.held[input.name], value.shape.first == 1, !input.isOfOne else { continue }
      whole.held[input.name] = value.repeated(extent)
    }
    guard let other = try? Reader(file, graph, whole).network(),
      zip(network.graph.inputs, other.graph.inputs).allSatisfy({ [extent] + $0.shape == $1.shape })
    else { return nil }
    return other
  }

  /// Whether two networks have the same values, place by place and all together; nil where they have none.
  private func sameValues(_ network: Network, _ other: Network, _ extent: Int) -> Bool? {
    // Some networks have values at positive numbers alone.
    for isPositive in [false, true] {
      let numbers = network.graph.inputs.enumerated().map { place, input in
        let (shape, stream) = ([extent] + input.shape, RandomStream(seed: 0, "batch axis", image: place))
        if input.type == .int64 {
          return Tensor(shape: shape, integers: stream.integers(below: 2, count: shape.product).map(Int64.init))
        }
        let normals = stream.normals(shape)
        return isPositive ? Tensor(shape: shape, normals.scalars.map { abs($0) + 0.5 }) : normals
      }
      guard let apart = network.value(numbers), let together = other.value(numbers.map { $0.reshaped([1] + $0.shape) })
      else { continue }
      guard let isSame = apart.hasSameValues(as: together) else { continue }
      return isSame || isRounding(apart, together, numbers, of: network)
    }
    return nil
  }

  /// The largest number of values that are computed of random numbers to look at the first axis.
  private static let checkedActivations = 1 << 24
  /// The largest number of values that are computed of what comes in: two images of a ResNet-50.
  private static let checkedActivationsOfGiven = 1 << 26

  private var openInputs: [OnnxGraph.Input] { graph.inputs.filter { options.held[$0.name] == nil } }

  /// The numbers of places along the first axis at which the file can be read, the best one first; nil where there is one
  /// place.
  private func placesToTry() -> [Int]? {
    var stated: Set<Int> = []
    for input in openInputs {
      guard let first = input.extents.first else { return nil }
      if case .known(let extent) = first { stated.insert(extent) }
    }
    // Windows over time may see only places that lie apart.
    guard let extent = stated.first else { return [17, 3] }
    return stated.count == 1 && extent > 1 ? [extent] : nil
  }

  /// Whether the first axis may be no batch: what comes in is no picture, or the axis is not that of what comes out.
  private func isSuspicious(_ extent: Int) -> Bool {
    let first = openInputs[0]
    if first.extents.count < 4 { return true }
    guard let output = file.model.graph.output.first(where: { $0.name == outputs[0] }),
      case .tensorType(let type)? = output.type.value, type.hasShape
    else { return false }
    guard case .dimValue(let count)? = type.shape.dim.first?.value else { return type.shape.dim.isEmpty }
    if case .known = first.extents[0] { return Int(count) % extent != 0 }
    return true
  }
}

extension OnnxModel {
  /// The problem of the error about a file whose first axis is no batch.
  public static let noBatch = "its first axis is no batch: what comes out for one place along it depends on the others"
}

extension Network {
  /// The value at the inputs, in their order; nil where there is none.
  fileprivate func value(_ inputs: [Tensor]) -> Tensor? {
    let names = graph.inputs.map(\.name)
    return try? trace(at: Dictionary(uniqueKeysWithValues: zip(names, inputs)), rules: []).value
  }
}

extension OnnxGraph.Input {
  /// Whether as many places may come in along the first axis.
  fileprivate func allows(_ extent: Int) -> Bool {
    guard let first = extents.first else { return false }
    if case .known(let stated) = first { return stated == extent }
    return true
  }

  /// Whether the first axis has the one extent 1, or is none.
  fileprivate var isOfOne: Bool {
    guard let first = extents.first else { return true }
    if case .known(let extent) = first { return extent == 1 }
    return false
  }
}

extension Tensor {
  /// Whether a tensor has the same numbers but for rounding: in the same order where the shapes agree, else in whatever
  /// order; nil where some are no numbers.
  fileprivate func hasSameValues(as other: Tensor) -> Bool? {
    guard count == other.count else { return false }
    var (ours, theirs) = (scalarsOfAnyType, other.scalarsOfAnyType)
    guard ours.allSatisfy(\.isFinite), theirs.allSatisfy(\.isFinite) else { return nil }
    if [1] + shape != other.shape { (ours, theirs) = (ours.sorted(), theirs.sorted()) }
    return Self.areClose(ours, theirs)
  }

  /// Whether a tensor has the same numbers but for rounding, and the same axes but for those of one place.
  fileprivate func isSame(as other: Tensor) -> Bool {
    shape.filter { $0 != 1 } == other.shape.filter { $0 != 1 }
      && Self.areClose(scalarsOfAnyType, other.scalarsOfAnyType)
  }

  /// The largest difference of two numbers; nil where the axes differ, but for those of one place, or some are no numbers.
  fileprivate func largestDifference(from other: Tensor) -> Float? {
    guard shape.filter({ $0 != 1 }) == other.shape.filter({ $0 != 1 }) else { return nil }
    let differences = zip(scalarsOfAnyType, other.scalarsOfAnyType).map { abs($0 - $1) }
    return differences.allSatisfy(\.isFinite) ? differences.max() : nil
  }

  /// Every number larger or smaller by a share, by turns. Integers are as they were.
  fileprivate func nudged(by share: Float) -> Tensor {
    guard type == .float32 else { return self }
    return Tensor(shape: shape, scalars.enumerated().map { $1 * (1 + ($0 % 2 == 0 ? share : -share)) })
  }

  private static func areClose(_ ours: [Float], _ theirs: [Float]) -> Bool {
    let scale = ours.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
    return zip(ours, theirs).allSatisfy { ours, theirs in
      ours == theirs || ours.isNaN && theirs.isNaN || abs(ours - theirs) <= 1e-4 * scale
    }
  }

  private var scalarsOfAnyType: [Float] { type == .float32 ? scalars : integers.map(Float.init) }
}
