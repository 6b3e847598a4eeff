"""Runs WaveGlow's flows in constant memory: computes activations again instead of storing them.

Every flow can be undone. So the backward pass starts from the latent and goes through the flows in
reverse order. It undoes a flow, runs it once more with its graph, takes the gradients, and frees
the graph (Gomez et al., 2017, arXiv:1707.04585, for residual networks). The half that a coupling
keeps is a part of its output, so its network runs once and not twice in the backward pass. In all
that makes four passes instead of three.

The gradients differ from those of the stored version only by the rounding errors of undoing flows.

Shapes: B batch, T groups of samples, C channels of a flow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tts.models.waveglow.condition import Condition
from tts.models.waveglow.flow import Flow, InvertibleConv

if TYPE_CHECKING:
    from tts.models.waveglow.network import WaveGlow

#: Gradients of a list of weights, each with the shape of its weight.
Gradients = list[Tensor]


def constant_memory_flows(
    network: WaveGlow, x: Tensor, condition: Condition
) -> tuple[Tensor, list[Tensor], Tensor]:
    """Run all flows of a network.

    Args:
        network: network with the flows.
        x: ``(B, n_group, T)`` output of the front.
        condition: condition of the flows.

    Returns:
        Latent ``(B, n_group, T)``, log scales and log-determinants, see :class:`WaveGlowOutput`.
    """
    parameters = [p for p in network.flows.parameters() if p.requires_grad]
    outputs = _ConstantMemoryFlows.apply(network, condition, x, condition.values, *parameters)  # type: ignore[no-untyped-call]
    z, log_det, *log_s = cast("tuple[Tensor, ...]", outputs)
    return z, log_s, log_det


class _ConstantMemoryFlows(torch.autograd.Function):
    """Runs all flows without a graph; the backward pass rebuilds the graph flow by flow."""

    @staticmethod
    def forward(
        ctx: Any, network: WaveGlow, condition: Condition, x: Tensor, values: Tensor, *_: Tensor
    ) -> tuple[Tensor, ...]:
        z, log_s, log_det = network.run_flows(x, condition._replace(values=values))
        ctx.network, ctx.condition = network, condition._replace(values=torch.empty(0))
        # The backward pass runs outside the autocast block. It must compute in the same type, and
        # the default type differs: bfloat16 on a CPU, float16 on a GPU
        device = x.device.type
        ctx.autocast = {
            "device_type": device,
            "dtype": torch.get_autocast_dtype(device),
            "enabled": torch.is_autocast_enabled(device),
        }
        ctx.save_for_backward(z, values)
        return z, log_det, *log_s

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_z: Tensor, d_log_det: Tensor, *d_log_s: Tensor) -> tuple[Any, ...]:
        z, values = ctx.saved_tensors
        network, condition = ctx.network, ctx.condition._replace(values=values)
        with torch.autocast(**ctx.autocast):
            d_x, d_values, d_parameters = _walk_back(network, condition, z, d_z, d_log_det, d_log_s)
        return None, None, d_x, d_values, *d_parameters


def _walk_back(
    network: WaveGlow,
    condition: Condition,
    z: Tensor,
    d_z: Tensor,
    d_log_det: Tensor,
    d_log_s: Sequence[Tensor],
) -> tuple[Tensor, Tensor, Gradients]:
    """Undo and differentiate all flows, from the last to the first.

    Args:
        network: network with the flows.
        condition: condition of the flows.
        z: ``(B, n_group, T)`` latent.
        d_z: ``(B, n_group, T)`` gradient of the latent.
        d_log_det: ``(n_flows,)`` gradient of the log-determinants.
        d_log_s: gradient of the log scales, ``(B, C / 2, T)`` for each flow.

    Returns:
        Gradients of the front's output ``(B, n_group, T)``, of the condition's values, and of all
        weights.
    """
    config = network.config
    n_early = len(config.early_flows) * config.n_early_size
    early = list(torch.split(z[:, :n_early], config.n_early_size, dim=1))
    d_early = list(torch.split(d_z[:, :n_early], config.n_early_size, dim=1))
    x, d_x = z[:, n_early:], d_z[:, n_early:]
    d_values = torch.zeros_like(condition.values)
    d_parameters: list[Gradients] = []
    for k, flow in reversed(list(enumerate(cast("list[Flow]", list(network.flows))))):
        x, d_x, d_parameters_k = _undo(flow, condition, x, d_x, d_log_s[k], d_log_det[k], d_values)
        d_parameters.append(d_parameters_k)
        if k in config.early_flows:
            x = torch.cat([early.pop(), x], dim=1)
            d_x = torch.cat([d_early.pop(), d_x], dim=1)
    return d_x, d_values, [d for part in reversed(d_parameters) for d in part]


def _undo(
    flow: Flow,
    condition: Condition,
    y: Tensor,
    d_y: Tensor,
    d_log_s: Tensor,
    d_log_det: Tensor,
    d_values: Tensor,
) -> tuple[Tensor, Tensor, Gradients]:
    """Undo and differentiate one flow.

    Args:
        flow: flow to undo.
        condition: condition of the flow.
        y: ``(B, C, T)`` output of the flow.
        d_y: ``(B, C, T)`` gradient of the output.
        d_log_s: ``(B, C / 2, T)`` gradient of the log scale.
        d_log_det: scalar gradient of the log-determinant.
        d_values: gradient of the condition's values; the flow's part is added to it.

    Returns:
        The flow's input ``(B, C, T)``, its gradient, and the gradients of the flow's weights.
    """
    (kept, changed), (d_kept, d_changed) = flow.split_halves(y), flow.split_halves(d_y)
    values = condition.values.detach().requires_grad_()
    kept = kept.detach().requires_grad_()
    with torch.enable_grad():
        shift, log_s = flow.coupling(kept, condition._replace(values=values))
    scale = log_s.detach().exp()
    changed = (changed - shift.detach()) / scale
    # log_s also gets a gradient through changed · exp(log_s) + shift
    d_log_s = torch.addcmul(d_log_s, d_changed, changed * scale)
    weights = [p for p in flow.coupling.parameters() if p.requires_grad]
    d_kept_in_coupling, d_values_here, *d_weights = torch.autograd.grad(
        [shift, log_s], [kept, values, *weights], [d_changed, d_log_s]
    )
    d_values += d_values_here
    mixed, d_mixed = (
        flow.join_halves(kept, changed),
        flow.join_halves(d_kept + d_kept_in_coupling, d_changed * scale),
    )
    x, d_x, d_mix = _undo_mixing(flow.mix, mixed, d_mixed, d_log_det)
    return x, d_x, [*d_mix, *d_weights]


def _undo_mixing(
    mix: InvertibleConv, mixed: Tensor, d_mixed: Tensor, d_log_det: Tensor
) -> tuple[Tensor, Tensor, Gradients]:
    """Undo and differentiate the mixing of channels.

    Args:
        mix: mixing of one flow.
        mixed: ``(B, C, T)`` output of the mixing.
        d_mixed: ``(B, C, T)`` gradient of the output.
        d_log_det: scalar gradient of the flow's log-determinant.

    Returns:
        Input ``(B, C, T)`` of the mixing, its gradient, and the gradients of the weight.
    """
    x = mix.inverse(mixed).detach().requires_grad_()
    with torch.enable_grad():
        mixed_again, log_det = mix(x)
    weights = [p for p in mix.parameters() if p.requires_grad]
    outputs, gradients = [mixed_again], [d_mixed]
    if weights:  # with a frozen weight the determinant has no gradient
        outputs, gradients = [mixed_again, log_det], [d_mixed, x.size(0) * x.size(2) * d_log_det]
    d_x, *d_weights = torch.autograd.grad(outputs, [x, *weights], gradients)
    return x.detach(), d_x, d_weights
