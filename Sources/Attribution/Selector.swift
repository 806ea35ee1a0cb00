import Foundation
import Pullbacks

/// The quantity of one image's output that is explained.
public enum Target: Hashable, Sendable {
  /// A linear combination of output values by their index, `sum w_i y_i`: a class's logit, a contrast, a neuron.
  case combination([Int: Float])
  /// The log-probability of a class, `log softmax(y)_c`, the negative of the cross-entropy.
  case logProbability(Int)
  /// The sum of a channel of an inner node's value over its places.
  case channel(Int)
  /// A weight for every output value, in the output's shape without the batch axis: `sum w_i y_i`.
  case weights(Tensor)

  /// A class's logit.
  ///
  /// - Parameter target: the class's number.
  public static func logit(_ target: Int) -> Target { .combination([target: 1]) }

  /// The difference of two classes, `y_a - y_b`.
  ///
  /// - Parameters:
  ///   - a: the number of the class that is spoken for.
  ///   - b: the number of the other.
  public static func contrast(_ a: Int, _ b: Int) -> Target {
    .combination(a == b ? [a: 0] : [a: 1, b: -1])
  }

  /// Throws unless an output has what is asked for.
  ///
  /// - Parameters:
  ///   - shape: the output's, without the batch axis.
  ///   - name: the network's, for the message.
  public func check(_ shape: [Int], of name: String) throws(PullbackError) {
    let count = shape.reduce(1, *)
    switch self {
    case .combination(let weights):
      for index in weights.keys.sorted() where !(0..<count).contains(index) {
        throw PullbackError(.usage, "class \(index)", "\(name) has the classes 0 to \(count - 1)")
      }
      for weight in weights.values where !weight.isFinite {
        throw PullbackError(.usage, "target", "expected finite weights, found \(weight)")
      }
    case .logProbability(let target):
      guard shape.count == 1, (0..<count).contains(target) else {
        throw PullbackError(.usage, "class \(target)", "\(name) has outputs of shape \(shape)")
      }
    case .channel(let channel):
      guard let channels = shape.first, (0..<channels).contains(channel) else {
        throw PullbackError(.usage, "channel \(channel)", "\(name) has outputs of shape \(shape)")
      }
    case .weights(let weights):
      guard weights.shape == shape else {
        throw PullbackError(
          .usage, "selector", "expected one of the shape \(shape) of the output of \(name), found \(weights.shape)")
      }
      guard weights.withUnsafeBuffer({ $0.allSatisfy(\.isFinite) }) else {
        throw PullbackError(.usage, "selector", "expected finite weights")
      }
    }
  }

  public func hash(into hasher: inout Hasher) {
    switch self {
    case .combination(let weights): hasher.combine(weights)
    case .logProbability(let target): hasher.combine([0, target])
    case .channel(let channel): hasher.combine([1, channel])
    // Equal weights have equal shapes; to hash every value would cost more than the rare comparison.
    case .weights(let weights): hasher.combine(weights.shape)
    }
  }

  /// The derivative of the target with respect to the output values `y` of one image.
  fileprivate func write(_ cotangent: UnsafeMutableBufferPointer<Float>, at y: ArraySlice<Float>, channels: Int) {
    cotangent.update(repeating: 0)
    switch self {
    case .combination(let weights):
      for (index, weight) in weights { cotangent[index] = weight }
    case .logProbability(let target):
      for (index, probability) in probabilities(y).enumerated() { cotangent[index] = Float(-probability) }
      cotangent[target] += 1
    case .channel(let channel):
      let places = cotangent.count / channels
      for place in 0..<places { cotangent[channel * places + place] = 1 }
    case .weights(let weights):
      weights.withUnsafeBuffer { _ = cotangent.update(fromContentsOf: $0) }
    }
  }

  /// The target's value.
  fileprivate func value(of y: ArraySlice<Float>, channels: Int) -> Double {
    switch self {
    case .combination(let weights):
      return weights.sorted { $0.key < $1.key }.reduce(0) { $0 + Double($1.value) * Double(y[y.startIndex + $1.key]) }
    case .logProbability(let target):
      return log(probabilities(y)[target])
    case .channel(let channel):
      let places = y.count / channels
      return y.dropFirst(channel * places).prefix(places).reduce(0) { $0 + Double($1) }
    case .weights(let weights):
      return weights.withUnsafeBuffer { weights in
        zip(weights, y).reduce(0) { $0 + Double($1.0) * Double($1.1) }
      }
    }
  }

  /// Whether it selects nothing: its weights are all 0, and so is every attribution.
  package var selectsNothing: Bool {
    switch self {
    case .combination(let weights): weights.values.allSatisfy { $0 == 0 }
    case .weights(let weights): weights.withUnsafeBuffer { $0.allSatisfy { $0 == 0 } }
    case .logProbability, .channel: false
    }
  }

  /// The class whose logit this is, if it is one.
  var singleClass: Int? {
    guard case .combination(let weights) = self, weights.count == 1, weights.first?.value == 1 else { return nil }
    return weights.first?.key
  }
}

/// The softmax of logits.
func probabilities(_ logits: some Collection<Float>) -> [Double] {
  let largest = Double(logits.max() ?? 0)
  let exponentials = logits.map { exp(Double($0) - largest) }
  let total = exponentials.reduce(0, +)
  return exponentials.map { $0 / total }
}

/// The quantities of a network's output that are explained, image by image.
public struct Selector: Sendable, Equatable {
  /// One for each image.
  public var targets: [Target]

  /// - Parameter targets: one for each image.
  public init(_ targets: [Target]) { self.targets = targets }

  /// The logit of one class per image.
  ///
  /// - Parameter classes: their numbers.
  public static func classes(_ classes: [Int]) -> Selector { Selector(classes.map(Target.logit)) }

  /// The same target for every image of a batch.
  ///
  /// - Parameters:
  ///   - target: the quantity that is explained in each.
  ///   - images: the number of images.
  public static func all(_ target: Target, images: Int) -> Selector {
    Selector([Target](repeating: target, count: images))
  }

  /// The selector of a batch whose rows are these images of this one.
  ///
  /// - Parameter images: their indices.
  public subscript(images: [Int]) -> Selector { Selector(images.map { targets[$0] }) }

  /// The cotangent at which the network is pulled back, where its output is `value`.
  ///
  /// - Parameters:
  ///   - value: the network's output, a row for each image.
  ///   - network: the network whose output it is.
  /// - Throws: `PullbackError` for a class or channel that the output does not have, or another number of targets
  ///   than of images.
  public func cotangent(at value: Tensor, of network: Network) throws(PullbackError) -> Tensor {
    try check(value, network)
    let size = value.count / max(1, value.shape[0])
    let values = value.scalars
    return Tensor(shape: value.shape) { buffer in
      for (image, target) in targets.enumerated() {
        let rows = image * size..<(image + 1) * size
        target.write(
          UnsafeMutableBufferPointer(rebasing: buffer[rows]), at: values[rows],
          channels: network.graph.outputShape.first ?? 1)
      }
    }
  }

  /// The value of each image's target.
  ///
  /// - Parameters:
  ///   - value: the network's output, a row for each image.
  ///   - network: the network whose output it is.
  /// - Throws: as ``cotangent(at:of:)``.
  public func values(of value: Tensor, of network: Network) throws(PullbackError) -> [Double] {
    try check(value, network)
    let size = value.count / max(1, value.shape[0])
    let values = value.scalars
    return targets.enumerated().map { image, target in
      target.value(of: values[image * size..<(image + 1) * size], channels: network.graph.outputShape.first ?? 1)
    }
  }

  private func check(_ value: Tensor, _ network: Network) throws(PullbackError) {
    guard targets.count == value.shape[0] else {
      throw PullbackError(.usage, "target", "expected one for each of \(value.shape[0]) images, found \(targets.count)")
    }
    for target in Set(targets) { try target.check(network.graph.outputShape, of: network.graph.name) }
  }
}

/// One class that a network sees in an image.
public struct Prediction: Sendable, Equatable {
  /// The class, its place among the logits.
  public let target: Int
  /// Its logit.
  public let logit: Float
  /// Softmax of the logits, in `[0, 1]`.
  public let probability: Double

  /// The classes of one image in the order of their logits, the largest first; ties in the order of the classes.
  ///
  /// - Parameter logits: the logits of one image, `(classes)` values.
  public static func ranking(_ logits: [Float]) -> [Prediction] {
    let probabilities = probabilities(logits)
    return logits.indices.map { Prediction(target: $0, logit: logits[$0], probability: probabilities[$0]) }
      .sorted { $0.logit != $1.logit ? $0.logit > $1.logit : $0.target < $1.target }
  }
}
