import Pullbacks

// The networks of inverted residuals that there are.

extension InvertedResidualNetwork {
  static let all: [InvertedResidualNetwork] = {
    let torchvision = (0...7).map { efficientNet($0) } + [
      efficientNetV2Small("efficientnet_v2_s", epsilon: 1e-3),
      mobileNetV2("mobilenet_v2"),
      mobileNetV3("mobilenet_v3_large", large, epsilon: 1e-3),
      mobileNetV3("mobilenet_v3_small", small, epsilon: 1e-3),
    ]
    let timm = [
      efficientNet(5).by(.timm, "timm-efficientnet_b5", epsilon: 1e-5),
      efficientNet(6).by(.timm, "timm-efficientnet_b6", epsilon: 1e-5),
      efficientNet(7).by(.timm, "timm-efficientnet_b7", epsilon: 1e-5),
      efficientNetV2Small("efficientnetv2_s", epsilon: 1e-5).by(.timm, "efficientnetv2_s", epsilon: 1e-5),
      mobileNetV3("mobilenet_v3_large", large, epsilon: 1e-5).by(.timm, "mobilenetv3_large_100", epsilon: 1e-5),
      mobileNetV3("mobilenet_v3_small", small, epsilon: 1e-5).by(.timm, "mobilenetv3_small_100", epsilon: 1e-5),
      efficientNetLite(0), efficientNetLite(1), efficientNetLite(2), efficientNetLite(3), efficientNetLite(4),
    ]
    // TensorFlow's padding and epsilon; of the same tensors as the others.
    let tensorFlow = (0...7).map { efficientNet($0).byTensorFlow("tf_efficientnet_b\($0)") } + [
      efficientNetV2Small("efficientnetv2_s", epsilon: 1e-3).byTensorFlow("tf_efficientnetv2_s", .halves),
      mobileNetV3("mobilenet_v3_large", large, epsilon: 1e-3).byTensorFlow("tf_mobilenetv3_large_100", .halves),
      mobileNetV3("mobilenet_v3_small", small, epsilon: 1e-3).byTensorFlow("tf_mobilenetv3_small_100", .halves),
    ] + (0...4).map { efficientNetLite($0).byTensorFlow("tf_efficientnet_lite\($0)", .halves) }
    return torchvision + timm + tensorFlow
  }()

  private func by(_ dialect: Dialect, _ name: String, epsilon: Float) -> InvertedResidualNetwork {
    InvertedResidualNetwork(
      name: name, resolution: resolution, stem: stem, head: head, hidden: hidden, stages: stages,
      activation: activation, epsilon: epsilon, dialect: dialect, normalisation: normalisation)
  }

  private func byTensorFlow(
    _ name: String, _ normalisation: ChannelAffine = .imageNet
  ) -> InvertedResidualNetwork {
    var network = by(.timm, name, epsilon: 1e-3)
    network.padsLikeTensorFlow = true
    network.normalisation = normalisation
    return network
  }

  /// A multiple of 8 near `features`, and not below 90 % of it.
  private static func rounded(_ features: Double) -> Int {
    let rounded = max(8, Int(features + 4) / 8 * 8)
    return Double(rounded) < 0.9 * features ? rounded + 8 : rounded
  }

  /// Blocks of one kind in a row; the first takes the stride.
  private struct Row { let expansion, kernel, stride, outputs, count: Int }

  /// Rows of blocks, each with the features that the one before it gives.
  private static func stages(
    _ rows: [Row], stem: Int, activation: Activation, squeezes: (Int) -> Bool = { _ in false },
    isFused: (Int) -> Bool = { _ in false }
  ) -> [[InvertedResidual]] {
    var inputs = stem
    return rows.enumerated().map { index, row in
      (0..<row.count).map { block in
        defer { inputs = row.outputs }
        return InvertedResidual(
          kernel: row.kernel, stride: block == 0 ? row.stride : 1, expanded: rounded(Double(inputs * row.expansion)),
          outputs: row.outputs, widens: row.expansion != 1, squeezed: squeezes(index) ? max(1, inputs / 4) : nil,
          activation: activation, isFused: isFused(index))
      }
    }
  }

  private static let base = [
    Row(expansion: 1, kernel: 3, stride: 1, outputs: 16, count: 1),
    Row(expansion: 6, kernel: 3, stride: 2, outputs: 24, count: 2),
    Row(expansion: 6, kernel: 5, stride: 2, outputs: 40, count: 2),
    Row(expansion: 6, kernel: 3, stride: 2, outputs: 80, count: 3),
    Row(expansion: 6, kernel: 5, stride: 1, outputs: 112, count: 3),
    Row(expansion: 6, kernel: 5, stride: 2, outputs: 192, count: 4),
    Row(expansion: 6, kernel: 3, stride: 1, outputs: 320, count: 1),
  ]

  private static func scaled(_ width: Double, _ depth: Double, keepsEnds: Bool) -> [Row] {
    base.enumerated().map { index, row in
      let keepsCount = keepsEnds && (index == 0 || index == base.count - 1)
      return Row(
        expansion: row.expansion, kernel: row.kernel, stride: row.stride, outputs: rounded(Double(row.outputs) * width),
        count: keepsCount ? row.count : Int((Double(row.count) * depth).rounded(.up)))
    }
  }

  /// EfficientNet-B0 to B7: factors of width and depth, and the resolution.
  private static func efficientNet(_ size: Int) -> InvertedResidualNetwork {
    let (width, depth, resolution): (Double, Double, Int) = [
      (1.0, 1.0, 224), (1.0, 1.1, 240), (1.1, 1.2, 288), (1.2, 1.4, 300), (1.4, 1.8, 380), (1.6, 2.2, 456),
      (1.8, 2.6, 528), (2.0, 3.1, 600),
    ][size]
    let stem = rounded(32 * width)
    let rows = scaled(width, depth, keepsEnds: false)
    return InvertedResidualNetwork(
      name: "efficientnet_b\(size)", resolution: resolution, stem: stem, head: 4 * rows[6].outputs,
      stages: stages(rows, stem: stem, activation: .silu, squeezes: { _ in true }), activation: .silu,
      epsilon: size >= 5 ? 1e-3 : 1e-5)
  }

  /// Without squeeze and excitation, with ReLU6; stem, head, first and last stage are not scaled.
  private static func efficientNetLite(_ size: Int) -> InvertedResidualNetwork {
    let (width, depth, resolution): (Double, Double, Int) = [
      (1.0, 1.0, 224), (1.0, 1.1, 240), (1.1, 1.2, 260), (1.2, 1.4, 280), (1.4, 1.8, 300),
    ][size]
    return InvertedResidualNetwork(
      name: "efficientnet_lite\(size)", resolution: resolution, stem: 32, head: 1280,
      stages: stages(scaled(width, depth, keepsEnds: true), stem: 32, activation: .relu6), activation: .relu6,
      dialect: .timm)
  }

  private static func efficientNetV2Small(_ name: String, epsilon: Float) -> InvertedResidualNetwork {
    let rows = [
      Row(expansion: 1, kernel: 3, stride: 1, outputs: 24, count: 2),
      Row(expansion: 4, kernel: 3, stride: 2, outputs: 48, count: 4),
      Row(expansion: 4, kernel: 3, stride: 2, outputs: 64, count: 4),
      Row(expansion: 4, kernel: 3, stride: 2, outputs: 128, count: 6),
      Row(expansion: 6, kernel: 3, stride: 1, outputs: 160, count: 9),
      Row(expansion: 6, kernel: 3, stride: 2, outputs: 256, count: 15),
    ]
    return InvertedResidualNetwork(
      name: name, resolution: 384, stem: 24, head: 1280,
      stages: stages(rows, stem: 24, activation: .silu, squeezes: { $0 > 2 }, isFused: { $0 <= 2 }), activation: .silu,
      epsilon: epsilon)
  }

  private static func mobileNetV2(_ name: String) -> InvertedResidualNetwork {
    let rows = [
      Row(expansion: 1, kernel: 3, stride: 1, outputs: 16, count: 1),
      Row(expansion: 6, kernel: 3, stride: 2, outputs: 24, count: 2),
      Row(expansion: 6, kernel: 3, stride: 2, outputs: 32, count: 3),
      Row(expansion: 6, kernel: 3, stride: 2, outputs: 64, count: 4),
      Row(expansion: 6, kernel: 3, stride: 1, outputs: 96, count: 3),
      Row(expansion: 6, kernel: 3, stride: 2, outputs: 160, count: 3),
      Row(expansion: 6, kernel: 3, stride: 1, outputs: 320, count: 1),
    ]
    return InvertedResidualNetwork(
      name: name, resolution: 224, stem: 32, head: 1280, stages: stages(rows, stem: 32, activation: .relu6),
      activation: .relu6)
  }

  /// A block of MobileNet-V3: kernel, features inside, features out, whether it squeezes, activation, stride. The
  /// stages are timm's.
  private typealias Small = (Int, Int, Int, Bool, Activation, Int)

  private static let large: [[Small]] = [
    [(3, 16, 16, false, .relu, 1)],
    [(3, 64, 24, false, .relu, 2), (3, 72, 24, false, .relu, 1)],
    [(5, 72, 40, true, .relu, 2), (5, 120, 40, true, .relu, 1), (5, 120, 40, true, .relu, 1)],
    [
      (3, 240, 80, false, .hardSwish, 2), (3, 200, 80, false, .hardSwish, 1), (3, 184, 80, false, .hardSwish, 1),
      (3, 184, 80, false, .hardSwish, 1),
    ],
    [(3, 480, 112, true, .hardSwish, 1), (3, 672, 112, true, .hardSwish, 1)],
    [(5, 672, 160, true, .hardSwish, 2), (5, 960, 160, true, .hardSwish, 1), (5, 960, 160, true, .hardSwish, 1)],
  ]

  private static let small: [[Small]] = [
    [(3, 16, 16, true, .relu, 2)],
    [(3, 72, 24, false, .relu, 2), (3, 88, 24, false, .relu, 1)],
    [(5, 96, 40, true, .hardSwish, 2), (5, 240, 40, true, .hardSwish, 1), (5, 240, 40, true, .hardSwish, 1)],
    [(5, 120, 48, true, .hardSwish, 1), (5, 144, 48, true, .hardSwish, 1)],
    [(5, 288, 96, true, .hardSwish, 2), (5, 576, 96, true, .hardSwish, 1), (5, 576, 96, true, .hardSwish, 1)],
  ]

  private static func mobileNetV3(
    _ name: String, _ blocks: [[Small]], epsilon: Float
  ) -> InvertedResidualNetwork {
    let last = blocks[blocks.count - 1][0].2
    let stages = blocks.enumerated().map { stage, row in
      row.map { kernel, expanded, outputs, squeezes, activation, stride in
        InvertedResidual(
          kernel: kernel, stride: stride, expanded: expanded, outputs: outputs, widens: stage > 0,
          squeezed: squeezes ? rounded(Double(expanded / 4)) : nil, activation: activation, squeezeActivation: .relu,
          hasHardGate: true)
      }
    }
    return InvertedResidualNetwork(
      name: name, resolution: 224, stem: 16, head: 6 * last, hidden: name.hasSuffix("small") ? 1024 : 1280,
      stages: stages, activation: .hardSwish, epsilon: epsilon)
  }
}
