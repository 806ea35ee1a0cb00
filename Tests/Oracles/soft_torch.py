"""The soft adjoints of the paper as PyTorch functions, independent of the Swift code: forward exact, backward softened.

torch 2.13.0. Every function takes the layer's input and a temperature; autograd does the rest.
"""
import torch
import torch.nn.functional as F


class Gate(torch.autograd.Function):
    """y = forward(x); the backward pass multiplies the cotangent by gate(x), given as a tensor."""

    @staticmethod
    def forward(ctx, x, y, gate):
        ctx.save_for_backward(gate)
        return y.clone()

    @staticmethod
    def backward(ctx, v):
        return v * ctx.saved_tensors[0], None, None


def normal_cdf(z):
    return 0.5 * (1 + torch.erf(z / 2**0.5))


def soft_relu(x, tau=0.6):
    return Gate.apply(x, F.relu(x).detach(), normal_cdf(x.detach() / tau))


def soft_relu6(x, tau=0.6):
    z = x.detach()
    return Gate.apply(x, F.relu6(x).detach(), normal_cdf(z / tau) - normal_cdf((z - 6) / tau))


def soft_gelu(x, tau=1.0):
    return Gate.apply(x, F.gelu(x).detach(), normal_cdf(x.detach() / tau))


def soft_silu(x, tau=1.6):
    return Gate.apply(x, F.silu(x).detach(), torch.sigmoid(x.detach() / tau))


class _SoftMaxPool(torch.autograd.Function):
    """Max pooling whose backward pass shares each cotangent out over its window by softmax(window / tau)."""

    @staticmethod
    def forward(ctx, x, kernel, stride, padding, ceil_mode, tau, border):
        y = F.max_pool2d(x, kernel, stride, padding, ceil_mode=ceil_mode)
        ctx.save_for_backward(x)
        ctx.settings = (kernel, stride, padding, tau, border, y.shape)
        return y

    @staticmethod
    def backward(ctx, v):
        (x,) = ctx.saved_tensors
        (kh, kw), (sh, sw), (ph, pw), tau, border, out = ctx.settings
        n, c, h, w = x.shape
        # Enough padding below and to the right for the windows that rounding up adds.
        bottom = max(0, (out[2] - 1) * sh + kh - ph - h)
        right = max(0, (out[3] - 1) * sw + kw - pw - w)
        padded = F.pad(x, (pw, right, ph, bottom))
        inside = F.pad(torch.ones_like(x), (pw, right, ph, bottom))
        unfold = lambda t: F.unfold(t, (kh, kw), stride=(sh, sw)).reshape(n, c, kh * kw, -1)
        windows, valid = unfold(padded), unfold(inside)
        count = out[2] * out[3]
        columns = (padded.shape[3] - kw) // sw + 1
        keep = [i * columns + j for i in range(out[2]) for j in range(out[3])]
        windows, valid = windows[..., keep], valid[..., keep]
        scores = windows / tau
        if border == "excluded":
            scores = scores.masked_fill(valid == 0, float("-inf"))
        shares = torch.softmax(scores, dim=2) * v.reshape(n, c, 1, count)
        full = torch.zeros(n, c, kh * kw, ((padded.shape[2] - kh) // sh + 1) * columns, dtype=x.dtype)
        full[..., keep] = shares
        folded = F.fold(full.reshape(n, c * kh * kw, -1), padded.shape[2:], (kh, kw), stride=(sh, sw))
        return folded[:, :, ph : ph + h, pw : pw + w], None, None, None, None, None, None


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def soft_max_pool(x, kernel, stride=None, padding=0, ceil_mode=False, tau=0.3, border="zeros"):
    return _SoftMaxPool.apply(x, _pair(kernel), _pair(stride or kernel), _pair(padding), ceil_mode, tau, border)


def windows(x, kernel, stride, padding, dilation, counts, fill):
    """The windows of (N, C, *extents) for any rank: (N, C, *counts, elements of a window). The padding is begins, then
    ends; `counts` windows an axis are cut out, and what they read beyond the padding is the fill too."""
    rank = len(kernel)
    for axis in range(rank):
        at = (torch.arange(counts[axis]) * stride[axis])[:, None] + torch.arange(kernel[axis]) * dilation[axis]
        extent = x.shape[2 + 2 * axis]
        end = max(padding[rank + axis], int(at.max()) + 1 - padding[axis] - extent)
        shape = list(x.shape)
        pieces = []
        for width in [padding[axis], end]:
            shape[2 + 2 * axis] = width
            pieces.append(torch.full(shape, fill, dtype=x.dtype))
        x = torch.cat([pieces[0], x, pieces[1]], 2 + 2 * axis)
        x = x.index_select(2 + 2 * axis, at.flatten()).unflatten(2 + 2 * axis, at.shape)
    return x.permute(0, 1, *range(2, 2 + 2 * rank, 2), *range(3, 3 + 2 * rank, 2)).flatten(2 + rank)


def soft_max_pool_any(x, y, kernel, stride, padding, dilation, tau, border):
    """Max pooling of any rank with output y: each cotangent is shared out over its window by softmax(window / tau)."""
    cut = lambda t, fill: windows(t, kernel, stride, padding, dilation, y.shape[2:], fill)
    scores = cut(x.detach(), 0.0) / tau
    if border == "excluded":
        scores = scores.masked_fill(cut(torch.ones_like(x), 0.0) == 0, float("-inf"))
    shared = (torch.softmax(scores, -1) * cut(x, 0.0)).sum(-1)
    return (y - shared).detach() + shared


def frozen_norm(x, axes, eps, centred=True):
    """(x - mean) / sqrt(var + eps) over the axes, or x / sqrt(mean of squares + eps), with constant statistics."""
    mean = x.mean(axes, keepdim=True).detach() if centred else 0
    var = (x - mean).square().mean(axes, keepdim=True).detach()
    return (x - mean) / torch.sqrt(var + eps)


def frozen_layer_norm(x, weight, bias, eps, channels_first=False):
    if channels_first:
        return frozen_layer_norm(x.permute(0, 2, 3, 1), weight, bias, eps).permute(0, 3, 1, 2)
    mean = x.mean(-1, keepdim=True).detach()
    var = x.var(-1, keepdim=True, unbiased=False).detach()
    return (x - mean) / torch.sqrt(var + eps) * weight + bias


class _FrozenAttention(torch.autograd.Function):
    """attention @ v whose backward pass uses another, constant attention matrix."""

    @staticmethod
    def forward(ctx, v, attention, backward_attention):
        ctx.save_for_backward(backward_attention)
        return attention @ v

    @staticmethod
    def backward(ctx, g):
        return ctx.saved_tensors[0].transpose(-2, -1) @ g, None, None


def frozen_attention(q, k, v, scale, tau=1.0, mask=0):
    """q, k, v: (N, heads, T, d); the mask is added to the scores, and divided by tau with them."""
    scores = (q @ k.transpose(-2, -1) * scale + mask).detach()
    return _FrozenAttention.apply(v, torch.softmax(scores, -1), torch.softmax(scores / tau, -1))


class _Scaled(torch.autograd.Function):
    """x forward; x / tau seen by what follows, with the cotangent passed straight through the scaling."""

    @staticmethod
    def forward(ctx, x, tau):
        return x / tau

    @staticmethod
    def backward(ctx, v):
        return v, None


def released_attention_gradient(q, k, v, scale, tau, cotangent):
    """The gradient of attention(q / tau, k / tau, v), straight through the scaling."""
    q, k, v = (t.detach().clone().requires_grad_() for t in (q, k, v))
    y = torch.softmax(_Scaled.apply(q, tau) @ _Scaled.apply(k, tau).transpose(-2, -1) * scale, -1) @ v
    return torch.autograd.grad(y, (q, k, v), cotangent)
