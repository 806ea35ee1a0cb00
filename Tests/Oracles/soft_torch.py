"""The soft adjoints of the paper as PyTorch functions, independent of the Swift code: forward exact, backward softened.

torch 2.13.0. Every function takes the layer's input and a temperature; autograd does the rest.
"""
import torch
import torch.nn.functional as F


class _Gate(torch.autograd.Function):
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
    return _Gate.apply(x, F.relu(x).detach(), normal_cdf(x.detach() / tau))


def soft_relu6(x, tau=0.6):
    z = x.detach()
    return _Gate.apply(x, F.relu6(x).detach(), normal_cdf(z / tau) - normal_cdf((z - 6) / tau))


def soft_gelu(x, tau=1.0):
    return _Gate.apply(x, F.gelu(x).detach(), normal_cdf(x.detach() / tau))


def soft_silu(x, tau=1.6):
    return _Gate.apply(x, F.silu(x).detach(), torch.sigmoid(x.detach() / tau))


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


def frozen_attention(q, k, v, scale, tau=1.0):
    """q, k, v: (N, heads, T, d)."""
    scores = (q @ k.transpose(-2, -1) * scale).detach()
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
