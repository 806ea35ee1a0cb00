import Checkpoints

/// Families of networks that are not built in, known by the names of their tensors, so that a refusal can name them.
enum Relatives {
  private static let signatures: [(part: String, name: String)] = [
    ("MBconv.", "MaxViT"), ("relative_position_bias_table", "a Swin Transformer"), ("dist_token", "a distilled DeiT"),
    ("Mixed_5b.", "an Inception network"), ("inception3a.", "GoogLeNet"), ("cpb_mlp.", "a Swin Transformer V2"),
    ("visual.transformer.", "CLIP"), ("vision_model.", "a vision model of transformers"),
    ("token_mixer", "a MetaFormer"), ("trunk_output.", "a RegNet"), ("s1.b1.", "a RegNet"),
    ("_depthwise_conv.", "an EfficientNet of another package"), ("conv_dw.", "a relative of EfficientNet or MobileNet"),
    ("blocks.0.attn.qkv.", "a vision transformer"), ("encoder.layers.encoder_layer_0.", "a vision transformer"),
    ("fire2.", "SqueezeNet"), ("denselayer1.", "a DenseNet"), ("layer1.0.conv1.", "a relative of ResNet"),
    ("backbone.body.", "a detector"), ("down1.", "a U-Net"),
  ]

  /// The name of the family that the names of a checkpoint's tensors suggest; nil if they suggest none.
  static func name(of checkpoint: Checkpoint) -> String? {
    signatures.first { signature in checkpoint.names.contains { $0.contains(signature.part) } }?.name
  }
}
