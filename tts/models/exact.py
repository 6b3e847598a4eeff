"""States in which type operations are computed that must be exact on every device.

Such operations are the mixing of WaveGlow's channels with its inverse and its log-determinant, the
lapped transform, and the mel front end. Autocast is switched off around them. That is not enough on
a GPU: Ampere and later round the operands of float32 convolutions to TF32, with 10 bits of
mantissa, and those of float32 matrix products under ``matmul_precision=high``. After twelve flows
the inverse would be wrong by 2e-3. No GPU rounds float64, and these operations are small.

docs/scaling.md has a table of what is computed in which type, and under which settings.
"""

from __future__ import annotations

import torch
from torch import Tensor


def exact_type(x: Tensor) -> torch.dtype:
    """Return the type for an exact operation on ``x``: float64 on a GPU, else float32 at least."""
    if x.is_cuda:
        return torch.float64
    return torch.promote_types(x.dtype, torch.float32)
