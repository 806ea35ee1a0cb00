import Pullbacks

// ConvNeXt: A ConvNet for the 2020s (Liu et al., 2022, arXiv 2201.03545). Variant: torchvision's; timm's names are
// read too.

enum ConvNeXt: String, CaseIterable {
  case tiny = "convnext_tiny"
  case small = "convnext_small"
  case base = "convnext_base"
  case large = "convnext_large"

  /// Blocks and channels per stage.
  private var size: (depths: [Int], widths: [Int]) {
    switch self {
    case .tiny: ([3, 3, 9, 3], [96, 192, 384, 768])
    case .small: ([3, 3, 27, 3], [96, 192, 384, 768])
    case .base: ([3, 3, 27, 3], [128, 256, 512, 1024])
    case .large: ([3, 3, 27, 3], [192, 384, 768, 1536])
    }
  }

  var architecture: Architecture {
    Architecture(rawValue, timmName: Self.timmName) {
      (name, resolution, normalisation, classes) throws(PullbackError) in
      try Graph(name, input: [normalisation.scale.count, resolution, resolution]) { image in
        var x = image.apply(normalisation, "normalise")
        // Even features reduce the resolution, odd ones are the stages.
        for (stage, (depth, width)) in zip(size.depths, size.widths).enumerated() {
          let reduction = "features.\(2 * stage)"
          x = stage == 0
            ? x.convolution("\(reduction).0", width, kernel: 4, stride: 4)
              .layerNorm("\(reduction).1", epsilon: 1e-6, axis: .channels)
            : x.layerNorm("\(reduction).0", epsilon: 1e-6, axis: .channels)
              .convolution("\(reduction).1", width, kernel: 2, stride: 2)
          for block in 0..<depth { x = x.convNeXtBlock("features.\(2 * stage + 1).\(block)") }
        }
        return x.adaptiveAveragePool("avgpool", to: 1).layerNorm("classifier.0", epsilon: 1e-6, axis: .channels)
          .flatten("classifier.1").linear("classifier.2", classes)
      }
    }
  }
}

extension ConvNeXt {
  /// `stages.1.blocks.2.conv_dw.weight` for `features.3.2.block.0.weight`.
  fileprivate static func timmName(_ name: String) -> String {
    let parts = name.split(separator: ".")
    if parts[0] == "classifier" { return (parts[1] == "0" ? "head.norm." : "head.fc.") + parts[2] }
    guard parts[0] == "features", let number = Int(parts[1]) else { return name }
    if number == 0 { return "stem.\(parts[2...].joined(separator: "."))" }
    if number % 2 == 0 { return "stages.\(number / 2).downsample.\(parts[2...].joined(separator: "."))" }
    let block = "stages.\(number / 2).blocks.\(parts[2])"
    if parts[3] == "layer_scale" { return block + ".gamma" }
    let layers: [Substring: String] = ["0": "conv_dw", "2": "norm", "3": "mlp.fc1", "5": "mlp.fc2"]
    return layers[parts[4]].map { "\(block).\($0).\(parts[5])" } ?? name
  }
}

extension Signal {
  /// A 7x7 filter of each channel, then at each place a layer of four times the width; scaled, with a shortcut.
  fileprivate func convNeXtBlock(_ name: String) -> Signal {
    let (width, rows, columns) = (shape[0], shape[1], shape[2])
    return convolution("\(name).block.0", width, kernel: 7, padding: 3, groups: width)
      .tokens().layerNorm("\(name).block.2", epsilon: 1e-6)
      .linear("\(name).block.3", 4 * width).gelu("\(name).block.4").linear("\(name).block.5", width)
      .map(height: rows, width: columns).scaled(by: "\(name).layer_scale", [width, 1, 1]).adding(self, "\(name).add")
  }
}
