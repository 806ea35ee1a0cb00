import Foundation
import Pullbacks

// RegNet: Designing Network Design Spaces (Radosavovic et al., 2020, arXiv 2003.13678). Variant: torchvision's RegNetY,
// with squeeze and excitation; timm's names are read too.

struct RegNet {
  let name: String
  /// Blocks in all; the width of the first, its growth, and the factor between widths, from which those of the stages
  /// follow; features in a group of the 3x3 convolutions.
  let depth, width: Int
  let slope, factor: Double
  let groupWidth: Int
  var rounding = Rounding.torchvision

  /// The rounding of a width to a multiple of the group's width, which gives different widths for two of the networks.
  enum Rounding {
    /// To the nearest, the larger of two, and never below 90 %.
    case torchvision
    /// To the nearest, the even one of two.
    case timm
  }

  static let all: [RegNet] = [
    RegNet(name: "regnet_y_400mf", depth: 16, width: 48, slope: 27.89, factor: 2.09, groupWidth: 8),
    RegNet(name: "regnet_y_800mf", depth: 14, width: 56, slope: 38.84, factor: 2.4, groupWidth: 16),
    RegNet(name: "regnet_y_1_6gf", depth: 27, width: 48, slope: 20.71, factor: 2.65, groupWidth: 24),
    RegNet(name: "regnet_y_3_2gf", depth: 21, width: 80, slope: 42.63, factor: 2.66, groupWidth: 24),
    RegNet(name: "regnet_y_8gf", depth: 17, width: 192, slope: 76.82, factor: 2.19, groupWidth: 56),
    RegNet(name: "regnet_y_16gf", depth: 18, width: 200, slope: 106.23, factor: 2.48, groupWidth: 112),
    RegNet(name: "regnet_y_32gf", depth: 20, width: 232, slope: 115.89, factor: 2.53, groupWidth: 232),
    RegNet(name: "regnety_008", depth: 14, width: 56, slope: 38.84, factor: 2.4, groupWidth: 16, rounding: .timm),
    RegNet(name: "regnety_080", depth: 17, width: 192, slope: 76.82, factor: 2.19, groupWidth: 56, rounding: .timm),
  ]

  /// The widths of the stages, a multiple of 8 and of the group's width, and their depths.
  ///
  /// Source: section 3.3 of the paper, equations 2 to 4.
  private var stages: [(width: Int, depth: Int)] {
    var stages: [(width: Int, depth: Int)] = []
    for block in 0..<depth {
      let wanted = Double(width) + slope * Double(block)
      let step = (Foundation.log(wanted / Double(width)) / Foundation.log(factor)).rounded(.toNearestOrEven)
      let found = 8 * Int((Double(width) * Foundation.pow(factor, step) / 8).rounded(.toNearestOrEven))
      if stages.last?.width == found { stages[stages.count - 1].depth += 1 } else { stages.append((found, 1)) }
    }
    return stages.map { width, depth in
      let group = min(groupWidth, width)
      let groups = Double(width) / Double(group)
      guard rounding == .torchvision else { return (group * Int(groups.rounded(.toNearestOrEven)), depth) }
      let rounded = group * Int(groups.rounded())
      return (Double(rounded) < 0.9 * Double(width) ? rounded + group : rounded, depth)
    }
  }

  var architecture: Architecture {
    let last = "trunk_output.block4.block4-\(stages[3].depth - 1).activation"
    return Architecture(name, camLayers: [last], timmName: Self.timmName) {
      (name, resolution, normalisation, classes) throws(PullbackError) in
      try Graph(name, input: [normalisation.scale.count, resolution, resolution]) { image in
        var x = image.apply(normalisation, "normalise")
          .convolution("stem.0", 32, kernel: 3, stride: 2, padding: 1, bias: false).batchNorm("stem.1").relu("stem.2")
        for (stage, size) in stages.enumerated() {
          for block in 0..<size.depth {
            x = x.regNetBlock(
              "trunk_output.block\(stage + 1).block\(stage + 1)-\(block)", size.width, stride: block == 0 ? 2 : 1,
              groups: size.width / min(groupWidth, size.width))
          }
        }
        return x.globalAveragePool("avgpool").linear("fc", classes)
      }
    }
  }

  /// `s2.b1.conv3.bn.weight` for `trunk_output.block2.block2-0.f.c.1.weight`.
  private static func timmName(_ name: String) -> String {
    if name.hasPrefix("fc.") { return "head." + name }
    let layers: [Substring: String] = ["0": "conv", "1": "bn"]
    let parts = name.split(separator: ".")
    if parts.count == 3, parts[0] == "stem", let layer = layers[parts[1]] { return "stem.\(layer).\(parts[2])" }
    guard parts.count > 4, parts[0] == "trunk_output", let dash = parts[2].firstIndex(of: "-"),
      let block = Int(parts[2][parts[2].index(after: dash)...])
    else { return name }
    let place = "s\(parts[1].dropFirst("block".count)).b\(block + 1)"
    let convolutions: [Substring: String] = ["a": "conv1", "b": "conv2", "c": "conv3"]
    if parts[3] == "proj", let layer = layers[parts[4]] { return "\(place).downsample.\(layer).\(parts[5])" }
    if parts[4] == "se" { return "\(place).\(parts[4...].joined(separator: "."))" }
    guard parts.count == 7, let convolution = convolutions[parts[4]], let layer = layers[parts[5]] else { return name }
    return "\(place).\(convolution).\(layer).\(parts[6])"
  }
}

extension Signal {
  /// A bottleneck that does not narrow, weighted by squeeze and excitation; and a shortcut around it.
  fileprivate func regNetBlock(_ name: String, _ width: Int, stride: Int, groups: Int) -> Signal {
    let stride = Extent(stride, stride)
    let narrow = Int((0.25 * Double(shape[0])).rounded(.toNearestOrEven))
    let projects = shape[0] != width || stride != 1
    let shortcut = projects
      ? convolution("\(name).proj.0", width, kernel: 1, stride: stride, bias: false).batchNorm("\(name).proj.1") : self
    return convolution("\(name).f.a.0", width, kernel: 1, bias: false).batchNorm("\(name).f.a.1").relu("\(name).f.a.2")
      .convolution("\(name).f.b.0", width, kernel: 3, stride: stride, padding: 1, groups: groups, bias: false)
      .batchNorm("\(name).f.b.1").relu("\(name).f.b.2")
      .squeezedAndExcited("\(name).f.se", narrow, names: ("fc1", "fc2"), .relu)
      .convolution("\(name).f.c.0", width, kernel: 1, bias: false).batchNorm("\(name).f.c.1")
      .adding(shortcut, "\(name).add").relu("\(name).activation")
  }
}
