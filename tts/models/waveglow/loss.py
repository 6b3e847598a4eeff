"""Defines the loss of WaveGlow, a negative log-likelihood (arXiv:1811.00002, equation 3)."""

from __future__ import annotations

import torch
from torch import Tensor

from tts.models.waveglow.config import WaveGlowOutput


def waveglow_loss(output: WaveGlowOutput, sigma: float = 1.0) -> dict[str, Tensor]:
    """Compute the negative log-likelihood and its three terms.

    Each is a mean over the elements of the latent. The constants of the Gaussian are left out, as
    in NVIDIA's code, so the loss can be negative.

    Args:
        output: result of ``WaveGlow.forward``.
        sigma: standard deviation of the latent that is assumed.

    Returns:
        Scalars in float32: ``"prior"``, ``"log_s"``, ``"log_det"``, and ``"total"``, which is prior
        minus log_s minus log_det.

    Raises:
        ValueError: ``sigma`` is not above 0.
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
