"""WaveGlow's flows in constant memory: activations are recomputed from the latent, not stored.

Every flow can be undone, so the backward pass starts from the latent and walks back: it undoes a
flow, computes that flow once more with its graph, takes the gradients, and forgets it (Gomez et
al., 2017, arXiv:1707.04585, for residual networks). The half that a coupling keeps is known from
its output, so its network runs once, not twice, on the way back: four passes instead of three.

The values are those of the stored version up to the round-off of undoing the flows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tts.models.waveglow.condition import Condition

if TYPE_CHECKING:
    from tts.models.waveglow.network import Flow, InvertibleConv, WaveGlow

Gradients = list[Tensor]


def constant_memory_flows(
    network: WaveGlow, x: Tensor, condition: Condition
) -> tuple[Tensor, list[Tensor], Tensor]:
    """Run all flows of a network.

    Args:
        network: whose flows to run.
        x: ``(B, n_group, T)`` what comes out of the front.
        condition: what the flows know of the mel.

    Returns:
        Latent ``(B, n_group, T)``, log scales and log-determinants as in `WaveGlowOutput`.
    """
    parameters = [p for p in network.flows.parameters() if p.requires_grad]
    outputs = _ConstantMemoryFlows.apply(network, condition, x, condition.values, *parameters)  # type: ignore[no-untyped-call]
    z, log_det, *log_s = cast("tuple[Tensor, ...]", outputs)
    return z, log_s, log_det


class _ConstantMemoryFlows(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, network: WaveGlow, condition: Condition, x: Tensor, values: Tensor, *_: Tensor
    ) -> tuple[Tensor, ...]:
        z, log_s, log_det = network.run_flows(x, condition._replace(values=values))
        ctx.network, ctx.condition = network, condition._replace(values=torch.empty(0))
        ctx.autocast = torch.is_autocast_enabled(x.device.type)
        ctx.save_for_backward(z, values)
        return z, log_det, *log_s

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_z: Tensor, d_log_det: Tensor, *d_log_s: Tensor) -> tuple[Any, ...]:
        z, values = ctx.saved_tensors
        network, condition = ctx.network, ctx.condition._replace(values=values)
        with torch.autocast(z.device.type, enabled=ctx.autocast):
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
    """Undo and differentiate flow after flow, from the last to the first."""
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
    """From a flow's output and its gradient to its input and that one's; adds to `d_values`."""
    (kept, changed), (d_kept, d_changed) = flow.halves(y), flow.halves(d_y)
    values = condition.values.detach().requires_grad_()
    kept = kept.detach().requires_grad_()
    with torch.enable_grad():
        shift, log_s = flow.coupling(kept, condition._replace(values=values))
    scale = log_s.detach().exp()
    changed = (changed - shift.detach()) / scale
    # of changed · exp(log_s) + shift
    d_log_s = torch.addcmul(d_log_s, d_changed, changed * scale)
    weights = [p for p in flow.coupling.parameters() if p.requires_grad]
    d_kept_too, d_values_here, *d_weights = torch.autograd.grad(
        [shift, log_s], [kept, values, *weights], [d_changed, d_log_s]
    )
    d_values += d_values_here
    mixed, d_mixed = flow.joined(kept, changed), flow.joined(d_kept + d_kept_too, d_changed * scale)
    x, d_x, d_mix = _undo_mixing(flow.mix, mixed, d_mixed, d_log_det)
    return x, d_x, [*d_mix, *d_weights]


def _undo_mixing(
    mix: InvertibleConv, mixed: Tensor, d_mixed: Tensor, d_log_det: Tensor
) -> tuple[Tensor, Tensor, Gradients]:
    x = mix.inverse(mixed).detach().requires_grad_()
    with torch.enable_grad():
        again, log_det = mix(x)
    weights = [p for p in mix.parameters() if p.requires_grad]
    outputs, gradients = [again], [d_mixed]
    if weights:  # frozen, the determinant depends on nothing
        outputs, gradients = [again, log_det], [d_mixed, x.size(0) * x.size(2) * d_log_det]
    d_x, *d_weights = torch.autograd.grad(outputs, [x, *weights], gradients)
    return x.detach(), d_x, d_weights
