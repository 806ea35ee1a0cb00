import Pullbacks

// EfficientNet-Lite: EfficientNet (Tan & Le, 2019, arXiv 1905.11946) without squeeze-and-excitation and with ReLU6, for
// mobile processors. Variant: `efficientnet-lite-pytorch` 0.1.0, whose checkpoint names these are: stem and head are
// not widened, the first and last stages not deepened.

enum EfficientNetLite: String, CaseIterable {
  case lite0 = "efficientnet-lite0"
  case lite1 = "efficientnet-lite1"
  case lite2 = "efficientnet-lite2"

  private var size: (width: Double, depth: Double, resolution: Int) {
    switch self {
    case .lite0: (1.0, 1.0, 224)
    case .lite1: (1.0, 1.1, 240)
    case .lite2: (1.1, 1.2, 260)
    }
  }

  /// Blocks of one shape in a row; the first takes the stride.
  private struct Stage { let repeats, kernel, stride, expansion, channels: Int }

  private var stages: [Stage] {
    let base = [
      Stage(repeats: 1, kernel: 3, stride: 1, expansion: 1, channels: 16),
      Stage(repeats: 2, kernel: 3, stride: 2, expansion: 6, channels: 24),
      Stage(repeats: 2, kernel: 5, stride: 2, expansion: 6, channels: 40),
      Stage(repeats: 3, kernel: 3, stride: 2, expansion: 6, channels: 80),
      Stage(repeats: 3, kernel: 5, stride: 1, expansion: 6, channels: 112),
      Stage(repeats: 4, kernel: 5, stride: 2, expansion: 6, channels: 192),
      Stage(repeats: 1, kernel: 3, stride: 1, expansion: 6, channels: 320),
    ]
    return base.enumerated().map { index, stage in
      let isEdge = index == 0 || index == base.count - 1
      let repeats = isEdge ? stage.repeats : Int((size.depth * Double(stage.repeats)).rounded(.up))
      return Stage(
        repeats: repeats, kernel: stage.kernel, stride: stage.stride, expansion: stage.expansion,
        channels: widened(stage.channels))
    }
  }

  /// The width multiplier, rounded to a multiple of 8 that is not below 90 % of the product.
  private func widened(_ channels: Int) -> Int {
    let product = Double(channels) * size.width
    let rounded = max(8, Int(product + 4) / 8 * 8)
    return Double(rounded) < 0.9 * product ? rounded + 8 : rounded
  }

  var architecture: Architecture {
    Architecture(
      rawValue,
      trainedOn: .init(
        resolution: size.resolution, classNames: Architecture.TrainingImages.imageNet.classNames,
        normalisation: .efficientNetLite),
      camLayers: ["_conv_head"]
    ) {
      (name, resolution, normalisation, classes) throws(PullbackError) in
      try Graph(name, input: [normalisation.scale.count, resolution, resolution]) { image in
        var x = image.apply(normalisation, "normalise")
          .same("_conv_stem", 32, kernel: 3, stride: 2).batchNorm("_bn0", epsilon: 1e-3, momentum: 0.01).relu6("_swish")
        var block = 0
        for stage in stages {
          for index in 0..<stage.repeats {
            x = x.invertedBottleneck(
              "_blocks.\(block)", stage.channels, kernel: Extent(stage.kernel, stage.kernel),
              stride: index == 0 ? stage.stride : 1, expansion: stage.expansion)
            block += 1
          }
        }
        return x.same("_conv_head", 1280, kernel: 1)
          .batchNorm("_bn1", epsilon: 1e-3, momentum: 0.01).relu6("_swish_head")
          .globalAveragePool("_avg_pooling").dropout("_dropout").linear("_fc", classes)
      }
    }
  }
}

extension Signal {
  /// A convolution without bias whose padding keeps `ceil(extent / stride)` places, TensorFlow's "same".
  fileprivate func same(_ name: String, _ outputs: Int, kernel: Extent, stride: Int = 1, groups: Int = 1) -> Signal {
    let stride = Extent(stride, stride)
    let padding = Padding.same(height: shape[1], width: shape[2], kernel: kernel, stride: stride)
    return convolution(name, outputs, kernel: kernel, stride: stride, padding: padding, groups: groups, bias: false)
  }

  /// Widen, filter each channel, narrow; with a shortcut where the shape stays.
  fileprivate func invertedBottleneck(
    _ name: String, _ outputs: Int, kernel: Extent, stride: Int, expansion: Int
  ) -> Signal {
    let inputs = shape[0]
    let width = inputs * expansion
    var x = self
    if expansion != 1 {
      x = x.same("\(name)._expand_conv", width, kernel: 1)
        .batchNorm("\(name)._bn0", epsilon: 1e-3, momentum: 0.01).relu6("\(name)._swish_expand")
    }
    x = x.same("\(name)._depthwise_conv", width, kernel: kernel, stride: stride, groups: width)
      .batchNorm("\(name)._bn1", epsilon: 1e-3, momentum: 0.01).relu6("\(name)._swish_depthwise")
      .same("\(name)._project_conv", outputs, kernel: 1).batchNorm("\(name)._bn2", epsilon: 1e-3, momentum: 0.01)
    return stride == 1 && inputs == outputs ? x.adding(self, "\(name)._add") : x
  }
}
