import Pullbacks

// Networks of inverted residuals: MobileNet-V2 (Sandler et al., 2018, arXiv 1801.04381), MobileNet-V3 (Howard et al.,
// 2019, arXiv 1905.02244), EfficientNet (Tan & Le, 2019, arXiv 1905.11946) and EfficientNetV2 (Tan & Le, 2021,
// arXiv 2104.00298). Variants: torchvision's and timm's. Where both compute the same, torchvision's reads timm's names;
// where they differ in an epsilon (MobileNet-V3, EfficientNet-B5 to B7 and V2-S), each has a network of its own. Those
// that timm calls `tf_` pad as TensorFlow does, unevenly where a stride needs it.

struct InvertedResidualNetwork {
  let name: String
  let resolution: Int
  /// Features of the stem, of the last convolution, and of a layer before the classifier if there is one.
  let stem, head: Int
  var hidden: Int?
  let stages: [[InvertedResidual]]
  let activation: Activation
  var epsilon: Float = 1e-5
  var dialect = Dialect.torchvision
  var padsLikeTensorFlow = false
  var normalisation = ChannelAffine.imageNet

  /// The library whose names the layers have.
  enum Dialect { case torchvision, timm }

  /// Whether torchvision's numbering and names of MobileNets apply: it numbers their blocks through.
  private var isMobile: Bool { name.contains("mobilenet") }
  private var isSecondMobile: Bool { name.contains("mobilenetv2") || name.contains("mobilenet_v2") }

  var architecture: Architecture {
    let images = Architecture.TrainingImages(
      resolution: resolution, classNames: Architecture.TrainingImages.imageNet.classNames, normalisation: normalisation)
    let isShared = dialect == .torchvision && Self.sharedByTimm.contains(name)
    let timmName: @Sendable (String) -> String = { isShared ? Self.timmNames[name]?[$0] ?? $0 : $0 }
    return Architecture(name, trainedOn: images, camLayers: [names.headActivation], timmName: timmName) {
      (name, resolution, normalisation, classes) throws(PullbackError) in
      try Graph(name, input: [normalisation.scale.count, resolution, resolution]) { image in
        logits(of: image.apply(normalisation, "normalise"), classes)
      }
    }
  }

  private func logits(of image: Signal, _ classes: Int) -> Signal {
    let names = names
    var x = image.filtered(names.stem, stem, kernel: 3, stride: 2, style: style)
      .activated(activation, names.stemActivation)
    var number = 0
    for (stage, blocks) in stages.enumerated() {
      for (index, block) in blocks.enumerated() {
        number += 1
        x = x.invertedResidual(block, names.block(block, stage: stage, index: index, number: number), style)
      }
    }
    x = x.filtered(names.head, head, kernel: 1, style: style).activated(activation, names.headActivation)
      .globalAveragePool("avgpool")
    if let hidden { x = x.linear(names.hidden, hidden).activated(activation, names.hiddenActivation) }
    return x.dropout("dropout").linear(names.classifier, classes)
  }

  private var style: ConvolutionStyle {
    ConvolutionStyle(epsilon: epsilon, momentum: epsilon == 1e-3 ? 0.01 : 0.1, padsLikeTensorFlow: padsLikeTensorFlow)
  }

  /// timm's name of each parameter, for the networks that timm has too.
  private static let timmNames: [String: [String: String]] = {
    var tables: [String: [String: String]] = [:]
    for network in all where sharedByTimm.contains(network.name) {
      var twin = network
      twin.dialect = .timm
      guard let ours = try? network.architecture.graph(), let theirs = try? twin.architecture.graph() else { continue }
      // Both describe the same layers in the same order.
      tables[network.name] = Dictionary(
        uniqueKeysWithValues: zip(ours.parameters.map(\.name), theirs.parameters.map(\.name)))
    }
    return tables
  }()

  private static let sharedByTimm: Set<String> = [
    "efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3", "efficientnet_b4", "mobilenet_v2",
  ]

  private var names: LayerNames {
    switch dialect {
    case .timm:
      LayerNames(
        stem: ("conv_stem", "bn1"), stemActivation: "act1",
        // MobileNet-V3 has its last convolution as one more stage, and a convolution for the first linear layer.
        head: hidden == nil ? ("conv_head", "bn2") : ("blocks.\(stages.count).0.conv", "blocks.\(stages.count).0.bn1"),
        headActivation: hidden == nil ? "act2" : "blocks.\(stages.count).0.act1",
        hidden: "conv_head", hiddenActivation: "act2", classifier: "classifier"
      ) { block, stage, index, _ in .timm(block, "blocks.\(stage).\(index)") }
    case .torchvision:
      LayerNames(
        stem: ("features.0.0", "features.0.1"), stemActivation: "features.0.2",
        head: ("features.\(lastFeature).0", "features.\(lastFeature).1"), headActivation: "features.\(lastFeature).2",
        hidden: "classifier.0", hiddenActivation: "classifier.1",
        classifier: hidden == nil ? "classifier.1" : "classifier.3"
      ) { block, stage, index, number in
        isSecondMobile
          ? .torchvision(block, "features.\(number)", "conv", nestsLast: false)
          : .torchvision(block, isMobile ? "features.\(number)" : "features.\(stage + 1).\(index)", "block")
      }
    }
  }

  private var lastFeature: Int { isMobile ? stages.reduce(1) { $0 + $1.count } : stages.count + 1 }
}

/// One block: widen, filter each channel, weight the channels, narrow; with a shortcut where the shape stays.
struct InvertedResidual {
  let kernel, stride: Int
  /// Features inside, and those that it gives; inside are as many as it takes where it does not widen.
  let expanded, outputs: Int
  let widens: Bool
  /// Features of the squeeze, if the channels are weighted.
  var squeezed: Int?
  var activation: Activation
  var squeezeActivation = Activation.silu
  var hasHardGate = false
  /// Whether widening and filtering are one convolution.
  var isFused = false
}

/// The names of a network's layers.
private struct LayerNames {
  typealias Pair = (convolution: String, norm: String)
  let stem: Pair
  let stemActivation: String
  let head: Pair
  let headActivation, hidden, hiddenActivation, classifier: String
  private let blocks: (InvertedResidual, Int, Int, Int) -> BlockNames

  init(
    stem: Pair, stemActivation: String, head: Pair, headActivation: String, hidden: String, hiddenActivation: String,
    classifier: String, blocks: @escaping (InvertedResidual, Int, Int, Int) -> BlockNames
  ) {
    (self.stem, self.stemActivation, self.head, self.headActivation) = (stem, stemActivation, head, headActivation)
    (self.hidden, self.hiddenActivation, self.classifier, self.blocks) = (hidden, hiddenActivation, classifier, blocks)
  }

  /// - Parameter number: the number of the block in the network, from 1.
  func block(_ block: InvertedResidual, stage: Int, index: Int, number: Int) -> BlockNames {
    blocks(block, stage, index, number)
  }
}

/// The names of a block's layers.
private struct BlockNames {
  var path: String
  var widen, filter, narrow: LayerNames.Pair
  var squeeze: (name: String, layers: (String, String))

  static func torchvision(
    _ block: InvertedResidual, _ path: String, _ sequence: String, nestsLast: Bool = true
  ) -> BlockNames {
    func layer(_ index: Int) -> LayerNames.Pair {
      ("\(path).\(sequence).\(index).0", "\(path).\(sequence).\(index).1")
    }
    let filter = block.widens && !block.isFused ? 1 : 0
    let narrow = filter + (block.squeezed == nil ? 1 : 2)
    return BlockNames(
      path: path, widen: layer(0), filter: layer(filter),
      narrow: nestsLast ? layer(narrow) : ("\(path).\(sequence).\(narrow)", "\(path).\(sequence).\(narrow + 1)"),
      squeeze: ("\(path).\(sequence).\(filter + 1)", ("fc1", "fc2")))
  }

  static func timm(_ block: InvertedResidual, _ path: String) -> BlockNames {
    let layers: [(String, String)] =
      switch (block.isFused, block.widens) {
      case (false, true): [("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3")]
      case (false, false): [("", ""), ("conv_dw", "bn1"), ("conv_pw", "bn2")]
      case (true, true): [("", ""), ("conv_exp", "bn1"), ("conv_pwl", "bn2")]
      case (true, false): [("", ""), ("conv", "bn1"), ("", "")]
      }
    let pairs = layers.map { ("\(path).\($0.0)", "\(path).\($0.1)") }
    return BlockNames(
      path: path, widen: pairs[0], filter: pairs[1], narrow: pairs[2],
      squeeze: ("\(path).se", ("conv_reduce", "conv_expand")))
  }
}

private struct ConvolutionStyle {
  let epsilon, momentum: Float
  let padsLikeTensorFlow: Bool
}

extension Signal {
  /// A convolution without bias that keeps `ceil(extent / stride)` places, and a norm.
  fileprivate func filtered(
    _ names: LayerNames.Pair, _ outputs: Int, kernel: Int, stride: Int = 1, groups: Int = 1, style: ConvolutionStyle
  ) -> Signal {
    let (kernel, stride) = (Extent(kernel, kernel), Extent(stride, stride))
    let even = (kernel.height - 1) / 2
    let padding = style.padsLikeTensorFlow
      ? Padding.same(height: shape[1], width: shape[2], kernel: kernel, stride: stride)
      : Padding(top: even, left: even, bottom: even, right: even)
    return convolution(
      names.convolution, outputs, kernel: kernel, stride: stride, padding: padding, groups: groups, bias: false
    ).batchNorm(names.norm, epsilon: style.epsilon, momentum: style.momentum)
  }

  fileprivate func invertedResidual(
    _ block: InvertedResidual, _ names: BlockNames, _ style: ConvolutionStyle
  ) -> Signal {
    let inputs = shape[0]
    var x = self
    if block.isFused {
      x = x.filtered(
        names.filter, block.widens ? block.expanded : block.outputs, kernel: block.kernel, stride: block.stride,
        style: style)
    } else {
      if block.widens {
        x = x.filtered(names.widen, block.expanded, kernel: 1, style: style)
          .activated(block.activation, "\(names.path).widened")
      }
      x = x.filtered(
        names.filter, block.expanded, kernel: block.kernel, stride: block.stride, groups: block.expanded, style: style)
    }
    x = x.activated(block.activation, "\(names.path).filtered")
    if let squeezed = block.squeezed {
      x = x.squeezedAndExcited(
        names.squeeze.name, squeezed, names: names.squeeze.layers, block.squeezeActivation, hardGate: block.hasHardGate)
    }
    if !block.isFused || block.widens { x = x.filtered(names.narrow, block.outputs, kernel: 1, style: style) }
    return block.stride == 1 && inputs == block.outputs ? x.adding(self, "\(names.path).add") : x
  }
}
