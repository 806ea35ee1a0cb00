import Pullbacks

// VGG: Very Deep Convolutional Networks for Large-Scale Image Recognition (Simonyan & Zisserman, 2014,
// arXiv 1409.1556), configurations A, B, D and E. Variant: torchvision's, with and without batch normalisation, whose
// features are averaged to 7x7 before the classifier; timm's names are read too. `vgg-scenes` is a narrow configuration
// A with batch normalisation for pictures of 96 pixels, whose features are 3x3 and are taken as they are.

enum VGG: String, CaseIterable {
  case vgg11, vgg13, vgg16, vgg19
  case vgg11BatchNorm = "vgg11_bn"
  case vgg13BatchNorm = "vgg13_bn"
  case vgg16BatchNorm = "vgg16_bn"
  case vgg19BatchNorm = "vgg19_bn"
  case scenes = "vgg-scenes"

  /// Convolutions before each of the five pools.
  private var depths: [Int] {
    switch self {
    case .vgg11, .vgg11BatchNorm, .scenes: [1, 1, 2, 2, 2]
    case .vgg13, .vgg13BatchNorm: [2, 2, 2, 2, 2]
    case .vgg16, .vgg16BatchNorm: [2, 2, 3, 3, 3]
    case .vgg19, .vgg19BatchNorm: [2, 2, 4, 4, 4]
    }
  }

  private var hasBatchNorm: Bool { self == .scenes || rawValue.hasSuffix("_bn") }

  /// Features before each of the five pools, the extent they are averaged to, and the features of the classifier.
  private var size: (widths: [Int], extent: Extent, hidden: Int) {
    self == .scenes ? ([32, 64, 96, 128, 128], 3, 128) : ([64, 128, 256, 512, 512], 7, 4096)
  }

  var architecture: Architecture {
    Architecture(
      rawValue, trainedOn: self == .scenes ? .scenes : .imageNet, camLayers: ["avgpool"], timmName: Self.timmName
    ) {
      (name, resolution, normalisation, classes) throws(PullbackError) in
      try Graph(name, input: [normalisation.scale.count, resolution, resolution]) { image in
        var x = image.apply(normalisation, "normalise")
        var index = 0
        func next() -> String {
          defer { index += 1 }
          return "features.\(index)"
        }
        for (depth, width) in zip(depths, size.widths) {
          for _ in 0..<depth {
            x = x.convolution(next(), width, kernel: 3, padding: 1)
            if hasBatchNorm { x = x.batchNorm(next()) }
            x = x.relu(next())
          }
          x = x.maxPool(next(), kernel: 2)
        }
        return x.adaptiveAveragePool("avgpool", to: size.extent).flatten("flatten")
          .linear("classifier.0", size.hidden).relu("classifier.1").dropout("classifier.2")
          .linear("classifier.3", size.hidden).relu("classifier.4").dropout("classifier.5")
          .linear("classifier.6", classes)
      }
    }
  }

  /// timm makes convolutions of the classifier's layers, whose kernels cover all of the map.
  private static func timmName(_ name: String) -> String {
    let layers: [Substring: String] = ["0": "pre_logits.fc1", "3": "pre_logits.fc2", "6": "head.fc"]
    let parts = name.split(separator: ".")
    guard parts.count == 3, parts[0] == "classifier", let layer = layers[parts[1]] else { return name }
    return "\(layer).\(parts[2])"
  }
}
