import Pullbacks

// ResNet: Deep Residual Learning for Image Recognition (He et al., 2015, arXiv 1512.03385). Variant: torchvision's,
// known as v1.5, whose bottlenecks take the stride in the 3x3 convolution. There one `relu` serves a whole block;
// here each use of it is a node of its own: relu, relu_1, relu_2.

enum ResNet: String, CaseIterable {
  case resNet18 = "resnet18"
  case resNet34 = "resnet34"
  case resNet50 = "resnet50"
  case resNet101 = "resnet101"
  case resNet152 = "resnet152"

  /// Blocks per stage, and whether they are bottlenecks.
  private var size: (depths: [Int], isBottleneck: Bool) {
    switch self {
    case .resNet18: ([2, 2, 2, 2], false)
    case .resNet34: ([3, 4, 6, 3], false)
    case .resNet50: ([3, 4, 6, 3], true)
    case .resNet101: ([3, 4, 23, 3], true)
    case .resNet152: ([3, 8, 36, 3], true)
    }
  }

  var architecture: Architecture {
    Architecture(rawValue) { (name, resolution, normalisation, classes) throws(PullbackError) in
      try Graph(name, input: [3, resolution, resolution]) { image in
        var x = image.apply(normalisation, "normalise")
          .convolution("conv1", 64, kernel: 7, stride: 2, padding: 3, bias: false).batchNorm("bn1").relu("relu")
          .maxPool("maxpool", kernel: 3, stride: 2, padding: 1)
        for (stage, depth) in size.depths.enumerated() {
          for block in 0..<depth {
            let name = "layer\(stage + 1).\(block)"
            let stride: Extent = stage > 0 && block == 0 ? 2 : 1
            x = size.isBottleneck
              ? x.bottleneck(name, width: 64 << stage, stride: stride)
              : x.basicBlock(name, width: 64 << stage, stride: stride)
          }
        }
        return x.globalAveragePool("avgpool").linear("fc", classes)
      }
    }
  }
}

extension Signal {
  /// Two 3x3 convolutions and a shortcut around them.
  fileprivate func basicBlock(_ name: String, width: Int, stride: Extent) -> Signal {
    convolution("\(name).conv1", width, kernel: 3, stride: stride, padding: 1, bias: false)
      .batchNorm("\(name).bn1").relu("\(name).relu")
      .convolution("\(name).conv2", width, kernel: 3, padding: 1, bias: false).batchNorm("\(name).bn2")
      .adding(shortcut(name, width, stride: stride), "\(name).add").relu("\(name).relu_1")
  }

  /// Narrow, filter, widen to four times the width; and a shortcut around them.
  func bottleneck(_ name: String, width: Int, stride: Extent) -> Signal {
    convolution("\(name).conv1", width, kernel: 1, bias: false).batchNorm("\(name).bn1").relu("\(name).relu")
      .convolution("\(name).conv2", width, kernel: 3, stride: stride, padding: 1, bias: false)
      .batchNorm("\(name).bn2").relu("\(name).relu_1")
      .convolution("\(name).conv3", 4 * width, kernel: 1, bias: false).batchNorm("\(name).bn3")
      .adding(shortcut(name, 4 * width, stride: stride), "\(name).add").relu("\(name).relu_2")
  }

  /// The signal itself, or projected to the shape that the block makes of it.
  private func shortcut(_ name: String, _ outputs: Int, stride: Extent) -> Signal {
    if stride == 1 && shape[0] == outputs { return self }
    return convolution("\(name).downsample.0", outputs, kernel: 1, stride: stride, bias: false)
      .batchNorm("\(name).downsample.1")
  }
}
