"""The three networks of the scenes, of torchvision's and timm's own layers: strides are average pools before a layer.

torch 2.13.0, torchvision 0.28.0, timm 1.0.31.
"""
import timm.models.pvt_v2
import torch.nn as nn
import torch.nn.functional as F
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.models.vgg import VGG, make_layers


def pool_before(layer, size):
    layer.register_forward_pre_hook(lambda _, inputs: (F.avg_pool2d(inputs[0], size),))


def resnet():
    model = ResNet(Bottleneck, [2, 2, 2, 2], num_classes=10)
    width = 16
    model.conv1, model.bn1 = nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
    model.maxpool = nn.AvgPool2d(2)
    model.inplanes = width
    for stage in range(4):
        layer = model._make_layer(Bottleneck, width << stage, 2, stride=1 if stage == 0 else 2)
        if stage > 0:
            block = layer[0]
            block.conv2.stride = block.downsample[0].stride = (1, 1)
            pool_before(block.conv3, 2)
            pool_before(block.downsample, 2)
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
    reductions = (4, 2, 1, 1)
    model = timm.models.pvt_v2.PyramidVisionTransformerV2(
        num_classes=10, depths=(2, 2, 2, 1), embed_dims=(48, 96, 128, 128), num_heads=(1, 2, 4, 4),
        sr_ratios=reductions, mlp_ratios=(4, 4, 4, 4))
    model.stem = nn.Sequential(*[
        layer for inputs, outputs in [(3, 16), (16, 32), (32, 64)] for layer in [
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(), nn.AvgPool2d(2)]
    ][:-1])
    model.patch_embed.register_forward_pre_hook(lambda _, inputs: (model.stem(inputs[0]),))
    model.patch_embed.proj = nn.Conv2d(64, 48, 3, padding=1)
    for stage, reduction in zip(model.stages, reductions):
        if stage is not model.stages[0]:
            stage.downsample.proj.stride = (1, 1)
            pool_before(stage.downsample.proj, 2)
        if reduction > 1:
            for block in stage.blocks:
                width = block.attn.sr.out_channels
                block.attn.sr = nn.Conv2d(width, width, 1)
                pool_before(block.attn.sr, reduction)
    return model


def build(name):
    return {"resnet-scenes": resnet, "vgg-scenes": vgg, "pvt-scenes": pvt}[name]()
