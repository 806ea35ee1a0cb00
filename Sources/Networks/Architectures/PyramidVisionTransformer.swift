import Pullbacks

// PVT v2: Improved Baselines with Pyramid Vision Transformer (Wang et al., 2021, arXiv 2106.13797), B0 to B5 with
// spatial-reduction attention. Variant: timm's, whose checkpoint names these are; the authors' own are read as well.
//
// `pvt-scenes` is a narrow one for pictures of 96 pixels that never strides: a stem of three convolutions sees every
// pixel (Xiao et al., Early Convolutions Help Transformers See Better, 2021, arXiv 2106.14881; without it, it learns
// ten times as slowly), and average pools halve the maps and shrink what is attended to, as in PVT v2's linear
// attention. Strides reach the pixels unevenly, and every pullback would show them as a chequered pattern.

enum PyramidVisionTransformer: String, CaseIterable {
  case b0 = "pvt_v2_b0"
  case b1 = "pvt_v2_b1"
  case b2 = "pvt_v2_b2"
  case b3 = "pvt_v2_b3"
  case b4 = "pvt_v2_b4"
  case b5 = "pvt_v2_b5"
  case scenes = "pvt-scenes"

  /// Per stage: blocks, features, and how much wider the features are inside a block's MLP.
  private var size: (depths: [Int], widths: [Int], expansions: [Int]) {
    switch self {
    case .b0: ([2, 2, 2, 2], [32, 64, 160, 256], [8, 8, 4, 4])
    case .b1: ([2, 2, 2, 2], [64, 128, 320, 512], [8, 8, 4, 4])
    case .b2: ([3, 4, 6, 3], [64, 128, 320, 512], [8, 8, 4, 4])
    case .b3: ([3, 4, 18, 3], [64, 128, 320, 512], [8, 8, 4, 4])
    case .b4: ([3, 8, 27, 3], [64, 128, 320, 512], [8, 8, 4, 4])
    case .b5: ([3, 6, 40, 3], [64, 128, 320, 512], [4, 4, 4, 4])
    case .scenes: ([2, 2, 2, 1], [48, 96, 128, 128], [4, 4, 4, 4])
    }
  }

  /// Per stage: attention heads, and how many of a map's pixels make one key, along an axis.
  private var attention: (heads: [Int], reductions: [Int]) {
    self == .scenes ? ([1, 2, 4, 4], [4, 2, 1, 1]) : ([1, 2, 5, 8], [8, 4, 2, 1])
  }

  var architecture: Architecture {
    Architecture(rawValue, trainedOn: self == .scenes ? .scenes : .imageNet, formerName: Self.authorsName) {
      (name, resolution, normalisation, classes) throws(PullbackError) in
      try Graph(name, input: [normalisation.scale.count, resolution, resolution]) { image in
        var x = image.apply(normalisation, "normalise")
        if self == .scenes { x = x.stem() }
        for stage in 0..<4 {
          let name = "stages.\(stage)"
          let embedding = stage == 0 ? "patch_embed" : "\(name).downsample"
          if self == .scenes {
            if stage > 0 { x = x.averagePool("\(embedding).pool", kernel: 2) }
            x = x.convolution("\(embedding).proj", size.widths[stage], kernel: 3, padding: 1)
          } else {
            x = x.convolution(
              "\(embedding).proj", size.widths[stage], kernel: stage == 0 ? 7 : 3, stride: stage == 0 ? 4 : 2,
              padding: stage == 0 ? 3 : 1)
          }
          let place = Block(
            rows: x.shape[1], columns: x.shape[2], heads: attention.heads[stage],
            reduction: attention.reductions[stage],
            pools: self == .scenes, expansion: size.expansions[stage])
          var tokens = x.tokens().layerNorm("\(embedding).norm")
          for block in 0..<size.depths[stage] { tokens = tokens.pyramidBlock("\(name).blocks.\(block)", place) }
          x = tokens.layerNorm("\(name).norm", epsilon: 1e-6).map(height: place.rows, width: place.columns)
        }
        return x.globalAveragePool("avgpool").linear("head", classes)
      }
    }
  }

  /// The authors' name of a parameter: `block2.0.attn.q.weight` for `stages.1.blocks.0.attn.q.weight`.
  private static func authorsName(_ name: String) -> String {
    if name.hasPrefix("patch_embed.") { return "patch_embed1." + name.dropFirst("patch_embed.".count) }
    let parts = name.split(separator: ".", maxSplits: 3)
    let kinds: [Substring: String] = ["downsample": "patch_embed", "blocks": "block", "norm": "norm"]
    guard parts.count == 4, let stage = Int(parts[1]), let kind = kinds[parts[2]] else { return name }
    return "\(kind)\(stage + 1).\(parts[3].replacing("mlp.dwconv.", with: "mlp.dwconv.dwconv."))"
  }
}

/// The extents of a stage's maps, and the settings of its blocks.
private struct Block {
  let rows, columns, heads, reduction: Int
  /// Whether the map is reduced by an average pool, and not by the stride of a convolution.
  let pools: Bool
  let expansion: Int
}

extension Signal {
  /// Three convolutions, an average pool after each but the last.
  fileprivate func stem() -> Signal {
    convolution("stem.0", 16, kernel: 3, padding: 1, bias: false).batchNorm("stem.1").relu("stem.2")
      .averagePool("stem.3", kernel: 2)
      .convolution("stem.4", 32, kernel: 3, padding: 1, bias: false).batchNorm("stem.5").relu("stem.6")
      .averagePool("stem.7", kernel: 2)
      .convolution("stem.8", 64, kernel: 3, padding: 1, bias: false).batchNorm("stem.9").relu("stem.10")
  }

  fileprivate func pyramidBlock(_ name: String, _ block: Block) -> Signal {
    let attended = layerNorm("\(name).norm1", epsilon: 1e-6).spatialReductionAttention("\(name).attn", block)
      .adding(self, "\(name).add")
    return attended.layerNorm("\(name).norm2", epsilon: 1e-6)
      .linear("\(name).mlp.fc1", shape[1] * block.expansion).depthwise("\(name).mlp.dwconv", block)
      .gelu("\(name).mlp.act").linear("\(name).mlp.fc2", shape[1]).adding(attended, "\(name).add_1")
  }

  /// Attention whose keys and values come from a map with 1 / reduction of the height and width.
  private func spatialReductionAttention(_ name: String, _ block: Block) -> Signal {
    let width = shape[1]
    var context = self
    if block.reduction > 1 {
      let extent = Extent(block.reduction, block.reduction)
      let map = map(height: block.rows, width: block.columns)
      let reduced =
        block.pools
        ? map.averagePool("\(name).pool", kernel: extent).convolution("\(name).sr", width, kernel: 1)
        : map.convolution("\(name).sr", width, kernel: extent, stride: extent)
      context = reduced.tokens().layerNorm("\(name).norm")
    }
    let both = context.linear("\(name).kv", 2 * width)
    return linear("\(name).q", width).attention(
      "\(name).attention", keys: both.slice(axis: 1, 0..<width), values: both.slice(axis: 1, width..<2 * width),
      heads: block.heads
    ).linear("\(name).proj", width)
  }

  /// Tokens, each feature of them filtered by 3x3 as a map.
  private func depthwise(_ name: String, _ block: Block) -> Signal {
    map(height: block.rows, width: block.columns)
      .convolution(name, shape[1], kernel: 3, padding: 1, groups: shape[1]).tokens()
  }
}
