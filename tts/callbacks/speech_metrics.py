"""Measures the quality of free-running speech, as metrics that a run can be judged by.

The validation loss is teacher-forced: it can be low although the network cannot speak by itself.
These metrics measure what a listener gets: the spectrogram that the network makes of a text alone,
or the sound that it makes of a spectrogram. Utterances and noise are the same for every batch size
and number of devices, so the trials of a sweep can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch

from tts.audio import GriffinLim, LogMel
from tts.callbacks.samples import draw_samples
from tts.callbacks.stop_on_signal import is_monitored, leave_validation, until_stopped
from tts.callbacks.validation_counter import ValidationCounter
from tts.core.errors import InputError
from tts.core.random_state import isolated_rng
from tts.core.ranges import Count
from tts.data.loading.fallbacks import FallbackDataset
from tts.metrics import aligned_mel_distance, mel_distance, word_error_rate

if TYPE_CHECKING:
    from tts.metrics.recognition import Recogniser
    from tts.training.task_samples import TaskSamples

#: Logged as ``val/NAME``.
MEASURES = ("mel_distance", "word_error_rate")
_GRIFFIN_LIM_STEPS = 32


class SpeechMetrics(ValidationCounter):
    """Measures after validations on the first process, and gives the values to all processes.

    Args:
        measures: ``mel_distance``, ``word_error_rate`` or both; the monitored one is always added.
        n_utterances: number of utterances, evenly spread over the validation set.
        every_n_validations: how often it measures.
        monitor: the metric that the run is judged by.
        recogniser: recognises speech for word error rates; called with a wave and its rate in Hz.
        seed: seed of dropout and noise.

    Raises:
        InputError: there is no such measure.
    """

    def __init__(
        self,
        measures: Sequence[str] = (),
        n_utterances: Count = 8,
        every_n_validations: Count = 1,
        monitor: str = "",
        recogniser: Recogniser | None = None,
        seed: int = 0,
    ) -> None:
        if unknown := sorted(set(measures) - set(MEASURES)):
            raise InputError(f"callbacks.speech.measures: {unknown[0]}; use {', '.join(MEASURES)}")
        self.measures = [m for m in MEASURES if m in measures or monitor == f"val/{m}"]
        self.n_utterances = n_utterances
        self.every_n_validations = every_n_validations
        self.recogniser = recogniser
        self.seed = seed

    def metric_names(self, trainer: pl.Trainer, task: pl.LightningModule) -> set[str]:
        """Return the names of the measures."""
        return {f"val/{measure}" for measure in self.measures} & self.metrics_if_monitored(task)

    def metrics_if_monitored(self, task: pl.LightningModule) -> set[str]:
        """Return the names of the measures that this callback adds if one of them is monitored."""
        measures = MEASURES[:1] if _reads_no_text(task) else MEASURES
        return {f"val/{measure}" for measure in measures}

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Load the recogniser, so that a missing one shows before anything is trained.

        Raises:
            InputError: word errors are wanted of a network that reads no text.
        """
        if "word_error_rate" in self.measures and _reads_no_text(pl_module):
            raise InputError("val/word_error_rate is of text: use val/mel_distance for a vocoder")
        if "word_error_rate" in self.measures and trainer.is_global_zero:
            assert self.recogniser is not None, "word error rates need a recogniser"
            self.recogniser.load()

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Measure in every n-th validation."""
        if not self.measures:
            return
        if (count := self.count_validation(trainer)) and count % self.every_n_validations == 0:
            values = self._measured(trainer, pl_module) if trainer.is_global_zero else {}
            pl_module.log_dict(trainer.strategy.broadcast(values), sync_dist=True)
            leave_validation(trainer)

    def _measured(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, float]:
        """Return the values; none if a signal came and the run can end without them."""
        is_needed = is_monitored(trainer, tuple(f"val/{name}" for name in self.measures))
        with isolated_rng(self.seed):
            values = until_stopped(trainer, lambda: self._measure(trainer, pl_module), is_needed)
        return values or {}

    def _measure(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, float]:
        batch = validation_batch(trainer, self.n_utterances)
        if batch is None:
            return {}
        batch = trainer.strategy.batch_to_device(batch)
        samples = draw_samples(trainer, pl_module, batch, self.seed)
        measure = {"mel_distance": _mel_distance, "word_error_rate": self._word_error_rate}
        datamodule: Any = trainer.datamodule  # type: ignore[attr-defined]
        return {f"val/{name}": measure[name](samples, datamodule) for name in self.measures}

    def _word_error_rate(self, samples: TaskSamples, datamodule: Any) -> float:
        assert self.recogniser is not None
        griffin_lim = GriffinLim(datamodule.mel, _GRIFFIN_LIM_STEPS)
        texts = {utterance.id: utterance.text for utterance in datamodule.corpus.utterances()}
        recognised = []
        for mel in samples.mels["free_running"]:
            generator = torch.Generator().manual_seed(self.seed)
            # Griffin-Lim finds no phases for a single frame
            wave = griffin_lim(mel, generator=generator) if mel.shape[1] > 1 else torch.zeros(1600)
            recognised.append(self.recogniser(wave.numpy(), datamodule.mel.sample_rate))
        normalise = self.recogniser.normalise
        written = [normalise(texts[name]) for name in samples.names]
        return word_error_rate(written, [normalise(text) for text in recognised])


def _reads_no_text(task: pl.LightningModule) -> bool:
    """Return whether a task says that it speaks no text, as that of a vocoder does."""
    return getattr(task, "sample_kinds", None) == ()


def _mel_distance(samples: TaskSamples, datamodule: Any) -> float:
    """Return the mean distance to the recordings, of predicted mels or of mels of the sound."""
    if free := samples.mels.get("free_running"):
        pairs = zip(free, samples.mels["target"], strict=True)
        distances = [mel_distance(mel, to) for mel, to in pairs]
    else:
        log_mel = LogMel(datamodule.mel)
        # measure the recording: the mels of a batch may be those of an acoustic model
        waves = zip(samples.waves["inverse"], samples.waves["target"], strict=True)
        distances = [aligned_mel_distance(log_mel(x)[0], log_mel(to)[0]) for x, to in waves]
    return sum(distances) / len(distances)


def validation_batch(trainer: pl.Trainer, n: int) -> Any:
    """Return a batch of up to ``n`` utterances, evenly spread over the validation set.

    It is None if the validation set is empty.
    """
    loader: Any = trainer.val_dataloaders
    dataset = getattr(loader, "dataset", None)
    if dataset is None or not len(dataset):
        return None
    if isinstance(dataset, FallbackDataset):
        dataset = dataset.dataset
    indices = torch.linspace(0, len(dataset) - 1, min(n, len(dataset))).round().long().tolist()
    return loader.collate_fn([dataset[index] for index in indices])
