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
    name.replacing(".mlp.0.", with: ".mlp.linear_1.").replacing(".mlp.3.", with: ".mlp.linear_2.")
  }

  /// `blocks.3.attn.qkv.weight` for `encoder.layers.encoder_layer_3.self_attention.in_proj_weight`.
  private static func timmName(_ name: String) -> String {
    let names = [
      ("encoder.layers.encoder_layer_", "blocks."), (".self_attention.in_proj_", ".attn.qkv."),
      (".self_attention.out_proj.", ".attn.proj."), (".mlp.0.", ".mlp.fc1."), (".mlp.3.", ".mlp.fc2."),
      (".ln_1.", ".norm1."), (".ln_2.", ".norm2."), ("encoder.ln.", "norm."), ("encoder.pos_embedding", "pos_embed"),
      ("class_token", "cls_token"), ("conv_proj.", "patch_embed.proj."), ("heads.head.", "head."),
    ]
    return names.reduce(name) { $0.replacing($1.0, with: $1.1) }
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
