// Layer-wise relevance propagation on relevance: R at a layer's output goes in, and R at its input comes out. Every
// rule shares a neuron's relevance out in proportion to contributions to its value. Rules differ in what they count as
// a contribution: in other parameters and other inputs that they put into the same operation.

extension Site {
  /// Inputs and parameters at which the operation's value is one term of a sum.
  public typealias Contribution = (inputs: [Tensor], parameters: [Tensor])

  /// Shares the relevance of the outputs out among the inputs, in proportion to contributions:
  ///
  /// `R_i = sum_k x_ki A_k^T(R / (z + epsilon sign z))_i`, `z = sum_k y_k`,
  ///
  /// where `y_k` is the operation's value at inputs `x_k` and parameters `P_k`, and `A_k^T` its gradient there. The
  /// sign of 0 is 1. Biases take a share of R and hand it to nobody.
  ///
  /// - Parameters:
  ///   - relevance: R, of the output's shape.
  ///   - contributions: `x_k` and `P_k`; at least one.
  ///   - epsilon: the distance by which z is moved away from zero; not negative. If it is 0, outputs with `z = 0` hand
  ///     nothing on.
  /// - Returns: the relevance of each input that is wanted, nil for others.
  /// - Complexity: one value and one gradient of the operation for each contribution.
  public func share(_ relevance: Tensor, among contributions: [Contribution], epsilon: Float) -> [Tensor?] {
    let values = contributions.map { value(parameters: $0.parameters, inputs: $0.inputs) }
    let denominator = values.dropFirst().reduce(values[0], +).mapped { z in
      let stabilised = z < 0 ? z - epsilon : z + epsilon
      return stabilised == 0 ? .infinity : stabilised
    }
    let quotient = relevance / denominator
    return contributions.map { inputs, parameters in
      zip(inputs, zip(wants, gradient(quotient, parameters: parameters, inputs: inputs))).map { x, pulled in
        pulled.0 ? pulled.1.map { x * $0 } : nil
      }
    }.summed
  }
}

extension [[Tensor?]] {
  /// The sums over the lists, place by place; a tensor that is not there counts as zero.
  fileprivate var summed: [Tensor?] {
    dropFirst().reduce(self[0]) { sums, parts in
      zip(sums, parts).map { sum, part in
        guard let sum, let part else { return sum ?? part }
        return sum + part
      }
    }
  }
}

/// A rule of layer-wise relevance propagation, described by what it changes: which inputs and parameters it puts into
/// the operation, and which outputs' relevance it hands on.
///
/// A rule is a sum of shares, `R_in = sum_s factor_s share_s(R [output has sign_s])`, each among its contributions by
/// ``Site/share(_:among:epsilon:)``. It stands at operations of character ``OperationCharacter/linear``: a convolution,
/// a linear layer, a sum, an average. The cotangent that it takes and gives is relevance, not a derivative: a table
/// starts from the relevance of the outputs, and its rules for other layers must hand relevance on too.
///
/// Sources: Bach et al. 2015 (doi 10.1371/journal.pone.0130140); Montavon et al. 2019 (doi
/// 10.1007/978-3-030-28954-6_10); the form after zennit (Anders et al. 2021, arXiv 2106.13200).
public struct RelevanceRule: Rule {
  /// The change of a tensor t, value by value.
  public enum Change: Hashable, Sendable {
    /// `a max(t, 0) + b min(t, 0)`.
    case parts(positive: Float, negative: Float)
    /// `t^2`
    case square
    /// The same value everywhere, or one for each channel of `(N, C, ...)`.
    case values([Float])

    /// t
    public static let same = Change.parts(positive: 1, negative: 1)
    /// `max(t, 0)`
    public static let positive = Change.parts(positive: 1, negative: 0)
    /// `min(t, 0)`
    public static let negative = Change.parts(positive: 0, negative: 1)
    /// 0
    public static let zero = Change.values([0])
    /// 1
    public static let one = Change.values([1])

    /// - Precondition: values for channels are as many as the tensor has.
    public func callAsFunction(_ t: Tensor) -> Tensor {
      switch self {
      case .same: return t
      case .parts(let positive, let negative): return t.mapped { $0 > 0 ? positive * $0 : negative * $0 }
      case .square: return t * t
      case .values(let values) where values.count == 1: return Tensor(shape: t.shape, repeating: values[0])
      case .values(let values):
        precondition(
          t.rank > 1 && t.shape[1] == values.count, "\(values.count) values do not fit the channels of \(t.shape)")
        let plane = t.shape.dropFirst(2).reduce(1, *)
        return Tensor(shape: t.shape) { y in
          for index in 0..<t.shape[0] * values.count {
            y[index * plane..<(index + 1) * plane].update(repeating: values[index % values.count])
          }
        }
      }
    }
  }

  /// A contribution to the output: the operation with changed inputs and parameters.
  public struct Contribution: Hashable, Sendable {
    /// The change of each input.
    public var inputs: Change
    /// The change of each weight.
    public var weights: Change
    /// The change of each bias.
    public var biases: Change

    /// - Parameters:
    ///   - inputs: the change of each input.
    ///   - weights: the change of each weight.
    ///   - biases: the change of each bias.
    public init(_ inputs: Change = .same, weights: Change = .same, biases: Change = .same) {
      (self.inputs, self.weights, self.biases) = (inputs, weights, biases)
    }
  }

  /// The outputs whose relevance is shared out.
  public enum Outputs: Hashable, Sendable {
    /// All outputs, or the outputs that are above or below zero in the forward pass.
    case all, positive, negative
  }

  /// A sum of contributions among which relevance is shared out.
  public struct Share: Hashable, Sendable {
    /// The factor of the relevance that is shared out.
    public var factor: Float
    /// The outputs whose relevance is shared out.
    public var outputs: Outputs
    /// The contributions among which it is shared out.
    public var contributions: [Contribution]

    /// - Parameters:
    ///   - factor: the factor of the relevance that is shared out.
    ///   - outputs: the outputs whose relevance is shared out.
    ///   - contributions: the contributions among which it is shared out; at least one.
    public init(_ factor: Float = 1, of outputs: Outputs = .all, among contributions: Contribution...) {
      precondition(!contributions.isEmpty, "relevance is shared out among something")
      (self.factor, self.outputs, self.contributions) = (factor, outputs, contributions)
    }
  }

  /// The shares that are added up.
  public let shares: [Share]
  /// The distance by which denominators are moved away from zero.
  public let epsilon: Float
  public let equation: String
  public let source: String

  /// - Parameters:
  ///   - equation: the equation of R at the inputs by R at the outputs, with every number.
  ///   - source: a paper.
  ///   - epsilon: the distance by which denominators are moved away from zero; not negative.
  ///   - shares: the shares that are added up; at least one.
  public init(_ equation: String, source: String, epsilon: Float, _ shares: Share...) {
    precondition(epsilon >= 0 && !shares.isEmpty, "epsilon is not negative, and there is a share")
    (self.equation, self.source, self.epsilon, self.shares) = (equation, source, epsilon, shares)
  }

  public func needs(at operation: any Operation) -> Needs {
    shares.contains { $0.outputs != .all } ? [.inputs, .output] : .inputs
  }

  public func check(_ node: Graph.Node, carriesInput: [Bool]) throws(PullbackError) {
    try require(node.operation.character == .linear, "linear operations", at: node)
  }

  public func pull(_ relevance: Tensor, at site: Site) -> [Tensor?] {
    shares.map { share in
      var shared = share.factor == 1 ? relevance : share.factor * relevance
      switch share.outputs {
      case .all: break
      case .positive: shared = shared * site.output.mapped { $0 > 0 ? 1 : 0 }
      case .negative: shared = shared * site.output.mapped { $0 < 0 ? 1 : 0 }
      }
      let contributions = share.contributions.map { change in
        (
          inputs: site.inputs.map { $0.type == .float32 ? change.inputs($0) : $0 },
          parameters: site.parameters(weights: change.weights.callAsFunction, biases: change.biases.callAsFunction)
        )
      }
      return site.share(shared, among: contributions, epsilon: epsilon)
    }.summed
  }
}
