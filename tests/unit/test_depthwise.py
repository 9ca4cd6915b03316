"""The depthwise convolution that trains in float32 within bfloat16 autocast."""

import pytest

torch = pytest.importorskip("torch")

from dwpose_annotator.models.cspnext import CSPNeXtBlock, DepthwiseConv2d  # noqa: E402


@pytest.fixture
def layers():
    torch.manual_seed(3)
    own = DepthwiseConv2d(32, 32, 5, padding=2, groups=32, bias=False)
    plain = torch.nn.Conv2d(32, 32, 5, padding=2, groups=32, bias=False)
    plain.load_state_dict(own.state_dict())
    return own, plain


def gradients(layer, x, *, autocast):
    x = x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        out = layer(x)
    out.float().square().sum().backward()
    return out, x.grad, layer.weight.grad


def test_equals_the_plain_convolution(layers):
    x = torch.randn(4, 32, 8, 6)
    for ours, theirs in zip(
        *(gradients(layer, x, autocast=False) for layer in layers), strict=True
    ):
        torch.testing.assert_close(ours, theirs)


def test_bfloat16_keeps_its_type_and_is_nearer_to_the_truth(layers):
    own, plain = layers
    x = torch.randn(4, 32, 8, 6).bfloat16()
    out, *ours = gradients(own, x, autocast=True)
    assert out.dtype == torch.bfloat16
    own.zero_grad()
    _, *theirs = gradients(plain, x, autocast=True)
    _, *truth = gradients(own, x.float(), autocast=False)
    for mine, other, true in zip(ours, theirs, truth, strict=True):
        error = (mine.float() - true).norm()
        assert error <= (other.float() - true).norm()
        assert error < 0.01 * true.norm()


def test_the_backbone_uses_it_for_its_depthwise_layers_alone():
    kinds = {
        name: type(module)
        for name, module in CSPNeXtBlock(16, identity=True).named_modules()
        if isinstance(module, torch.nn.Conv2d)
    }
    assert kinds == {
        "conv1.conv": torch.nn.Conv2d,
        "conv2.depthwise_conv.conv": DepthwiseConv2d,
        "conv2.pointwise_conv.conv": torch.nn.Conv2d,
    }
