"""Warns that attention has not become diagonal, and names the likely causes.

The most frequent complaint about Tacotron 2 is that after days of training, with a loss that fell
as it should, the decoder still does not look at the text. Of the usual causes, those that can be
measured are measured once, on the current batch and on the corpus, and named with their numbers.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from tts.core.ranges import Count, Share
from tts.training.task import is_logging_step

log = logging.getLogger(__name__)

METRIC = "train/alignment_diagonality"
#: A frame is quiet if it is this many nats (40 dB) below the loudest of its utterance.
_QUIET = 4.6
_LONG_SILENCE = 0.4  # seconds


class DiagonalGuard(Callback):
    """Warns once if attention is not diagonal after ``after_steps`` optimiser steps.

    Tasks without attention get no warning.

    Args:
        after_steps: optimiser steps before the first look.
        least: attention is diagonal if the mean of the last ten logged values of
            ``train/alignment_diagonality`` is at least this; chance gives 0.19.
    """

    def __init__(self, after_steps: Count = 10_000, least: Share = 0.5) -> None:
        self.after_steps = after_steps
        self.least = least
        self._values: deque[float] = deque(maxlen=10)
        self._warned = False

    def state_dict(self) -> dict[str, Any]:
        """Return whether the warning was already given."""
        return {"warned": self._warned}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue with the state of a checkpoint."""
        self._warned = state_dict["warned"]

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Look at the value that was logged last, and warn if it is time."""
        if (
            self._warned
            or not trainer.is_global_zero
            or not is_logging_step(trainer, trainer.global_step)
        ):
            return
        if (value := trainer.callback_metrics.get(METRIC)) is None:
            return
        self._values.append(float(value))
        mean = sum(self._values) / len(self._values)
        if trainer.global_step >= self.after_steps and mean < self.least:
            self._warned = True
            log.warning(
                "no diagonal after %d steps: %.0f%% of the attention is near the straight line, "
                "19%% would be chance; likely causes: %s",
                trainer.global_step,
                100 * mean,
                "; ".join(likely_causes(trainer, pl_module, batch)),
            )


def likely_causes(trainer: pl.Trainer, pl_module: Any, batch: Any) -> Iterator[str]:
    """Yield the likely causes of missing attention: measured ones first, then the others."""
    datamodule: Any = trainer.datamodule  # type: ignore[attr-defined]
    yield from _silence(batch, datamodule.mel)
    yield from _transcripts(batch)
    yield from _unknown_symbols(datamodule)
    n_batch = len(batch.names) * trainer.accumulate_grad_batches * trainer.world_size
    if n_batch < 16:
        yield f"{n_batch} utterances in a step are few (data.batch_size, accumulate_grad_batches)"
    rate = float(trainer.optimizers[0].param_groups[0]["lr"])
    if not 1e-4 <= rate <= 2e-3:
        yield f"a learning rate of {rate:.2g} (1e-3 is usual)"
    if pl_module.network.config.n_frames_per_step == 1:
        yield "one frame in a decoder step (model.network.n_frames_per_step=2 or 3 is easier)"
    if pl_module.loss.guided_weight == 0:
        yield "no guidance (loss.guided_weight=1 shows the way)"
    yield "transcripts that differ from what the speaker says"


def _silence(batch: Any, mel: Any) -> Iterator[str]:
    seconds = edge_silence(batch.mel, batch.mel_lengths) * (mel.hop_length / mel.sample_rate)
    for place, value in zip(("beginning", "end"), seconds.tolist(), strict=True):
        if value > _LONG_SILENCE:
            yield f"silence of {value:.1f} s at the {place} of clips (trim them)"


def edge_silence(mel: Tensor, lengths: Tensor) -> Tensor:
    """Return the mean number of quiet frames before and after the speech of a batch.

    Args:
        mel: ``(B, n_mels, T_mel)`` log-mel spectrograms.
        lengths: ``(B,)`` numbers of real frames.

    Returns:
        ``(2,)``: the mean before the speech, and after it.
    """
    real = torch.arange(mel.shape[2], device=mel.device) < lengths[:, None]
    loudness = mel.float().mean(dim=1).masked_fill(~real, -torch.inf)  # (B, T_mel)
    loud = loudness > loudness.amax(dim=1, keepdim=True) - _QUIET
    before = loud.int().argmax(dim=1)
    last = mel.shape[2] - 1 - loud.flip(1).int().argmax(dim=1)
    return torch.stack([before, lengths - 1 - last]).float().mean(dim=1)


def _transcripts(batch: Any) -> Iterator[str]:
    """Name utterances that are spoken at a third, or at three times, of the usual pace."""
    pace = batch.mel_lengths / batch.text_lengths
    ratio = (pace / pace.median()).tolist()
    odd = [name for name, r in zip(batch.names, ratio, strict=True) if not 1 / 3 < r < 3]
    if odd:
        yield f"texts too short or too long for their recordings ({', '.join(odd[:5])})"


def _unknown_symbols(datamodule: Any) -> Iterator[str]:
    unknown = datamodule.tokenizer.unknown
    count = sum(len(unknown(utterance.text)) for utterance in datamodule.corpus.utterances())
    if count:
        yield f"{count} characters of the texts have no symbol (tokenizer.symbols)"
