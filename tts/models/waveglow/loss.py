"""Negative log-likelihood of a flow (WaveGlow, arXiv:1811.00002, equation 3)."""

from __future__ import annotations

import torch
from torch import Tensor

from tts.models.waveglow.config import WaveGlowOutput


def waveglow_loss(output: WaveGlowOutput, sigma: float = 1.0) -> dict[str, Tensor]:
    """Likelihood loss and its three terms, each a mean over the elements of the latent.

    Constants of the Gaussian are left out, as in NVIDIA's code, so the number may be negative.

    Args:
        output: what `WaveGlow.forward` gave.
        sigma: standard deviation that the latent is taken to have.

    Returns:
        Scalars in float32: "prior", "log_s", "log_det", and "total" = prior - log_s - log_det.

    Raises:
        ValueError: sigma is not above 0.
    """
    if not sigma > 0:
        raise ValueError(f"sigma={sigma}: must be above 0")
    n_elements = output.z.numel()
    prior = output.z.float().square().sum() / (2 * sigma**2 * n_elements)
    log_s = torch.stack([s.float().sum() for s in output.log_s]).sum() / n_elements
    log_det = output.log_det.sum() / n_elements
    return {
        "total": prior - log_s - log_det,
        "prior": prior,
        "log_s": log_s,
        "log_det": log_det,
    }
