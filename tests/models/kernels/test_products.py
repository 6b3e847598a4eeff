"""Tests of oneDNN's products: equal to torch's, also in every gradient."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tts.models.kernels import products
from tts.models.kernels.products import dense, onednn_linear, pointwise_conv, weight_gradient

needs_onednn = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="torch was built without oneDNN"
)
#: Numbers of rows, outputs and inputs: each is the largest once, and some fill no vector.
SIZES = [(300, 80, 129), (90, 301, 130), (70, 63, 401)]


@pytest.fixture(autouse=True)
def nothing_is_too_small(monkeypatch):
    monkeypatch.setattr(products, "MIN_MULTIPLY_ADDS", 1)


def layouts(matrix: torch.Tensor) -> list[torch.Tensor]:
    """Return the same matrix by rows, by columns, and as a part of a wider one."""
    wider = torch.cat((matrix, matrix), 1)
    return [matrix, matrix.t().contiguous().t(), wider[:, : matrix.shape[1]]]


@needs_onednn
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_products_of_all_layouts(size):
    n_rows, n_out, n_in = size
    torch.manual_seed(0)
    rows, weight, bias = torch.randn(n_rows, n_in), torch.randn(n_out, n_in), torch.randn(n_out)
    exact = (rows.double() @ weight.double().t() + bias.double()).float()
    for left in layouts(rows):
        for right in layouts(weight):
            assert products._uses_onednn(left, right)
            torch.testing.assert_close(
                onednn_linear(left, right, bias), exact, rtol=1e-5, atol=1e-4
            )


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_gradient_of_a_weight(size):
    n_rows, n_out, n_in = size
    torch.manual_seed(0)
    d_outputs, inputs = torch.randn(n_rows, n_out), torch.randn(n_rows, n_in)
    exact = (d_outputs.double().t() @ inputs.double()).float()
    for left in layouts(d_outputs):
        for right in layouts(inputs):
            found = weight_gradient(left, right)
            torch.testing.assert_close(found, exact, rtol=1e-5, atol=1e-4)


def outputs_and_gradients(layer, inputs, apply):
    inputs = inputs.detach().requires_grad_()
    out = apply(layer, inputs)
    torch.manual_seed(1)
    (out * torch.randn(out.shape)).sum().backward()
    found = [out, inputs.grad, *(p.grad for p in layer.parameters())]
    layer.zero_grad()
    return found


@needs_onednn
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", [(12, 33), (4, 5, 33)], ids=str)
def test_dense_equals_the_layer(bias, shape):
    torch.manual_seed(0)
    layer, inputs = nn.Linear(33, 17, bias=bias), torch.randn(shape)
    ours = outputs_and_gradients(layer, inputs, dense)
    assert "_Dense" in ours[0].grad_fn.name()
    theirs = outputs_and_gradients(layer, inputs, lambda layer, inputs: layer(inputs))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_a_frozen_layer_gets_no_gradient():
    layer = nn.Linear(33, 17).requires_grad_(False)
    inputs = torch.randn(4, 33, requires_grad=True)
    dense(layer, inputs).sum().backward()
    assert layer.weight.grad is None
    torch.testing.assert_close(inputs.grad, layer.weight.sum(0).expand(4, -1))


def test_gradients_in_float64():
    torch.manual_seed(0)
    sizes = (5, 4), (3, 4), (3,)
    operands = tuple(torch.randn(s, dtype=torch.float64, requires_grad=True) for s in sizes)
    assert torch.autograd.gradcheck(products._Dense.apply, operands)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16], ids=str)
def test_other_precisions_use_torch(dtype):
    torch.manual_seed(0)
    rows, weight = torch.randn(6, 33, dtype=dtype), torch.randn(17, 33, dtype=dtype)
    assert not products._uses_onednn(rows, weight)
    assert torch.equal(onednn_linear(rows, weight), nn.functional.linear(rows, weight))


def test_without_onednn_or_gradients_and_under_autocast_the_layer_is_called(monkeypatch):
    layer, inputs = nn.Linear(33, 17), torch.randn(12, 33)
    with monkeypatch.context() as patch:
        patch.setattr(torch.backends.mkldnn, "enabled", False)
        assert not products._uses_onednn(inputs, layer.weight)
        assert torch.equal(dense(layer, inputs), layer(inputs))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert dense(layer, inputs).dtype == torch.bfloat16
    with torch.no_grad():
        assert torch.equal(dense(layer, inputs), layer(inputs))


def test_small_products_use_torch(monkeypatch):
    monkeypatch.setattr(products, "MIN_MULTIPLY_ADDS", 12 * 33 * 17 + 1)
    rows, weight = torch.randn(12, 33), torch.randn(17, 33)
    assert torch.equal(onednn_linear(rows, weight), nn.functional.linear(rows, weight))


@needs_onednn
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("bias", [False, True])
def test_pointwise_conv_equals_the_layer(batch, bias, monkeypatch):
    torch.manual_seed(0)
    layer, inputs = nn.Conv1d(33, 17, 1, bias=bias), torch.randn(batch, 33, 50)
    for threads, is_ours in ((1, True), (2, False)):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        ours = outputs_and_gradients(layer, inputs, pointwise_conv)
        assert ("_Pointwise" in ours[0].grad_fn.name()) == is_ours
        theirs = outputs_and_gradients(layer, inputs, lambda layer, inputs: layer(inputs))
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-5, atol=2e-5)


def test_other_kernel_sizes_use_torch(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    layer, inputs = nn.Conv1d(33, 17, 3, padding=1), torch.randn(1, 33, 50)
    assert torch.equal(pointwise_conv(layer, inputs), layer(inputs))
