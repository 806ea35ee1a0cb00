import Pullbacks

// ResNet: Deep Residual Learning for Image Recognition (He et al., 2015, arXiv 1512.03385). Variant: torchvision's,
// known as v1.5, whose bottlenecks take the stride in the 3x3 convolution. There one `relu` serves a whole block;
// here each use of it is a node of its own: relu, relu_1, relu_2.
//
// `resnet-scenes` is a narrow one for pictures of 96 pixels that never strides: its stem is a 3x3 convolution at full
// resolution, and average pools halve the maps, behind the 3x3 convolution of a bottleneck and before the projection of
// its shortcut (as in CLIP's ResNet, Radford et al., 2021, arXiv 2103.00020). A stride of 2 reaches the pixels
// unevenly, and every pullback would show it as a chequered pattern.

enum ResNet: String, CaseIterable {
  case resNet18 = "resnet18"
  case resNet34 = "resnet34"
  case resNet50 = "resnet50"
  case resNet101 = "resnet101"
  case resNet152 = "resnet152"
  case scenes = "resnet-scenes"

  /// Blocks per stage, and whether they are bottlenecks.
  private var size: (depths: [Int], isBottleneck: Bool) {
    switch self {
    case .resNet18: ([2, 2, 2, 2], false)
    case .resNet34: ([3, 4, 6, 3], false)
    case .resNet50: ([3, 4, 6, 3], true)
    case .resNet101: ([3, 4, 23, 3], true)
    case .resNet152: ([3, 8, 36, 3], true)
    case .scenes: ([2, 2, 2, 2], true)
    }
  }

  /// Features of the stem, and of the first stage inside its blocks.
  private var width: Int { self == .scenes ? 16 : 64 }

  var architecture: Architecture {
    Architecture(
      rawValue, trainedOn: self == .scenes ? .scenes : .imageNet,
      camLayers: ["layer4.2.conv3", "layer4.2.conv2", "layer4.1.conv2"]
    ) {
      (name, resolution, normalisation, classes) throws(PullbackError) in
      try Graph(name, input: [3, resolution, resolution]) { image in
        var x = image.apply(normalisation, "normalise")
        x = self == .scenes
          ? x.convolution("conv1", width, kernel: 3, padding: 1, bias: false).batchNorm("bn1").relu("relu")
            .averagePool("stem.pool", kernel: 2)
          : x.convolution("conv1", width, kernel: 7, stride: 2, padding: 3, bias: false).batchNorm("bn1").relu("relu")
            .maxPool("maxpool", kernel: 3, stride: 2, padding: 1)
        for (stage, depth) in size.depths.enumerated() {
          for block in 0..<depth {
            let name = "layer\(stage + 1).\(block)"
            let halving: Halving? = stage == 0 || block > 0 ? nil : self == .scenes ? .pool : .stride
            x = size.isBottleneck
              ? x.bottleneck(name, width: width << stage, halving)
              : x.basicBlock(name, width: width << stage, halving)
          }
        }
        return x.globalAveragePool("avgpool").linear("fc", classes)
      }
    }
  }
}

/// How a block halves its maps.
enum Halving { case stride, pool }

extension Signal {
  /// Two 3x3 convolutions and a shortcut around them.
  fileprivate func basicBlock(_ name: String, width: Int, _ halving: Halving?) -> Signal {
    filtered("\(name).conv1", width, halving).batchNorm("\(name).bn1").relu("\(name).relu")
      .filtered("\(name).conv2", width).batchNorm("\(name).bn2")
      .adding(shortcut(name, width, halving), "\(name).add").relu("\(name).relu_1")
  }

  /// Narrow, filter, widen to four times the width; and a shortcut around them.
  func bottleneck(_ name: String, width: Int, _ halving: Halving? = nil) -> Signal {
    var x = convolution("\(name).conv1", width, kernel: 1, bias: false).batchNorm("\(name).bn1").relu("\(name).relu")
      .filtered("\(name).conv2", width, halving).batchNorm("\(name).bn2").relu("\(name).relu_1")
    if halving == .pool { x = x.averagePool("\(name).pool", kernel: 2) }
    return x.convolution("\(name).conv3", 4 * width, kernel: 1, bias: false).batchNorm("\(name).bn3")
      .adding(shortcut(name, 4 * width, halving), "\(name).add").relu("\(name).relu_2")
  }

  private func filtered(_ name: String, _ outputs: Int, _ halving: Halving? = nil) -> Signal {
    convolution(name, outputs, kernel: 3, stride: halving == .stride ? 2 : 1, padding: 1, bias: false)
  }

  /// The signal itself, or projected to the shape that the block makes of it.
  private func shortcut(_ name: String, _ outputs: Int, _ halving: Halving?) -> Signal {
    if halving == nil && shape[0] == outputs { return self }
    let source = halving == .pool ? averagePool("\(name).downsample.pool", kernel: 2) : self
    return source.convolution(
      "\(name).downsample.0", outputs, kernel: 1, stride: halving == .stride ? 2 : 1, bias: false
    ).batchNorm("\(name).downsample.1")
  }
}
