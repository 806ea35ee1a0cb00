import Pullbacks

// ViT: An Image is Worth 16x16 Words (Dosovitskiy et al., 2020, arXiv 2010.11929). Variant: torchvision's ViT-B/16 for
// images of 224, whose queries, keys and values come from one tensor, `in_proj_weight`.

enum VisionTransformer: String, CaseIterable {
  case b16 = "vit_b_16"

  /// The side of a patch in pixels; layers, features, features inside an MLP, and heads.
  private var size: (patch: Int, depth: Int, width: Int, inner: Int, heads: Int) {
    switch self {
    case .b16: (16, 12, 768, 3072, 12)
    }
  }

  var architecture: Architecture {
    Architecture(rawValue, formerName: Self.formerName) {
      (name, resolution, normalisation, classes) throws(PullbackError) in
      guard resolution == 224 else {
        throw PullbackError(
          .usage, name, "its position embedding is for images of 224 pixels, not \(resolution)",
          advice: "resize the images to 224 x 224")
      }
      return try Graph(name, input: [3, resolution, resolution]) { image in
        let patch = Extent(size.patch, size.patch)
        var x = image.apply(normalisation, "normalise")
          .convolution("conv_proj", size.width, kernel: patch, stride: patch).tokens()
        x = .concatenate([x.parameter("class_token", [1, 1, size.width]).reshaped([1, size.width]), x])
        x = x.adding(x.parameter("encoder.pos_embedding", [1] + x.shape).reshaped(x.shape))
        for layer in 0..<size.depth {
          x = x.encoderLayer("encoder.layers.encoder_layer_\(layer)", inner: size.inner, heads: size.heads)
        }
        return x.layerNorm("encoder.ln", epsilon: 1e-6).slice(axis: 0, 0..<1).flatten().linear("heads.head", classes)
      }
    }
  }

  /// Published checkpoints still say `mlp.linear_1` and `mlp.linear_2` for `mlp.0` and `mlp.3`.
  private static func formerName(_ name: String) -> String {
    name.replacing(".mlp.0.", with: ".mlp.linear_1.").replacing(".mlp.3.", with: ".mlp.linear_2.")
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
