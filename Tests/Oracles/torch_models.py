"""torchvision's and timm's models, with or without torchvision's compiled operations.

torchvision 0.28.0, timm 1.0.31.
"""
from compiled_operations import torchvision  # Before timm, which imports torchvision too.

import timm

ARCHITECTURES = [
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152",
    "vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn",
    "pvt_v2_b0", "pvt_v2_b1", "pvt_v2_b2", "pvt_v2_b3", "pvt_v2_b4", "pvt_v2_b5",
    "densenet121", "convnext_tiny", "vit_b_16", "efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2",
    "resnet-scenes", "vgg-scenes", "pvt-scenes"]


def build(name, resolution=224):
    """The model called `name` without pretrained weights; the resolution matters to EfficientNet-Lite's padding."""
    if name.endswith("-scenes"):
        import scene_models

        return scene_models.build(name)
    if name.startswith("pvt"):
        return timm.create_model(name)
    if name.startswith("efficientnet-lite"):
        from efficientnet_lite_pytorch import EfficientNet

        return EfficientNet.from_name(name, image_size=resolution)
    return torchvision.models.get_model(name)
