"""Freezes batch norm, for tests that compare ways to form a batch."""

from __future__ import annotations

from pytorch_lightning.callbacks import Callback

from tts.models.layers import MaskedBatchNorm1d


class FrozenNorm(Callback):
    """Keeps batch norm in evaluation mode: each accumulated batch has statistics of its own."""

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        for module in pl_module.modules():
            if isinstance(module, MaskedBatchNorm1d):
                module.eval()
