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
  /// How many steps have been made.
  public internal(set) var step = 0
  /// Running means of the gradient and of its square, by parameter.
  public internal(set) var moments: [String: (first: Tensor, second: Tensor)] = [:]

  public init(decay: Double) { self.decay = decay }

  /// One step of all parameters that have a gradient.
  ///
  /// - Parameters:
  ///   - parameters: by full name; those without a gradient stay.
  ///   - gradients: of the loss, by full name.
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
