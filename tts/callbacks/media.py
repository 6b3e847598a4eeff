"""Samples to pictures and sound, one item at a time.

An item is made when it is wanted, so that one that cannot be made does not take the others along.
Sound of acoustic models is that of Griffin-Lim, unless a vocoder is named: it needs no weights,
and what it cannot do is the same at every step of a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from tts.core.errors import InputError
from tts.loggers.sinks import MediaSink

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tts.audio import MelConfig
    from tts.inference.vocoders.griffin_lim import Vocoder
    from tts.training.task_samples import TaskSamples


GRIFFIN_LIM = "griffin_lim"


@dataclass(frozen=True)
class MediaItem:
    """A picture (``Figure``) or a sound (``(T_wave,)`` tensor) to be made, and its tag.

    ``constant`` is true of the recording's own sound, which training does not change.
    """

    tag: str
    make: Callable[[], Figure | Tensor]
    constant: bool = False

    def send(self, sinks: list[MediaSink], sample_rate: int, step: int) -> Iterator[Exception]:
        """Make it and give it to every sink; yields what went wrong."""
        from tts.audio.plots.figures import figure_to_image

        try:
            made = self.make()
            wave = made if isinstance(made, Tensor) else None
            picture = None if isinstance(made, Tensor) else figure_to_image(made)
        except Exception as error:
            yield error
            return
        for sink in sinks:
            try:
                if picture is not None:
                    sink.image(self.tag, picture, step)
                if wave is not None:
                    sink.audio(self.tag, wave, sample_rate, step)
            except Exception as error:
                yield error


def media_items(
    samples: TaskSamples,
    index: int,
    mel: MelConfig,
    symbols: Sequence[str] | None,
    seed: int,
    vocoder: Vocoder,
) -> Iterator[MediaItem]:
    """Everything there is to show of one utterance.

    Args:
        samples: what the task gave.
        index: of the utterance.
        mel: the contract of ``samples.mels``.
        symbols: of the text, for the axis of alignments.
        seed: of the vocoder's noise; with Griffin-Lim, of the phases that it begins with.
        vocoder: what makes sound of mels.
    """
    from tts.audio.plots.figures import alignment_figure, gate_figure

    name = samples.names[index]
    mels, alignments, gates, waves = (
        {kind: tensors[index].detach().float().cpu() for kind, tensors in group.items()}
        for group in (samples.mels, samples.alignments, samples.gates, samples.waves)
    )
    n_target = mels["target"].shape[-1] if "target" in mels else None
    for kind, alignment in alignments.items():
        make = partial(alignment_figure, alignment, _title(name, kind), symbols)
        yield MediaItem(f"alignment_{kind}/{name}", make)
    for kind, gate in gates.items():
        yield MediaItem(
            f"gate_{kind}/{name}", partial(gate_figure, gate, n_target, _title(name, kind))
        )
    if mels:
        yield MediaItem(f"mel/{name}", partial(_mel_picture, mels, waves, mel, name))
    sounds: dict[str, Callable[[], Tensor]] = {k: partial(_limited, w) for k, w in waves.items()}
    if not waves:
        sounds = {k: partial(_vocoded, m, vocoder, mel, seed) for k, m in mels.items()}
    for kind, sound in sounds.items():
        yield MediaItem(f"audio_{kind}/{name}", sound, constant=kind == "target")


def sample_vocoder(name: str | Path, mel: MelConfig, device: torch.device) -> Vocoder:
    """Griffin-Lim, or the WaveGlow of a checkpoint.

    Raises:
        InputError: the checkpoint is none of a WaveGlow, or follows another mel contract.
    """
    from tts.inference import GriffinLimVocoder, load_waveglow

    if str(name) == GRIFFIN_LIM:
        return GriffinLimVocoder(mel)
    vocoder, _ = load_waveglow(name, device)
    if differences := mel.differences(vocoder.mel):
        raise InputError(
            f"callbacks.samples.vocoder={name}: another mel contract: {'; '.join(differences)} "
            "(here: the run, there: the vocoder)"
        )
    return vocoder


def _mel_picture(
    mels: dict[str, Tensor], waves: dict[str, Tensor], mel: MelConfig, name: str
) -> Figure:
    """The spectrograms of a task, and those of what a vocoder made of them."""
    from tts.audio import LogMel
    from tts.audio.plots.figures import mel_figure

    heard = {kind: LogMel(mel)(wave)[0] for kind, wave in waves.items() if kind not in mels}
    return mel_figure({**mels, **heard}, mel, name)


def _vocoded(spectrogram: Tensor, vocoder: Vocoder, mel: MelConfig, seed: int) -> Tensor:
    # a network that has learned nothing may stop at its first frame; two are the least there can be
    missing = max(0, 2 - spectrogram.shape[-1])
    spectrogram = F.pad(spectrogram, (0, missing), value=mel.silence)
    with torch.no_grad():
        wave = vocoder(spectrogram, generator=torch.Generator().manual_seed(seed))
    return _limited(wave.float().cpu())


def _limited(wave: Tensor) -> Tensor:
    """Early in training a wave may be far too loud; that is expected, and no news for the log."""
    return wave.clamp(-1.0, 1.0)


def _title(name: str, kind: str) -> str:
    return f"{name}, {kind.replace('_', ' ')}"
