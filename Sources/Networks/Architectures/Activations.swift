import Pullbacks

/// The activations of networks that choose among several.
enum Activation {
  case relu, relu6, silu, hardSwish
}

extension Signal {
  func activated(_ activation: Activation, _ name: String) -> Signal {
    switch activation {
    case .relu: relu(name)
    case .relu6: relu6(name)
    case .silu: silu(name)
    case .hardSwish: hardSwish(name)
    }
  }

  /// Squeeze and excitation: each channel times a gate that is computed from the means of all channels, through
  /// `narrow` features. `names` are those of the two layers.
  ///
  /// Source: Hu et al., 2017, arXiv 1709.01507; with a gate of straight pieces, Howard et al., 2019, arXiv 1905.02244.
  func squeezedAndExcited(
    _ name: String, _ narrow: Int, names: (String, String), _ activation: Activation, hardGate: Bool = false
  ) -> Signal {
    let features = adaptiveAveragePool("\(name).avgpool", to: 1)
      .convolution("\(name).\(names.0)", narrow, kernel: 1).activated(activation, "\(name).activation")
      .convolution("\(name).\(names.1)", shape[0], kernel: 1)
    let gate = hardGate ? features.hardSigmoid("\(name).gate") : features.sigmoid("\(name).gate")
    return multiplied(by: gate, "\(name).scale")
  }
}
