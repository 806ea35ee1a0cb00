import Pullbacks

// DenseNet: Densely Connected Convolutional Networks (Huang et al., 2016, arXiv 1608.06993). Variant: torchvision's
// DenseNet-BC, whose names timm has too. The last ReLU is a function call there, not a module; here it is a node
// like any other and softened like any other.

enum DenseNet: String, CaseIterable {
  case denseNet121 = "densenet121"
  case denseNet161 = "densenet161"
  case denseNet169 = "densenet169"
  case denseNet201 = "densenet201"

  /// Layers per dense block, the channels that each adds, and those of the stem.
  private var size: (depths: [Int], growth: Int, stem: Int) {
    switch self {
    case .denseNet121: ([6, 12, 24, 16], 32, 64)
    case .denseNet161: ([6, 12, 36, 24], 48, 96)
    case .denseNet169: ([6, 12, 32, 32], 32, 64)
    case .denseNet201: ([6, 12, 48, 32], 32, 64)
    }
  }

  var architecture: Architecture {
    Architecture(rawValue, formerName: Self.formerName) {
      (name, resolution, normalisation, classes) throws(PullbackError) in
      try Graph(name, input: [normalisation.scale.count, resolution, resolution]) { image in
        var x = image.apply(normalisation, "normalise")
          .convolution("features.conv0", size.stem, kernel: 7, stride: 2, padding: 3, bias: false)
          .batchNorm("features.norm0").relu("features.relu0")
          .maxPool("features.pool0", kernel: 3, stride: 2, padding: 1)
        for (block, depth) in size.depths.enumerated() {
          if block > 0 { x = x.transition("features.transition\(block)") }
          for layer in 1...depth {
            x = x.denseLayer("features.denseblock\(block + 1).denselayer\(layer)", growth: size.growth)
          }
        }
        return x.batchNorm("features.norm5").relu("relu").globalAveragePool("avgpool").linear("classifier", classes)
      }
    }
  }

  /// Published checkpoints still say `denselayer1.norm.1.weight` for `denselayer1.norm1.weight`.
  private static func formerName(_ name: String) -> String {
    let parts = name.split(separator: ".")
    // Only layers of a block lie so deep: features, block, layer, norm1, weight.
    guard parts.count == 5, let number = parts[3].last else { return name }
    return "\(parts[0]).\(parts[1]).\(parts[2]).\(parts[3].dropLast()).\(number).\(parts[4])"
  }
}

extension Signal {
  /// The signal, and `growth` channels more that are computed from all of it.
  fileprivate func denseLayer(_ name: String, growth: Int) -> Signal {
    let grown = batchNorm("\(name).norm1").relu("\(name).relu1")
      .convolution("\(name).conv1", 4 * growth, kernel: 1, bias: false)
      .batchNorm("\(name).norm2").relu("\(name).relu2")
      .convolution("\(name).conv2", growth, kernel: 3, padding: 1, bias: false)
    return .concatenate([self, grown], "\(name).concat")
  }

  /// Half the channels, half the height and width.
  fileprivate func transition(_ name: String) -> Signal {
    batchNorm("\(name).norm").relu("\(name).relu")
      .convolution("\(name).conv", shape[0] / 2, kernel: 1, bias: false).averagePool("\(name).pool", kernel: 2)
  }
}
