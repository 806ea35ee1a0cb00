"""The three networks of the scenes, of torchvision's and timm's own layers.

torch 2.13.0, torchvision 0.28.0, timm 1.0.31.
"""
import timm.models.pvt_v2
import torch.nn as nn
import torchvision
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.models.vgg import VGG, make_layers


def halve_by_pooling(block):
    """The block with its strides replaced by average pools, one after its 3x3 convolution and one in its shortcut."""
    block.conv2.stride = (1, 1)
    block.conv3 = Named(nn.AvgPool2d(2), block.conv3)
    block.downsample = Named(nn.AvgPool2d(2), block.downsample)
    block.downsample.last[0].stride = (1, 1)


class Named(nn.Module):
    """A layer without parameters before another, whose names the parameters keep."""

    def __init__(self, first, last):
        super().__init__()
        self.first, self.last = first, last
        self._register_state_dict_hook(lambda module, entries, prefix, _: rename(entries, prefix + "last.", prefix))
        self.register_load_state_dict_pre_hook(
            lambda module, entries, prefix, *_: rename(entries, prefix, prefix + "last."))

    def forward(self, x):
        return self.last(self.first(x))


def rename(entries, old, new):
    for key in [key for key in entries if key.startswith(old)]:
        entries[new + key[len(old):]] = entries.pop(key)


def resnet():
    model = ResNet(Bottleneck, [2, 2, 2, 2], num_classes=10)
    width = 16
    model.conv1, model.bn1 = nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
    model.maxpool = nn.AvgPool2d(2)
    model.inplanes = width
    for stage in range(4):
        layer = model._make_layer(Bottleneck, width << stage, 2, stride=1 if stage == 0 else 2)
        if stage > 0:
            halve_by_pooling(layer[0])
        setattr(model, f"layer{stage + 1}", layer)
    model.fc = nn.Linear(32 * width, 10)
    return model


def vgg():
    model = VGG(make_layers([32, "M", 64, "M", 96, 96, "M", 128, 128, "M", 128, 128, "M"], batch_norm=True))
    model.avgpool = nn.Identity()
    hidden = 128
    model.classifier = nn.Sequential(
        nn.Linear(9 * 128, hidden), nn.ReLU(), nn.Dropout(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(),
        nn.Linear(hidden, 10))
    return model


def pvt():
    model = timm.models.pvt_v2.PyramidVisionTransformerV2(
        num_classes=10, depths=(1, 2, 2, 2), embed_dims=(24, 48, 96, 128), num_heads=(1, 2, 4, 8),
        sr_ratios=(8, 4, 2, 1), mlp_ratios=(4, 4, 4, 4))
    model.patch_embed.proj.stride = (2, 2)
    return model


def build(name):
    return {"resnet-scenes": resnet, "vgg-scenes": vgg, "pvt-scenes": pvt}[name]()
