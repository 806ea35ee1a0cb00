"""The networks of onnx_zoo.py, with seeded weights: architectures of this package, families of torchvision, timm and
transformers, most with few blocks and small images, so that the zoo can be made without haste on a small machine."""
from compiled_operations import torchvision  # Before timm and transformers, which import torchvision too.

import torch

import torch_models

# Whole networks, as they are: name, and the side of their images.
NATIVE = {"resnet50": 64, "vgg11_bn": 224, "pvt_v2_b1": 64, "convnext_tiny": 64, "densenet121": 64, "vit_b_16": 224}

# Networks of torchvision, whole.
TORCHVISION = {
    "squeezenet1_1": 64, "googlenet": 64, "inception_v3": 96, "mobilenet_v3_small": 64, "mobilenet_v3_large": 64,
    "shufflenet_v2_x0_5": 64, "mnasnet0_5": 64}


def convolutional(name):
    """Families of torchvision with few blocks, narrow where that is a setting."""
    from torchvision.models import convnext, densenet, efficientnet, maxvit, mobilenetv2, regnet, resnet
    from torchvision.models import swin_transformer, vgg, vision_transformer
    classes = {"num_classes": 10}
    one = [1, 1, 1, 1]
    if name == "resnet-basic":
        return resnet.ResNet(resnet.BasicBlock, one, **classes)
    if name == "resnext":
        return resnet.ResNet(resnet.Bottleneck, one, groups=32, width_per_group=4, **classes)
    if name == "wide-resnet":
        return resnet.ResNet(resnet.Bottleneck, one, width_per_group=128, **classes)
    if name == "alexnet":
        return narrow(torchvision.models.AlexNet(**classes))
    if name == "vgg":
        return narrow(vgg.VGG(vgg.make_layers([16, "M", 32, "M", 64, "M", 512, "M"]), **classes))
    if name == "densenet":
        return densenet.DenseNet(8, (2, 2, 2, 2), 16, **classes)
    if name == "mobilenet-v2":
        return mobilenetv2.MobileNetV2(width_mult=0.35, **classes)
    if name in ("regnet-x", "regnet-y"):
        blocks = regnet.BlockParams(one, [16, 32, 48, 64], [8] * 4, [1.0] * 4, [2] * 4, 0.25 if name[-1] == "y" else None)
        return regnet.RegNet(blocks, **classes)
    if name == "efficientnet":
        cell = efficientnet.MBConvConfig
        return efficientnet.EfficientNet(
            [cell(1, 3, 1, 32, 16, 1), cell(6, 3, 2, 16, 24, 2), cell(6, 5, 2, 24, 40, 1)], 0.2, **classes)
    if name == "efficientnet-v2":
        fused, cell = efficientnet.FusedMBConvConfig, efficientnet.MBConvConfig
        return efficientnet.EfficientNet(
            [fused(1, 3, 1, 24, 24, 1), fused(4, 3, 2, 24, 48, 2), cell(4, 3, 2, 48, 64, 1)], 0.2, last_channel=128,
            **classes)
    if name == "convnext":
        cell = convnext.CNBlockConfig
        return convnext.ConvNeXt([cell(24, 48, 1), cell(48, 96, 1), cell(96, None, 1)], layer_scale=0.5, **classes)
    if name == "vit":
        return vision_transformer.VisionTransformer(64, 16, 2, 4, 48, 96, **classes)
    if name == "swin":
        return swin_transformer.SwinTransformer([4, 4], 24, [2, 2], [2, 4], [4, 4], **classes)
    if name == "swin-v2":
        return swin_transformer.SwinTransformer(
            [4, 4], 24, [2, 2], [2, 4], [4, 4], block=swin_transformer.SwinTransformerBlockV2,
            downsample_layer=swin_transformer.PatchMergingV2, **classes)
    if name == "maxvit":
        return maxvit.MaxVit((64, 64), 16, 4, [16, 32], [1, 1], 8, 0.0, **classes)
    raise ValueError(name)


def narrow(model):
    """A classifier of 64 features in the place of 4,096."""
    layers = [m for m in model.classifier if isinstance(m, torch.nn.Linear)]
    widths = [layers[0].in_features, 64, 64, layers[-1].out_features]
    linear = iter([torch.nn.Linear(a, b) for a, b in zip(widths, widths[1:])])
    model.classifier = torch.nn.Sequential(
        *[next(linear) if isinstance(m, torch.nn.Linear) else m for m in model.classifier])
    return model


SMALL = [
    "resnet-basic", "resnext", "wide-resnet", "alexnet", "vgg", "densenet", "mobilenet-v2", "regnet-x", "regnet-y",
    "efficientnet", "efficientnet-v2", "convnext", "vit", "swin", "swin-v2", "maxvit"]

SEGMENTATION = ["fcn-resnet", "deeplabv3-resnet", "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large"]

# Networks of timm: the side of their images, and settings that make them small.
TIMM = {
    "mixer_s16_224": (64, dict(img_size=64)),
    "poolformer_s12": (64, {}),
    "levit_128s": (64, dict(img_size=64)),
    "mobilevit_xxs": (64, {}),
    "cait_xxs24_224": (64, dict(img_size=64, depth=2, depth_token_only=1, embed_dim=48, num_heads=4, init_values=0.5)),
    "deit_tiny_patch16_224": (64, dict(img_size=64, depth=2)),
    "beit_base_patch16_224": (64, dict(img_size=64, depth=2, embed_dim=48, num_heads=4, init_values=0.5)),
    "eva02_tiny_patch14_224": (56, dict(img_size=56, depth=2)),
    "repvgg_a0": (64, {}),
    "hrnet_w18_small": (64, {}),
    "resmlp_12_224": (64, dict(img_size=64)),
    "coat_lite_tiny": (64, dict(img_size=64, serial_depths=(1, 1, 1, 1))),
    "xcit_nano_12_p16_224": (64, dict(img_size=64, depth=2, eta=0.5)),
    "mobilenetv4_conv_small": (64, {}),
    "edgenext_xx_small": (64, {}),
    "fastvit_t8": (64, {}),
    "ghostnet_100": (64, {}),
    "dpn68": (64, {}),
    "efficientformer_l1": (224, {}),
    "convnextv2_atto": (64, dict(depths=(1, 1, 1, 1))),
    "res2net50_26w_4s": (64, dict(layers=(1, 1, 1, 1))),
    "nf_regnet_b0": (64, {}),
    "pit_ti_224": (64, dict(img_size=64)),
    "davit_tiny": (64, dict(depths=(1, 1), embed_dims=(24, 48), num_heads=(2, 4))),
    "vit_base_patch16_siglip_224": (64, dict(img_size=64, depth=2, embed_dim=48, num_heads=4)),
    "tiny_vit_5m_224": (64, {}),
    "swin_tiny_patch4_window7_224": (56, dict(img_size=56, depths=(2, 2), embed_dim=24, num_heads=(2, 4))),
    "swinv2_tiny_window8_256": (64, dict(img_size=64, depths=(2, 2), embed_dim=24, num_heads=(2, 4))),
    "gcresnet33ts": (64, {}),
    "tf_efficientnet_lite0": (64, {})}

TEXT = ["bert", "distilbert", "gpt2", "llama", "hf-vit", "wav2vec2"]

ALL = SMALL + TEXT + list(TIMM) + list(TORCHVISION) + SEGMENTATION + list(NATIVE)


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
    """A model, how its inputs are called, and a function from a seed to two samples of them."""
    torch.manual_seed(3)
    if name in NATIVE:
        return seeded(torch_models.build(name, NATIVE[name])), ["image"], images(NATIVE[name])
    if name in TORCHVISION:
        # Their own initialisation (init_weights=True) is so small that GoogLeNet's maps are nearly constant here, and
        # rounding chooses the maxima of its pools.
        extra = {"init_weights": False, "aux_logits": False} if name in ("googlenet", "inception_v3") else {}
        model = torchvision.models.get_model(name, weights=None, **extra)
        return seeded(model), ["image"], images(TORCHVISION[name])
    if name in SMALL:
        return seeded(convolutional(name)), ["image"], images({"alexnet": 224, "vgg": 112}.get(name, 64))
    if name in SEGMENTATION:
        from torchvision.models import resnet, segmentation
        if name.endswith("resnet"):
            trunk = resnet.ResNet(
                resnet.Bottleneck, [1, 1, 1, 1], replace_stride_with_dilation=[False, True, True])
            kind = segmentation.fcn._fcn_resnet if name[0] == "f" else segmentation.deeplabv3._deeplabv3_resnet
            model = kind(trunk, 5, None)
        else:
            model = torchvision.models.get_model(name, weights=None, weights_backbone=None, num_classes=5)
        return seeded(Wrapped(model, None, "out")), ["image"], images(64)
    if name in TIMM:
        import timm
        side, settings = TIMM[name]
        return seeded(timm.create_model(name, pretrained=False, num_classes=10, **settings)), ["image"], images(side)
    return text(name)


def images(*shape):
    shape = [2, 3, shape[0], shape[0]] if len(shape) == 1 else list(shape)
    return lambda seed: [torch.randn(shape, generator=torch.Generator().manual_seed(seed))]


def text(name):
    import transformers
    small = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96}
    eager = {"attn_implementation": "eager"}

    def tokens(seed):
        return torch.randint(1, 90, [2, 12], generator=torch.Generator().manual_seed(seed))

    def masked(seed):
        mask = torch.ones(2, 12, dtype=torch.int64)
        mask[1, 9:] = 0
        return [tokens(seed), mask]

    if name == "bert":
        model = transformers.BertForSequenceClassification(transformers.BertConfig(vocab_size=99, **small, **eager))
        return seeded(Wrapped(model, ["input_ids", "attention_mask"], "logits")), ["ids", "mask"], masked
    if name == "distilbert":
        config = transformers.DistilBertConfig(vocab_size=99, dim=48, n_layers=2, n_heads=4, hidden_dim=96, **eager)
        model = transformers.DistilBertForSequenceClassification(config)
        return seeded(Wrapped(model, ["input_ids", "attention_mask"], "logits")), ["ids", "mask"], masked
    if name == "gpt2":
        config = transformers.GPT2Config(vocab_size=99, n_positions=32, n_embd=48, n_layer=2, n_head=4, **eager)
        config.use_cache = False
        model = Wrapped(transformers.GPT2LMHeadModel(config), ["input_ids"], "logits")
        return seeded(model), ["ids"], lambda seed: [tokens(seed)]
    if name == "llama":
        config = transformers.LlamaConfig(vocab_size=99, num_key_value_heads=2, **small, **eager)
        config.use_cache = False
        model = Wrapped(transformers.LlamaForCausalLM(config), ["input_ids"], "logits")
        return seeded(model), ["ids"], lambda seed: [tokens(seed)]
    if name == "hf-vit":
        config = transformers.ViTConfig(image_size=64, patch_size=16, **small, **eager)
        model = Wrapped(transformers.ViTForImageClassification(config), ["pixel_values"], "logits")
        return seeded(model), ["image"], images(64)
    config = transformers.Wav2Vec2Config(
        vocab_size=32, conv_dim=(32,) * 7, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4, **small, **eager)
    model = Wrapped(transformers.Wav2Vec2ForCTC(config), ["input_values"], "logits")
    return seeded(model), ["wave"], images(2, 4000)
