"""The networks of onnx_zoo.py, with seeded weights: architectures of this package, of torchvision and timm, and small
configurations of transformers."""
from compiled_operations import torchvision  # Before timm and transformers, which import torchvision too.

import torch

import torch_models

NATIVE = ["resnet50", "vgg11_bn", "pvt_v2_b1", "convnext_tiny", "vit_b_16", "efficientnet-lite0", "densenet121"]

TORCHVISION = [
    "alexnet", "squeezenet1_1", "googlenet", "inception_v3", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large",
    "shufflenet_v2_x0_5", "mnasnet0_5", "regnet_y_400mf", "regnet_x_400mf", "efficientnet_b0", "efficientnet_v2_s",
    "resnet18", "resnext50_32x4d", "wide_resnet50_2", "vgg13", "swin_t", "swin_v2_t", "maxvit_t"]

SEGMENTATION = ["fcn_resnet50", "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large"]

# Name in timm, and the side of its images.
TIMM = {
    "mixer_s16_224": 224, "poolformer_s12": 224, "levit_128s": 224, "mobilevit_s": 256, "cait_xxs24_224": 224,
    "deit_tiny_patch16_224": 224, "beit_base_patch16_224": 224, "eva02_tiny_patch14_224": 224, "repvgg_a0": 224,
    "hrnet_w18_small": 224, "resmlp_12_224": 224, "coat_lite_tiny": 224, "xcit_nano_12_p16_224": 224,
    "mobilenetv4_conv_small": 224, "edgenext_xx_small": 256, "fastvit_t8": 256, "ghostnet_100": 224, "dpn68": 224,
    "efficientformer_l1": 224, "convnextv2_atto": 224, "tf_efficientnet_b0": 224, "res2net50_26w_4s": 224,
    "gcresnet33ts": 256, "nf_regnet_b0": 192, "pit_ti_224": 224, "crossvit_tiny_240": 240, "davit_tiny": 224,
    "vit_small_patch16_siglip_256": 256, "tiny_vit_5m_224": 224, "inception_v4": 299, "sequencer2d_s": 224}

TEXT = ["bert", "distilbert", "gpt2", "hf_vit", "wav2vec2"]

ALL = NATIVE + TORCHVISION + SEGMENTATION + list(TIMM) + TEXT


class Wrapped(torch.nn.Module):
    """A model of transformers or a segmenter: tensors in, one tensor out."""

    def __init__(self, model, names, key):
        super().__init__()
        self.model, self.names, self.key = model, names, key

    def forward(self, *arguments):
        if self.names is None:
            return self.model(*arguments)[self.key]
        return getattr(self.model(**dict(zip(self.names, arguments))), self.key)


def seeded(model):
    """Weights as they are drawn, and batch norms that do something."""
    generator = torch.Generator().manual_seed(5)
    for module in model.modules():
        if isinstance(module, (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)):
            count = module.num_features
            module.running_mean.copy_(0.1 * torch.randn(count, generator=generator))
            module.running_var.copy_(0.5 + torch.rand(count, generator=generator))
            if module.weight is not None:
                module.weight.data.copy_(0.5 + torch.rand(count, generator=generator))
                module.bias.data.copy_(0.1 * torch.randn(count, generator=generator))
        elif isinstance(module, torch.nn.Linear) and not module.weight.any():
            # A classifier that begins at zero.
            module.weight.data.copy_(0.05 * torch.randn(module.weight.shape, generator=generator))
    return model.float().eval()


def build(name):
    """A model, what it is called with, and how its inputs are called."""
    torch.manual_seed(3)
    generator = torch.Generator().manual_seed(11)

    def image(side):
        return torch.randn(2, 3, side, side, generator=generator)

    if name in NATIVE:
        side = 224
        return seeded(torch_models.build(name, side)), [image(side)], ["image"]
    if name in TORCHVISION:
        extra = {"init_weights": True, "aux_logits": False} if name in ("googlenet", "inception_v3") else {}
        side = 299 if name == "inception_v3" else 224
        model = torchvision.models.get_model(name, weights=None, **extra)
        return seeded(model), [image(side)], ["image"]
    if name in SEGMENTATION:
        model = torchvision.models.get_model(name, weights=None, weights_backbone=None, num_classes=5)
        return seeded(Wrapped(model, None, "out")), [image(96)], ["image"]
    if name in TIMM:
        import timm
        return seeded(timm.create_model(name, pretrained=False)), [image(TIMM[name])], ["image"]
    return text(name, generator)


def text(name, generator):
    import transformers
    ids = torch.randint(1, 90, [2, 12], generator=generator)
    mask = torch.ones(2, 12, dtype=torch.int64)
    mask[1, 9:] = 0
    small = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96}
    eager = {"attn_implementation": "eager"}
    if name == "bert":
        model = transformers.BertForSequenceClassification(transformers.BertConfig(vocab_size=99, **small, **eager))
        return seeded(Wrapped(model, ["input_ids", "attention_mask"], "logits")), [ids, mask], ["ids", "mask"]
    if name == "distilbert":
        config = transformers.DistilBertConfig(vocab_size=99, dim=48, n_layers=2, n_heads=4, hidden_dim=96, **eager)
        model = transformers.DistilBertForSequenceClassification(config)
        return seeded(Wrapped(model, ["input_ids", "attention_mask"], "logits")), [ids, mask], ["ids", "mask"]
    if name == "gpt2":
        config = transformers.GPT2Config(vocab_size=99, n_positions=32, n_embd=48, n_layer=2, n_head=4, **eager)
        config.use_cache = False
        return seeded(Wrapped(transformers.GPT2LMHeadModel(config), ["input_ids"], "logits")), [ids], ["ids"]
    if name == "hf_vit":
        config = transformers.ViTConfig(image_size=64, patch_size=16, **small, **eager)
        image = torch.randn(2, 3, 64, 64, generator=generator)
        return seeded(Wrapped(transformers.ViTForImageClassification(config), ["pixel_values"], "logits")), [image], ["image"]
    config = transformers.Wav2Vec2Config(
        vocab_size=32, conv_dim=(32,) * 7, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4, **small, **eager)
    wave = torch.randn(2, 4000, generator=generator)
    return seeded(Wrapped(transformers.Wav2Vec2ForCTC(config), ["input_values"], "logits")), [wave], ["wave"]
