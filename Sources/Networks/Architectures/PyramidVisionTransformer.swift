import Pullbacks

// PVT v2: Improved Baselines with Pyramid Vision Transformer (Wang et al., 2021, arXiv 2106.13797), B0 to B5 with
// spatial-reduction attention. Variant: timm's, whose checkpoint names these are; the authors' own are read as well.

enum PyramidVisionTransformer: String, CaseIterable {
  case b0 = "pvt_v2_b0"
  case b1 = "pvt_v2_b1"
  case b2 = "pvt_v2_b2"
  case b3 = "pvt_v2_b3"
  case b4 = "pvt_v2_b4"
  case b5 = "pvt_v2_b5"

  /// Per stage: blocks, features, and how much wider the features are inside a block's MLP.
  private var size: (depths: [Int], widths: [Int], expansions: [Int]) {
    switch self {
    case .b0: ([2, 2, 2, 2], [32, 64, 160, 256], [8, 8, 4, 4])
    case .b1: ([2, 2, 2, 2], [64, 128, 320, 512], [8, 8, 4, 4])
    case .b2: ([3, 4, 6, 3], [64, 128, 320, 512], [8, 8, 4, 4])
    case .b3: ([3, 4, 18, 3], [64, 128, 320, 512], [8, 8, 4, 4])
    case .b4: ([3, 8, 27, 3], [64, 128, 320, 512], [8, 8, 4, 4])
    case .b5: ([3, 6, 40, 3], [64, 128, 320, 512], [4, 4, 4, 4])
    }
  }

  var architecture: Architecture {
    Architecture(rawValue, formerName: Self.authorsName) {
      (name, resolution, normalisation, classes) throws(PullbackError) in
      try Graph(name, input: [3, resolution, resolution]) { image in
        var x = image.apply(normalisation, "normalise")
        for stage in 0..<4 {
          let name = "stages.\(stage)"
          let embedding = stage == 0 ? "patch_embed" : "\(name).downsample"
          x = x.convolution(
            "\(embedding).proj", size.widths[stage], kernel: stage == 0 ? 7 : 3, stride: stage == 0 ? 4 : 2,
            padding: stage == 0 ? 3 : 1)
          let place = Block(
            rows: x.shape[1], columns: x.shape[2], heads: [1, 2, 5, 8][stage], reduction: [8, 4, 2, 1][stage],
            expansion: size.expansions[stage])
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
private struct Block { let rows, columns, heads, reduction, expansion: Int }

extension Signal {
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
      context = map(height: block.rows, width: block.columns)
        .convolution("\(name).sr", width, kernel: extent, stride: extent).tokens().layerNorm("\(name).norm")
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
