"""Modules that stand in for a model's activations, max pools, layer norms and attentions: forward exact; backward the
derivative or, while `state.softened`, the adjoint of soft_torch.py.

torch 2.13.0, torchvision 0.28.0, timm 1.0.31. They hold the parameters of the module they replace under its names.
"""
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import nn

import soft_torch as soft
import torch_models

# margin, while it is a tensor: per image, the distance of the closest pre-activation to a kink of its layer, relative
# to the layer's root mean square.
state = SimpleNamespace(softened=False, attention_softened=True, margin=None)


def _record(distance, x):
    if state.margin is not None:
        relative = distance.flatten(1).amin(1) / x.pow(2).flatten(1).mean(1).sqrt()
        state.margin = torch.minimum(state.margin, relative)


class ReLU(nn.Module):
    def forward(self, x):
        _record(x.abs(), x)
        return soft.soft_relu(x) if state.softened else F.relu(x)


class ReLU6(nn.Module):
    def forward(self, x):
        _record(torch.minimum(x.abs(), (x - 6).abs()), x)
        return soft.soft_relu6(x) if state.softened else F.relu6(x)


class GELU(nn.Module):
    def forward(self, x):
        return soft.soft_gelu(x) if state.softened else F.gelu(x)


class MaxPool(nn.Module):
    def __init__(self, pool):
        super().__init__()
        self.settings = (pool.kernel_size, pool.stride, pool.padding, pool.ceil_mode)

    def forward(self, x):
        kernel, stride, padding, ceil_mode = self.settings
        if state.margin is not None:
            # The two largest values of a window. Where the largest is zero the whole window is off, its switch idle.
            padded = F.pad(x, [padding] * 4, value=float("-inf")).unfold(2, kernel, stride).unfold(3, kernel, stride)
            best = padded.flatten(4).topk(2, -1).values
            _record((best[..., 0] - best[..., 1]).where(best[..., 0] > 0, torch.inf), x)
        if state.softened:
            return soft.soft_max_pool(x, kernel, stride, padding, ceil_mode)
        return F.max_pool2d(x, kernel, stride, padding, ceil_mode=ceil_mode)


class LayerNorm(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps
        self.channels_first = isinstance(norm, torch_models.torchvision.models.convnext.LayerNorm2d)

    def forward(self, x):
        if state.softened:
            return soft.frozen_layer_norm(x, self.weight, self.bias, self.eps, self.channels_first)
        if self.channels_first:
            x = x.permute(0, 2, 3, 1)
        y = F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)
        return y.permute(0, 3, 1, 2) if self.channels_first else y


def _attention(q, k, v, heads):
    """q (N, T, C), k and v (N, S, C)."""
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))
    scale = q.shape[-1] ** -0.5
    if state.softened and state.attention_softened:
        y = soft.frozen_attention(q, k, v, scale)
    else:
        y = torch.softmax(q @ k.transpose(-2, -1) * scale, -1) @ v
    return y.transpose(1, 2).flatten(2)


class MultiheadAttention(nn.Module):
    """torch.nn.MultiheadAttention of a sequence to itself."""

    def __init__(self, attention):
        super().__init__()
        self.in_proj_weight, self.in_proj_bias = attention.in_proj_weight, attention.in_proj_bias
        self.out_proj, self.heads = attention.out_proj, attention.num_heads

    def forward(self, query, key, value, need_weights):
        q, k, v = F.linear(query, self.in_proj_weight, self.in_proj_bias).chunk(3, -1)
        return self.out_proj(_attention(q, k, v, self.heads)), None


class SpatialReductionAttention(nn.Module):
    """timm's attention of PVT v2."""

    def __init__(self, attention):
        super().__init__()
        self.q, self.kv, self.proj, self.heads = attention.q, attention.kv, attention.proj, attention.num_heads
        self.sr, self.norm = attention.sr, LayerNorm(attention.norm) if attention.norm else None

    def forward(self, x, feat_size):
        context = x
        if self.sr is not None:
            context = self.norm(self.sr(x.transpose(1, 2).unflatten(2, feat_size)).flatten(2).transpose(1, 2))
        return self.proj(_attention(self.q(x), *self.kv(context).chunk(2, -1), self.heads))


REPLACEMENTS = [
    (nn.ReLU6, lambda old: ReLU6()), (nn.ReLU, lambda old: ReLU()), (nn.GELU, lambda old: GELU()),
    (nn.MaxPool2d, MaxPool), (nn.LayerNorm, LayerNorm), (nn.MultiheadAttention, MultiheadAttention),
    (torch_models.timm.models.pvt_v2.Attention, SpatialReductionAttention)]


def replace_modules(model):
    """Puts these modules in place of the model's own, each occurrence of one module by the same one."""
    for name, child in model._modules.items():
        if child is None:
            continue
        for kind, make in REPLACEMENTS:
            if isinstance(child, kind):
                model._modules[name] = make(child)
                break
        else:
            replace_modules(child)
    return model
