import Foundation
import Networks
import Pullbacks

/// Adam with decoupled weight decay.
///
/// With gradient g, rate r and step t = 1, 2, ... each parameter p becomes
///
///     p <- (1 - r decay) p
///     m <- b1 m + (1 - b1) g,    v <- b2 v + (1 - b2) g^2
///     p <- p - r (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
///
/// Matrices and kernels decay, vectors (biases, scales and shifts of norms) do not.
/// Source: Loshchilov & Hutter, Decoupled Weight Decay Regularization (2019, arXiv 1711.05101), as `torch.optim.AdamW`.
public struct AdamW: Sendable {
  public var decay: Double
  public var momenta = (first: 0.9, second: 0.999)
  public var epsilon = 1e-8
  /// The number of steps made so far.
  public internal(set) var step = 0
  /// Running means of the gradient and of its square, by parameter.
  public internal(set) var moments: [String: (first: Tensor, second: Tensor)] = [:]

  public init(decay: Double) { self.decay = decay }

  /// One step of all parameters that have a gradient.
  ///
  /// - Parameters:
  ///   - parameters: the parameters by full name; those without a gradient stay.
  ///   - gradients: the gradients of the loss, by full name.
  ///   - rate: the learning rate of this step.
  /// - Precondition: gradients have their parameters' shapes.
  public mutating func update(_ parameters: inout [String: Tensor], gradients: [String: Tensor], rate: Double) {
    step += 1
    let scale = Float(rate / (1 - power(momenta.first, step)))
    let correction = Float(1 / (1 - power(momenta.second, step)).squareRoot())
    // 1 - b is rounded once: as a difference of floats, 1 - 0.999 would be off in the fifth digit.
    let (new1, b2, new2) = (Float(1 - momenta.first), Float(momenta.second), Float(1 - momenta.second))
    let epsilon = Float(epsilon)
    for (name, gradient) in gradients {
      let kept = gradient.rank > 1 ? Float(1 - rate * decay) : 1
      var p = parameters[name]!
      parameters[name] = nil
      let zero = Tensor(shape: gradient.shape)
      var (m, v) = moments.removeValue(forKey: name) ?? (zero, zero)
      gradient.withUnsafeBuffer { g in
        p.withUnsafeMutableBuffer { p in
          m.withUnsafeMutableBuffer { m in
            v.withUnsafeMutableBuffer { v in
              for i in g.indices {
                m[i] += new1 * (g[i] - m[i])
                v[i] = b2 * v[i] + new2 * g[i] * g[i]
                p[i] = kept * p[i] - scale * m[i] / (v[i].squareRoot() * correction + epsilon)
              }
            }
          }
        }
      }
      parameters[name] = p
      moments[name] = (m, v)
    }
  }
}

/// `base` to a whole power, by multiplication alone: the same bits on every machine.
private func power(_ base: Double, _ exponent: Int) -> Double {
  var (result, factor, rest) = (1.0, base, exponent)
  while rest > 0 {
    if rest & 1 == 1 { result *= factor }
    factor *= factor
    rest >>= 1
  }
  return result
}

/// A learning rate that rises linearly to its peak and falls along half a cosine to zero.
///
/// At step s = 0, 1, ... of n with w steps of warm-up: `peak (s + 1) / w` for s < w, and afterwards
/// `peak (1 + cos(pi (s - w) / (n - w))) / 2`.
/// Source: Loshchilov & Hutter, SGDR (2017, arXiv 1608.03983), without restarts.
public struct CosineSchedule: Sendable {
  public let peak: Double
  public let steps: Int
  public let warmUp: Int

  /// - Precondition: `warmUp` is less than `steps`.
  public init(peak: Double, steps: Int, warmUp: Int) {
    precondition((0..<steps).contains(warmUp), "\(warmUp) of \(steps) steps cannot be warm-up")
    (self.peak, self.steps, self.warmUp) = (peak, steps, warmUp)
  }

  /// The rate of step `step`, counted from 0.
  public subscript(step: Int) -> Double {
    if step < warmUp { return peak * Double(step + 1) / Double(warmUp) }
    return peak * (1 + cos(.pi * Double(step - warmUp) / Double(steps - warmUp))) / 2
  }
}

/// Cross-entropy of softmax probabilities against labels whose certainty is smoothed.
///
/// For logits z of C classes and label c the target is `q_k = (1 - s) [k = c] + s / C`, the loss of an image
/// `-sum_k q_k log softmax(z)_k`, and its gradient `softmax(z) - q`. Of a batch: the mean.
/// Source: Szegedy et al., Rethinking the Inception Architecture (2015, arXiv 1512.00567), section 7.
public struct CrossEntropy: Sendable {
  /// s, from 0 (no smoothing) to less than 1.
  public var smoothing: Double

  public init(smoothing: Double = 0) { self.smoothing = smoothing }

  /// The loss, and what a training step wants to know besides.
  public struct Value: Sendable {
    /// The mean over the batch.
    public let loss: Double
    /// The gradient of ``loss`` with respect to the logits, `(N, C)`.
    public let cotangent: Tensor
    /// The number of images whose label has the largest logit.
    public let correct: Int
  }

  /// - Parameters:
  ///   - logits: `(N, C)`.
  ///   - labels: N classes.
  /// - Throws: `PullbackError` if there are not as many labels as rows, or one is not a class.
  public func callAsFunction(_ logits: Tensor, _ labels: [Int]) throws(PullbackError) -> Value {
    guard logits.rank == 2, logits.shape[0] == labels.count, !labels.isEmpty else {
      throw PullbackError(.usage, "labels", "\(labels.count) do not fit logits of shape \(logits.shape)")
    }
    let classes = logits.shape[1]
    if let label = labels.first(where: { !(0..<classes).contains($0) }) {
      throw PullbackError(.usage, "label \(label)", "the classes are 0 to \(classes - 1)")
    }
    let z = logits.scalars.map(Double.init)
    var (loss, correct) = (0.0, 0)
    let cotangent = Tensor(shape: logits.shape) { cotangent in
      for (image, label) in labels.enumerated() {
        let row = z[image * classes..<(image + 1) * classes]
        let greatest = row.max()!
        if row.firstIndex(of: greatest) == row.startIndex + label { correct += 1 }
        let logSum = log(row.reduce(0) { $0 + exp($1 - greatest) }) + greatest
        for (index, value) in zip(row.indices, row) {
          let target = smoothing / Double(classes) + (index == row.startIndex + label ? 1 - smoothing : 0)
          loss -= target * (value - logSum)
          cotangent[index] = Float((exp(value - logSum) - target) / Double(labels.count))
        }
      }
    }
    return Value(loss: loss / Double(labels.count), cotangent: cotangent, correct: correct)
  }
}

extension Network {
  /// `graph` before any training, its parameters drawn from the stream "initial <name>" of `seed`.
  ///
  /// Convolutions: `N(0, 2 / (outputs per group * kernel places))` (He et al., 2015, arXiv 1502.01852, in its fan-out
  /// form). Matrices: `N(0, 2 / (inputs + outputs))` (Glorot & Bengio, 2010). Scales and running variances are 1, but
  /// the scales of batch norms `normScale`; biases, shifts and running means 0.
  public init(
    untrained graph: Graph, seed: UInt64, normScale: Double = Recipe.usualNormScale
  ) throws(PullbackError) {
    var parameters: [String: Tensor] = [:]
    for node in graph.nodes {
      for description in node.parameters {
        let (name, shape) = (node.fullName(description), description.shape)
        guard shape.count > 1 else {
          let value = Self.initialScalar(description.name, of: node.operation, normScale: Float(normScale))
          parameters[name] = Tensor(shape: shape, repeating: value)
          continue
        }
        let groups = (node.operation as? Convolution)?.groups ?? 1
        let fan = shape.count == 2 ? shape[0] + shape[1] : shape[0] / groups * shape[2] * shape[3]
        let deviation = Float((2 / Double(fan)).squareRoot())
        parameters[name] = deviation * RandomStream(seed: seed, "initial \(name)").normals(shape)
      }
    }
    try self.init(graph, parameters: parameters)
  }

  private static func initialScalar(
    _ parameter: String, of operation: any Pullbacks.Operation, normScale: Float
  ) -> Float {
    switch parameter {
    case "weight": operation is BatchNorm ? normScale : 1
    case "running_var": 1
    default: 0
    }
  }
}
