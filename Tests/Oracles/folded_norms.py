"""What folding batch norms into convolutions does to the gradient of ResNet-50, by PyTorch alone: whether the differences
are ReLUs that rounding switched. Prints, for three inputs, the largest difference over the largest value of the output and
of its gradient, and how many of the network's ReLUs are open on one side only. Needs torch 2.13 and torchvision 0.28.
"""
import copy

import compiled_operations  # noqa: F401
import torch
import torchvision
from torch.nn.utils.fusion import fuse_conv_bn_eval


def seeded():
    network = torchvision.models.resnet50(weights=None).eval()
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            shape = module.weight.shape
            module.weight.data = 0.5 + torch.rand(shape, generator=generator)
            module.bias.data = 0.2 * torch.randn(shape, generator=generator)
            module.running_mean = 0.2 * torch.randn(shape, generator=generator)
            module.running_var = 0.5 + torch.rand(shape, generator=generator)
        elif isinstance(module, torch.nn.ReLU):
            module.inplace = False
    return network


def folded(module):
    """Every batch norm that follows a convolution becomes part of it, as the TorchScript exporter does."""
    children = list(module.named_children())
    for (first, convolution), (second, norm) in zip(children, children[1:]):
        if isinstance(convolution, torch.nn.Conv2d) and isinstance(norm, torch.nn.BatchNorm2d):
            setattr(module, first, fuse_conv_bn_eval(convolution, norm))
            setattr(module, second, torch.nn.Identity())
    for _, child in module.named_children():
        folded(child)
    return module


def explained(network, x):
    gates = []
    hooks = [
        module.register_forward_pre_hook(lambda _, inputs: gates.append((inputs[0] > 0).flatten()))
        for module in network.modules() if isinstance(module, torch.nn.ReLU)]
    x = x.clone().requires_grad_()
    value = network(x)[0, 7]
    value.backward()
    for hook in hooks:
        hook.remove()
    return value.detach().double(), x.grad.double(), torch.cat(gates)


def main():
    torch.manual_seed(0)
    network = seeded()
    fold = folded(copy.deepcopy(network))
    double = copy.deepcopy(network).double()
    for seed in range(3):
        x = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(seed))
        value, gradient, gates = explained(double, x.double())
        for name, other, input in [
            ("as it is, float32", network, x), ("folded, float32", fold, x),
            ("folded, float64", copy.deepcopy(fold).double(), x.double())]:
            v, g, open_gates = explained(other, input)
            print(
                f"input {seed}, {name}: value {abs(v - value) / abs(value):.1e}, "
                f"gradient {(g - gradient).abs().max() / gradient.abs().max():.1e}, "
                f"{(open_gates != gates).sum()} of {gates.numel()} ReLUs switched")


if __name__ == "__main__":
    main()
