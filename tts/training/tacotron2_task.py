"""Trains Tacotron 2: teacher-forced loss, guided attention, a critic, free-running samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Timer
from torch import Tensor

from tts.core.random_state import isolated_rng
from tts.core.ranges import Choice, PositiveWeight, Share, Sigma, Weight, check_fields
from tts.data.loading.batch import TextMelBatch
from tts.metrics import diagonality
from tts.models import Tacotron2, sequence_mask, tacotron2_loss
from tts.models.adversarial import CRITIC_LOSSES
from tts.models.kernels.over_ranks import n_ranks, summed_on_the_way
from tts.models.tacotron2.critic import SpectrogramCritic
from tts.models.tacotron2.loss import REDUCTIONS
from tts.training.task import SpeechTask, is_logging_step
from tts.training.task_samples import TaskSamples


@dataclass(frozen=True)
class Tacotron2LossOptions:
    """Holds options of :func:`tts.models.tacotron2.loss`, and when guided attention ends.

    Attributes:
        reduction: ``"masked"`` or ``"nvidia"``.
        gate_pos_weight: weight of the last frame in the gate's cross entropy.
        guided_weight: weight of the guided attention loss; 0 switches it off.
        guided_sigma: width of the guided attention loss, as a share of the text.
        guided_until: share of the run after which guidance is off. It is the share of the steps or
            of the time, whichever is larger.
        pitch_weight: weight of the pitch's cross entropy, in a network that predicts the pitch.
        texture_weight: weight of the loss that asks for detail; 0 switches it off.
        critic_weight: weight of the losses of a critic that is trained together with the network
            and judges its spectrograms (:class:`tts.models.tacotron2.critic.SpectrogramCritic`);
            0 trains without a critic.
    """

    reduction: Annotated[str, Choice(REDUCTIONS)] = "masked"
    gate_pos_weight: PositiveWeight = 1.0
    guided_weight: Weight = 0.0
    guided_sigma: Sigma = 0.4
    guided_until: Share = 1.0
    pitch_weight: Weight = 1.0
    texture_weight: Weight = 0.0
    critic_weight: Weight = 0.0

    def __post_init__(self) -> None:
        check_fields(self, "loss.")


class Tacotron2Task(SpeechTask):
    """Trains Tacotron 2; takes the arguments of :class:`SpeechTask`, and ``loss``."""

    network: Tacotron2
    critic: SpectrogramCritic | None
    sample_kinds = ("teacher_forced", "free_running")

    def __init__(
        self,
        network: Tacotron2,
        *args: Any,
        loss: Tacotron2LossOptions | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, *args, **kwargs)
        self.loss = loss or Tacotron2LossOptions()
        self.critic = SpectrogramCritic() if self.loss.critic_weight > 0 else None

    def losses(self, batch: TextMelBatch, stage: str) -> tuple[dict[str, Tensor], int]:
        """Return the teacher-forced loss; in training it is a mean over the frames of all ranks."""
        train = stage == "train"
        with summed_on_the_way(batch.mel_lengths.sum().to(torch.float32)) as all_frames:
            output = self.network(*_inputs(batch))
        if train and is_logging_step(self.trainer, self.trainer.global_step + 1):
            # show from the first step on whether attention forms; validation shows more, but late
            diagonal = diagonality(output.alignments, batch.mel_lengths, batch.text_lengths)
            self.log("train/alignment_diagonality", diagonal, rank_zero_only=True)
        # A rank divides its sum by this number. The mean of these losses over the ranks, which is
        # what DDP computes for the gradients, is then the mean over all frames
        n_frames = all_frames() / n_ranks() if train else None
        if n_frames is not None and self.loss.reduction == "masked":
            self.loss_count = n_frames
        losses = tacotron2_loss(
            output,
            batch.mel,
            batch.mel_lengths,
            reduction=self.loss.reduction,
            n_frames=n_frames,
            gate_pos_weight=self.loss.gate_pos_weight,
            text_lengths=batch.text_lengths,
            # never guide validation: its loss must mean the same in the first and the last step
            guided_weight=self.guided_weight() if train else 0.0,
            guided_sigma=self.loss.guided_sigma,
            pitch_weight=self.loss.pitch_weight,
            # left out of validation for the same reason
            texture_weight=self.loss.texture_weight if train else 0.0,
        )
        if self.critic is not None and n_frames is not None:
            mask = sequence_mask(batch.mel_lengths, batch.mel.shape[2])
            critic_losses = self.critic.losses(output.mel_post, batch.mel, mask, n_frames)
            losses |= critic_losses.to_dict()
            losses["total"] = losses["total"] + critic_losses.total(self.loss.critic_weight)
        # reading the sum would make the host wait for the GPU in each training step
        return losses, 1 if train else int(batch.mel_lengths.sum())

    def loss_names(self, stage: str) -> list[str]:
        """Return the names of the parts of the loss."""
        names = ["mel", "mel_post", "gate"]
        names += ["pitch"] if self.network.config.pitch_bins > 0 else []
        if stage == "train":
            names += ["guided"] if self.loss.guided_weight * self.loss.guided_until > 0 else []
            names += ["texture"] if self.loss.texture_weight > 0 else []
            names += list(CRITIC_LOSSES) if self.critic is not None else []
        return names

    def metric_names(self, trainer: pl.Trainer, task: pl.LightningModule) -> set[str] | None:
        """Return the names of all metrics that this task logs."""
        names = super().metric_names(trainer, task)
        return None if names is None else names | {"train/alignment_diagonality"}

    def guided_weight(self) -> float:
        """Return the weight of the guided attention loss at this point of the run."""
        return self.loss.guided_weight if self.progress() < self.loss.guided_until else 0.0

    def progress(self) -> float:
        """Return the share of the run that is over: of steps or of time, whichever is larger."""
        trainer = self.trainer
        shares = [0.0]
        n_steps = trainer.estimated_stepping_batches
        if n_steps not in (-1, float("inf")):
            shares.append(trainer.global_step / n_steps)
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, Timer) and (left := callback.time_remaining()) is not None:
                elapsed = callback.time_elapsed()
                shares.append(elapsed / (elapsed + max(left, 1e-3)))
        return max(shares)

    def samples(self, batch: TextMelBatch, generator: torch.Generator) -> TaskSamples:
        """Return teacher-forced and free-running mels, alignments and gates of each utterance."""
        with isolated_rng(0):
            forced = self.network(*_inputs(batch))
        # cut an utterance that does not stop at twice the longest recording
        max_steps = 2 * batch.mel.shape[2] // self.network.config.n_frames_per_step + 1
        free = self.network.generate(
            batch.text,
            batch.text_lengths,
            max_steps=max_steps,
            generator=generator,
            speakers=batch.speakers,
        )
        n_mel, n_free, n_text = (
            lengths.tolist()
            for lengths in (batch.mel_lengths, free.mel_lengths, batch.text_lengths)
        )
        return TaskSamples(
            names=list(batch.names),
            mels={
                "target": _trim(batch.mel, n_mel),
                "teacher_forced": _trim(forced.mel_post, n_mel),
                "free_running": _trim(free.mel_post, n_free),
            },
            alignments={
                "teacher_forced": _trim_alignments(forced.alignments, n_mel, n_text),
                "free_running": _trim_alignments(free.alignments, n_free, n_text),
            },
            gates={
                "teacher_forced": _trim(torch.sigmoid(forced.gate_logits), n_mel),
                "free_running": _trim(torch.sigmoid(free.gate_logits), n_free),
            },
        )


def _inputs(batch: TextMelBatch) -> tuple[Tensor, ...]:
    return batch.text, batch.text_lengths, batch.mel, batch.mel_lengths, batch.speakers


def _trim(batch: Tensor, lengths: list[int]) -> list[Tensor]:
    return [x[..., :n].float().cpu() for x, n in zip(batch, lengths, strict=True)]


def _trim_alignments(batch: Tensor, n_mel: list[int], n_text: list[int]) -> list[Tensor]:
    return [x[:m, :t].float().cpu() for x, m, t in zip(batch, n_mel, n_text, strict=True)]
