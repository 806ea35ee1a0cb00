import Pullbacks

// VGG: Very Deep Convolutional Networks for Large-Scale Image Recognition (Simonyan & Zisserman, 2014,
// arXiv 1409.1556), configurations A, B, D and E. Variant: torchvision's, with and without batch normalisation, whose
// features are averaged to 7x7 before the classifier.

enum VGG: String, CaseIterable {
  case vgg11, vgg13, vgg16, vgg19
  case vgg11BatchNorm = "vgg11_bn"
  case vgg13BatchNorm = "vgg13_bn"
  case vgg16BatchNorm = "vgg16_bn"
  case vgg19BatchNorm = "vgg19_bn"

  /// Convolutions before each of the five pools.
  private var depths: [Int] {
    switch self {
    case .vgg11, .vgg11BatchNorm: [1, 1, 2, 2, 2]
    case .vgg13, .vgg13BatchNorm: [2, 2, 2, 2, 2]
    case .vgg16, .vgg16BatchNorm: [2, 2, 3, 3, 3]
    case .vgg19, .vgg19BatchNorm: [2, 2, 4, 4, 4]
    }
  }

  private var hasBatchNorm: Bool { rawValue.hasSuffix("_bn") }

  var architecture: Architecture {
    Architecture(rawValue) { (name, resolution, normalisation, classes) throws(PullbackError) in
      try Graph(name, input: [3, resolution, resolution]) { image in
        var x = image.apply(normalisation, "normalise")
        var index = 0
        func next() -> String {
          defer { index += 1 }
          return "features.\(index)"
        }
        for (depth, width) in zip(depths, [64, 128, 256, 512, 512]) {
          for _ in 0..<depth {
            x = x.convolution(next(), width, kernel: 3, padding: 1)
            if hasBatchNorm { x = x.batchNorm(next()) }
            x = x.relu(next())
          }
          x = x.maxPool(next(), kernel: 2)
        }
        return x.adaptiveAveragePool("avgpool", to: 7).flatten("flatten")
          .linear("classifier.0", 4096).relu("classifier.1").dropout("classifier.2")
          .linear("classifier.3", 4096).relu("classifier.4").dropout("classifier.5")
          .linear("classifier.6", classes)
      }
    }
  }
}
