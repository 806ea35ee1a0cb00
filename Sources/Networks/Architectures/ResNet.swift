import Pullbacks

// ResNet: Deep Residual Learning for Image Recognition (He et al., 2015, arXiv 1512.03385). Variant: torchvision's,
// known as v1.5, whose bottlenecks take the stride in the 3x3 convolution. There one `relu` serves a whole block;
// here each use of it is a node of its own: relu, relu_1, relu_2.
//
// Relatives, with torchvision's and timm's names: ResNeXt (Xie et al., 2016, arXiv 1611.05431), Wide ResNet (Zagoruyko
// & Komodakis, 2016, arXiv 1605.07146), SE-ResNet (Hu et al., 2017, arXiv 1709.01507), ResNet-C and -D (He et al.,
// 2018, arXiv 1812.01187), and ResNets whose strides are anti-aliased (Zhang, 2019, arXiv 1904.11486).
//
// `resnet-scenes` is a narrow one for pictures of 96 pixels that never strides: its stem is a 3x3 convolution at full
// resolution, and average pools halve the maps, behind the 3x3 convolution of a bottleneck and before the projection of
// its shortcut (as in CLIP's ResNet, Radford et al., 2021, arXiv 2103.00020). A stride of 2 reaches the pixels
// unevenly, and every pullback would show it as a chequered pattern.

struct ResNet {
  let name: String
  /// Blocks per stage.
  let depths: [Int]
  var isBottleneck = true
  /// Features of the stem, and of the first stage inside its blocks.
  var width = 64
  /// Groups of the 3x3 convolution of a bottleneck, and the features of each where the stage has 64.
  var groups = 1
  var groupWidth = 64
  var stem = Stem.plain
  /// Whether shortcuts average before they project, in place of a stride (ResNet-D).
  var averagesShortcuts = false
  var halving = Halving.stride
  /// Whether each channel of a block is weighted by squeeze and excitation.
  var excites = false

  /// The layers before the first stage.
  enum Stem: Equatable {
    /// A 7x7 convolution and a maximum.
    case plain
    /// Three 3x3 convolutions, of these features and those of the first stage, and a maximum.
    case deep(Int, Int)
    /// A 3x3 convolution at full resolution, and an average.
    case scenes
  }

  static let all: [ResNet] = [
    ResNet(name: "resnet18", depths: [2, 2, 2, 2], isBottleneck: false),
    ResNet(name: "resnet34", depths: [3, 4, 6, 3], isBottleneck: false),
    ResNet(name: "resnet50", depths: [3, 4, 6, 3]),
    ResNet(name: "resnet101", depths: [3, 4, 23, 3]),
    ResNet(name: "resnet152", depths: [3, 8, 36, 3]),
    ResNet(name: "resnet-scenes", depths: [2, 2, 2, 2], width: 16, groupWidth: 16, stem: .scenes, halving: .pool),
    ResNet(name: "resnext50_32x4d", depths: [3, 4, 6, 3], groups: 32, groupWidth: 4),
    ResNet(name: "resnext101_32x4d", depths: [3, 4, 23, 3], groups: 32, groupWidth: 4),
    ResNet(name: "resnext101_32x8d", depths: [3, 4, 23, 3], groups: 32, groupWidth: 8),
    ResNet(name: "resnext101_64x4d", depths: [3, 4, 23, 3], groups: 64, groupWidth: 4),
    ResNet(name: "wide_resnet50_2", depths: [3, 4, 6, 3], groupWidth: 128),
    ResNet(name: "wide_resnet101_2", depths: [3, 4, 23, 3], groupWidth: 128),
    ResNet(name: "seresnet18", depths: [2, 2, 2, 2], isBottleneck: false, excites: true),
    ResNet(name: "seresnet34", depths: [3, 4, 6, 3], isBottleneck: false, excites: true),
    ResNet(name: "seresnet50", depths: [3, 4, 6, 3], excites: true),
    ResNet(name: "seresnet101", depths: [3, 4, 23, 3], excites: true),
    ResNet(name: "seresnet152", depths: [3, 8, 36, 3], excites: true),
    ResNet(name: "seresnext50_32x4d", depths: [3, 4, 6, 3], groups: 32, groupWidth: 4, excites: true),
    ResNet(name: "seresnext101_32x4d", depths: [3, 4, 23, 3], groups: 32, groupWidth: 4, excites: true),
    ResNet(name: "resnet26", depths: [2, 2, 2, 2]),
    .d("resnet18d", [2, 2, 2, 2], isBottleneck: false),
    .d("resnet26d", [2, 2, 2, 2]),
    .d("resnet34d", [3, 4, 6, 3], isBottleneck: false),
    .d("resnet50d", [3, 4, 6, 3]),
    .d("resnet101d", [3, 4, 23, 3]),
    .d("resnet152d", [3, 8, 36, 3]),
    .d("resnet26t", [2, 2, 2, 2], stem: .deep(24, 32)),
    .d("resnet50t", [3, 4, 6, 3], stem: .deep(24, 32)),
    ResNet(name: "resnet50c", depths: [3, 4, 6, 3], stem: .deep(32, 32)),
    ResNet(name: "resnet101c", depths: [3, 4, 23, 3], stem: .deep(32, 32)),
  ]

  /// Networks with the same tensors as networks that stride.
  static let antialiased: [ResNet] = [
    ResNet(name: "resnetblur18", depths: [2, 2, 2, 2], isBottleneck: false, halving: .blur),
    ResNet(name: "resnetblur50", depths: [3, 4, 6, 3], halving: .blur),
    ResNet(name: "resnetaa50", depths: [3, 4, 6, 3], halving: .average),
    .d("resnetblur50d", [3, 4, 6, 3], halving: .blur),
    .d("resnetaa34d", [3, 4, 6, 3], isBottleneck: false, halving: .average),
    .d("resnetaa50d", [3, 4, 6, 3], halving: .average),
  ]

  private static func d(
    _ name: String, _ depths: [Int], isBottleneck: Bool = true, stem: Stem = .deep(32, 32),
    halving: Halving = .stride
  ) -> ResNet {
    ResNet(
      name: name, depths: depths, isBottleneck: isBottleneck, stem: stem, averagesShortcuts: true, halving: halving)
  }

  /// The release's choices for Grad-CAM where it has the network.
  private var camLayers: [String] {
    ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnet-scenes"].contains(name)
      ? ["layer4.2.conv3", "layer4.2.conv2", "layer4.1.conv2"]
      : ["layer4.2.relu_2", "layer4.2.relu_1", "layer4.1.relu_2", "layer4.1.relu_1"]
  }

  var architecture: Architecture {
    Architecture(name, trainedOn: stem == .scenes ? .scenes : .imageNet, camLayers: camLayers) {
      (name, resolution, normalisation, classes) throws(PullbackError) in
      try Graph(name, input: [normalisation.scale.count, resolution, resolution]) { image in
        var x = image.apply(normalisation, "normalise").residualStem(stem, width, halving)
        for (stage, depth) in depths.enumerated() {
          for block in 0..<depth {
            let block = ResidualBlock(
              name: "layer\(stage + 1).\(block)", width: width << stage, inner: groups * groupWidth << stage,
              groups: groups, halving: stage == 0 || block > 0 ? nil : halving,
              averagesShortcut: averagesShortcuts, excites: excites)
            x = isBottleneck ? x.bottleneck(block) : x.basicBlock(block)
          }
        }
        return x.globalAveragePool("avgpool").linear("fc", classes)
      }
    }
  }
}

/// The way in which a block halves its maps.
enum Halving {
  /// The stride of its 3x3 convolution.
  case stride
  /// An average behind its 3x3 convolution, and before the projection of its shortcut.
  case pool
  /// A blur behind its 3x3 convolution, or an average; its shortcut strides.
  case blur, average
}

/// A block of a ResNet: where it stands, and what it does.
struct ResidualBlock {
  let name: String
  /// The features that it gives, of which a bottleneck has four times as many.
  let width: Int
  /// The features of a bottleneck's 3x3 convolution.
  let inner: Int
  var groups = 1
  var halving: Halving?
  var averagesShortcut = false
  var excites = false
}

extension Signal {
  fileprivate func residualStem(_ stem: ResNet.Stem, _ width: Int, _ halving: Halving) -> Signal {
    let x: Signal
    switch stem {
    case .scenes:
      return convolution("conv1", width, kernel: 3, padding: 1, bias: false).batchNorm("bn1").relu("relu")
        .averagePool("stem.pool", kernel: 2)
    case .plain:
      x = convolution("conv1", width, kernel: 7, stride: 2, padding: 3, bias: false)
    case .deep(let first, let second):
      x = convolution("conv1.0", first, kernel: 3, stride: 2, padding: 1, bias: false).batchNorm("conv1.1")
        .relu("conv1.2").convolution("conv1.3", second, kernel: 3, padding: 1, bias: false).batchNorm("conv1.4")
        .relu("conv1.5").convolution("conv1.6", width, kernel: 3, padding: 1, bias: false)
    }
    let rectified = x.batchNorm("bn1").relu("relu")
    return switch halving {
    case .stride, .pool: rectified.maxPool("maxpool", kernel: 3, stride: 2, padding: 1)
    case .average: rectified.averagePool("maxpool", kernel: 2)
    case .blur: rectified.maxPool("maxpool.0", kernel: 3, stride: 1, padding: 1).blurred("maxpool.1")
    }
  }

  /// Two 3x3 convolutions and a shortcut around them.
  fileprivate func basicBlock(_ block: ResidualBlock) -> Signal {
    let (name, width) = (block.name, block.width)
    return filtered("\(name).conv1", width, block).batchNorm("\(name).bn1").relu("\(name).relu")
      .antialiased("\(name).aa", block.halving)
      .convolution("\(name).conv2", width, kernel: 3, padding: 1, bias: false).batchNorm("\(name).bn2")
      .excited(block).adding(shortcut(width, block), "\(name).add").relu("\(name).relu_1")
  }

  /// Narrow, filter, widen to four times the width; and a shortcut around them.
  func bottleneck(_ name: String, width: Int) -> Signal {
    bottleneck(ResidualBlock(name: name, width: width, inner: width))
  }

  fileprivate func bottleneck(_ block: ResidualBlock) -> Signal {
    let (name, width) = (block.name, block.width)
    return convolution("\(name).conv1", block.inner, kernel: 1, bias: false).batchNorm("\(name).bn1")
      .relu("\(name).relu")
      .filtered("\(name).conv2", block.inner, block, groups: block.groups).batchNorm("\(name).bn2")
      .relu("\(name).relu_1").antialiased("\(name).aa", block.halving).pooled("\(name).pool", block.halving)
      .convolution("\(name).conv3", 4 * width, kernel: 1, bias: false).batchNorm("\(name).bn3")
      .excited(block).adding(shortcut(4 * width, block), "\(name).add").relu("\(name).relu_2")
  }

  private func filtered(_ name: String, _ outputs: Int, _ block: ResidualBlock, groups: Int = 1) -> Signal {
    convolution(
      name, outputs, kernel: 3, stride: block.halving == .stride ? 2 : 1, padding: 1, groups: groups, bias: false)
  }

  private func antialiased(_ name: String, _ halving: Halving?) -> Signal {
    switch halving {
    case .blur: blurred(name)
    case .average: averagePool(name, kernel: 2)
    case .stride, .pool, nil: self
    }
  }

  private func pooled(_ name: String, _ halving: Halving?) -> Signal {
    halving == .pool ? averagePool(name, kernel: 2) : self
  }

  /// Filtered by (1, 2, 1) / 4 along both axes, then every second place: two averages of 2x2 make that filter. Beyond
  /// the edges, the image mirrored.
  private func blurred(_ name: String) -> Signal {
    padded([0, 1, 1], [0, 1, 1], mode: .reflect, "\(name).pad").averagePool("\(name).0", kernel: 2, stride: 1)
      .averagePool("\(name).1", kernel: 2, stride: 2)
  }

  private func excited(_ block: ResidualBlock) -> Signal {
    guard block.excites else { return self }
    let narrow = max(8, (shape[0] / 16 + 4) / 8 * 8)
    return squeezedAndExcited("\(block.name).se", narrow, names: ("fc1", "fc2"), .relu)
  }

  /// The signal itself, or projected to the shape that the block makes of it.
  private func shortcut(_ outputs: Int, _ block: ResidualBlock) -> Signal {
    if block.halving == nil && shape[0] == outputs { return self }
    let name = "\(block.name).downsample"
    if block.averagesShortcut {
      let source = block.halving == nil
        ? self : averagePool("\(name).0", kernel: 2, ceilMode: true, countIncludePad: false)
      return source.convolution("\(name).1", outputs, kernel: 1, bias: false).batchNorm("\(name).2")
    }
    let source = block.halving == .pool ? averagePool("\(name).pool", kernel: 2) : self
    let strides = block.halving != nil && block.halving != .pool
    return source.convolution("\(name).0", outputs, kernel: 1, stride: strides ? 2 : 1, bias: false)
      .batchNorm("\(name).1")
  }
}
