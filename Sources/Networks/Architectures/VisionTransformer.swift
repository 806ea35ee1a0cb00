import Pullbacks

// ViT: An Image is Worth 16x16 Words (Dosovitskiy et al., 2020, arXiv 2010.11929), and DeiT (Touvron et al., 2020,
// arXiv 2012.12877), which is the same network. Variant: torchvision's, whose queries, keys and values come from one
// tensor, `in_proj_weight`; timm's names are read too.

struct VisionTransformer {
  let name: String
  /// The side of a patch in pixels; layers, features, features inside an MLP, and heads.
  let patch, depth, width, inner, heads: Int

  static let all: [VisionTransformer] = [
    VisionTransformer(name: "vit_b_16", patch: 16, depth: 12, width: 768, inner: 3072, heads: 12),
    VisionTransformer(name: "vit_b_32", patch: 32, depth: 12, width: 768, inner: 3072, heads: 12),
    VisionTransformer(name: "vit_l_16", patch: 16, depth: 24, width: 1024, inner: 4096, heads: 16),
    VisionTransformer(name: "vit_l_32", patch: 32, depth: 24, width: 1024, inner: 4096, heads: 16),
    VisionTransformer(name: "deit_tiny_patch16_224", patch: 16, depth: 12, width: 192, inner: 768, heads: 3),
    VisionTransformer(name: "deit_small_patch16_224", patch: 16, depth: 12, width: 384, inner: 1536, heads: 6),
    VisionTransformer(name: "deit_base_patch16_224", patch: 16, depth: 12, width: 768, inner: 3072, heads: 12),
  ]

  var architecture: Architecture {
    Architecture(name, formerName: Self.formerName, timmName: Self.timmName) {
      (name, resolution, normalisation, classes) throws(PullbackError) in
      guard resolution == 224 else {
        throw PullbackError(
          .usage, name, "its position embedding is for images of 224 pixels, not \(resolution)",
          advice: "resize the images to 224 x 224")
      }
      return try Graph(name, input: [normalisation.scale.count, resolution, resolution]) { image in
        let side = Extent(patch, patch)
        var x = image.apply(normalisation, "normalise")
          .convolution("conv_proj", width, kernel: side, stride: side).tokens()
        x = .concatenate([x.parameter("class_token", [1, 1, width]).reshaped([1, width]), x])
        x = x.adding(x.parameter("encoder.pos_embedding", [1] + x.shape).reshaped(x.shape))
        for layer in 0..<depth {
          x = x.encoderLayer("encoder.layers.encoder_layer_\(layer)", inner: inner, heads: heads)
        }
        return x.layerNorm("encoder.ln", epsilon: 1e-6).slice(axis: 0, 0..<1).flatten().linear("heads.head", classes)
      }
    }
  }

  /// Published checkpoints still say `mlp.linear_1` and `mlp.linear_2` for `mlp.0` and `mlp.3`.
  private static func formerName(_ name: String) -> String {
    var parts = name.split(separator: ".")
    guard parts.count == 6, parts[3] == "mlp" else { return name }
    parts[4] = parts[4] == "0" ? "linear_1" : "linear_2"
    return parts.joined(separator: ".")
  }

  /// `blocks.3.attn.qkv.weight` for `encoder.layers.encoder_layer_3.self_attention.in_proj_weight`.
  private static func timmName(_ name: String) -> String {
    let outside = [
      "class_token": "cls_token", "encoder.pos_embedding": "pos_embed", "conv_proj.weight": "patch_embed.proj.weight",
      "conv_proj.bias": "patch_embed.proj.bias", "encoder.ln.weight": "norm.weight", "encoder.ln.bias": "norm.bias",
      "heads.head.weight": "head.weight", "heads.head.bias": "head.bias",
    ]
    let start = "encoder.layers.encoder_layer_"
    guard name.hasPrefix(start) else { return outside[name] ?? name }
    // The layer's number, its parts, and the parameter.
    let parts = name.dropFirst(start.count).split(separator: ".")
    let layers: [Substring: String] = [
      "ln_1": "norm1", "ln_2": "norm2", "out_proj": "attn.proj", "0": "mlp.fc1", "3": "mlp.fc2",
    ]
    guard let layer = layers[parts[parts.count - 2]] else {
      // in_proj_weight and in_proj_bias.
      return "blocks.\(parts[0]).attn.qkv.\(parts[parts.count - 1].dropFirst("in_proj_".count))"
    }
    return "blocks.\(parts[0]).\(layer).\(parts[parts.count - 1])"
  }
}

extension Signal {
  fileprivate func encoderLayer(_ name: String, inner: Int, heads: Int) -> Signal {
    let attended = layerNorm("\(name).ln_1", epsilon: 1e-6).selfAttention("\(name).self_attention", heads: heads)
      .adding(self, "\(name).add")
    return attended.layerNorm("\(name).ln_2", epsilon: 1e-6)
      .linear("\(name).mlp.0", inner).gelu("\(name).mlp.1").linear("\(name).mlp.3", shape[1])
      .adding(attended, "\(name).add_1")
  }

  /// PyTorch's multi-head attention of a sequence to itself.
  private func selfAttention(_ name: String, heads: Int) -> Signal {
    let width = shape[1]
    let all = linear(name, 3 * width, parameterPrefix: "in_proj_")
    return all.slice(axis: 1, 0..<width).attention(
      "\(name).attention", keys: all.slice(axis: 1, width..<2 * width),
      values: all.slice(axis: 1, 2 * width..<3 * width), heads: heads
    ).linear("\(name).out_proj", width)
  }
}

extension Signal {
  /// A map `(C, H, W)` as a sequence of its places `(H W, C)`, row by row.
  func tokens() -> Signal { reshaped([shape[0], shape[1] * shape[2]]).transposed([1, 0]) }

  /// A sequence of `height` times `width` places `(H W, C)` as a map `(C, H, W)`; undoes ``tokens()``.
  func map(height: Int, width: Int) -> Signal { transposed([1, 0]).reshaped([shape[1], height, width]) }
}
