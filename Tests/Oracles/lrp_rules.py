"""The rules of layer-wise relevance propagation, written from the formulas in lrp.py, independently of zennit.

torch 2.13.0. Names follow these formulas.
"""
import torch
from torch.func import functional_call


def relevance(rule, module, inputs, R, settings):
    """The relevance at each input of the module, whose output has relevance R."""
    if rule == "Pass":
        return [R]
    epsilon = settings.get("epsilon", settings.get("stabilizer"))
    s = lambda z: z + epsilon * torch.where(z < 0, -1.0, 1.0).double()
    if rule == "Norm":
        if len(inputs) > 1:
            return [x * R / s(sum(inputs)) for x in inputs]
        (x,) = inputs
        y, pullback = torch.func.vjp(module, x)
        return [x * pullback(R / s(y))[0]]

    (x,) = inputs
    W, b = module.weight.detach(), module.bias
    b = torch.zeros(len(W)).double() if b is None else b.detach()

    def A(x, W, b):
        linear = functional_call(module, {"weight": W} | ({} if module.bias is None else {"bias": 0 * b}), x)
        return linear + b.reshape(-1, *[1] * (linear.dim() - 2))

    def At(r, W):
        return torch.func.vjp(lambda x: A(x, W, 0 * b), x)[1](r)[0]

    plus, minus = lambda t: t.clamp(min=0), lambda t: t.clamp(max=0)
    xp, xm, Wp, Wm, bp, bm, none = plus(x), minus(x), plus(W), minus(W), plus(b), minus(b), 0 * b
    match rule:
        case "Epsilon":
            return [x * At(R / s(A(x, W, b)), W)]
        case "ZPlus" | "AlphaBeta":
            q = R / s(A(xp, Wp, bp) + A(xm, Wm, none))
            positive = xp * At(q, Wp) + xm * At(q, Wm)
            if rule == "ZPlus":
                return [positive]
            q = R / s(A(xp, Wm, bm) + A(xm, Wp, none))
            return [settings["alpha"] * positive - settings["beta"] * (xp * At(q, Wm) + xm * At(q, Wp))]
        case "Gamma":
            gamma = settings["gamma"]
            P, N, p, n = W + gamma * Wp, W + gamma * Wm, b + gamma * bp, b + gamma * bm
            z = A(x, W, b)
            q = (z > 0) * R / s(A(xp, P, p) + A(xm, N, none))
            r = (z < 0) * R / s(A(xp, N, n) + A(xm, P, none))
            return [xp * (At(q, P) + At(r, N)) + xm * (At(q, N) + At(r, P))]
        case "ZBox":
            low, high = (settings[key].expand(x.shape) for key in ["low", "high"])
            assert ((low <= x) & (x <= high)).all()
            z = A(x, W, none) - A(low, Wp, none) - A(high, Wm, none)
            q = R / s(z)
            return [x * At(q, W) - low * At(q, Wp) - high * At(q, Wm)]
        case "WSquare":
            return [At(R / s(A(torch.ones_like(x), W**2, b**2)), W**2)]
        case "Flat":
            ones = torch.ones_like(W)
            return [At(R / s(A(torch.ones_like(x), ones, none)), ones)]
