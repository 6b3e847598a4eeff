"""Turns the samples of a task into pictures and sound, one item at a time.

Each item is made when it is needed, so that an item that fails does not prevent the others.
Griffin-Lim makes the sound of acoustic models unless the user names a vocoder: it needs no weights,
and its artefacts are the same in every step of a run.
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
from tts.inference.synthesizer import GRIFFIN_LIM
from tts.loggers.sinks import MediaSink, Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tts.audio import MelConfig
    from tts.inference.vocoders.griffin_lim import Vocoder
    from tts.training.task_samples import TaskSamples


def _call(work: Callable[[], Picture | Tensor]) -> Picture | Tensor:
    return work()


@dataclass(frozen=True)
class MediaItem:
    """Makes one picture or one sound, and sends it to the sinks.

    Attributes:
        tag: ``kind/utterance``.
        make: returns a picture (``Figure``) or a sound (``(T_wave,)`` tensor).
        constant: whether training does not change the item, as the sound of the recording itself.
    """

    tag: str
    make: Callable[[], Figure | Tensor]
    constant: bool = False

    def send(
        self,
        sinks: list[MediaSink],
        sample_rate: int,
        step: int,
        call: Callable[[Callable[[], Picture | Tensor]], Picture | Tensor | None] = _call,
    ) -> Iterator[Exception]:
        """Make the item and give it to every sink.

        Args:
            sinks: where pictures and sound go.
            sample_rate: rate of a sound, in Hz.
            step: optimiser step of the samples.
            call: calls the function that makes the item; it may return None, and nothing is sent.

        Yields:
            The errors that occurred.
        """
        try:
            made = call(self._made)
        except Exception as error:
            yield error
            return
        for sink in sinks:
            try:
                if isinstance(made, Tensor):
                    sink.audio(self.tag, made, sample_rate, step)
                elif made is not None:
                    sink.image(self.tag, made, step)
            except Exception as error:
                yield error

    def _made(self) -> Picture | Tensor:
        from tts.audio.plots.figures import figure_to_image

        made = self.make()
        return made if isinstance(made, Tensor) else figure_to_image(made)


def media_items(
    samples: TaskSamples,
    index: int,
    mel: MelConfig,
    symbols: Sequence[str] | None,
    seed: int,
    vocoder: Vocoder,
) -> Iterator[MediaItem]:
    """Yield every picture and sound of one utterance.

    Args:
        samples: what the task returned.
        index: number of the utterance in ``samples``.
        mel: the mel contract of ``samples.mels``.
        symbols: symbols of the text, for the axis of the alignments.
        seed: seed of the vocoder's noise; with Griffin-Lim, of the phases that it begins with.
        vocoder: turns mels into sound.
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
    """Return the vocoder of the samples: Griffin-Lim, or the WaveGlow of a checkpoint.

    Args:
        name: ``"griffin_lim"``, or the path of a checkpoint.
        mel: the mel contract of the run.
        device: where a WaveGlow computes.

    Raises:
        InputError: the checkpoint holds no WaveGlow, or one of another mel contract.
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
    """Draw the mels of a task, and the mels of the sound that a vocoder made."""
    from tts.audio import LogMel
    from tts.audio.plots.figures import mel_figure

    of_sound = {kind: LogMel(mel)(wave)[0] for kind, wave in waves.items() if kind not in mels}
    return mel_figure({**mels, **of_sound}, mel, name)


def _vocoded(spectrogram: Tensor, vocoder: Vocoder, mel: MelConfig, seed: int) -> Tensor:
    # an untrained network may stop at its first frame, but a vocoder needs two
    missing = max(0, 2 - spectrogram.shape[-1])
    spectrogram = F.pad(spectrogram, (0, missing), value=mel.silence)
    with torch.no_grad():
        wave = vocoder(spectrogram, generator=torch.Generator().manual_seed(seed))
    return _limited(wave.float().cpu())


def _limited(wave: Tensor) -> Tensor:
    """Clip a wave to [-1, 1]: early in training, too loud a wave is normal and needs no warning."""
    return wave.clamp(-1.0, 1.0)


def _title(name: str, kind: str) -> str:
    return f"{name}, {kind.replace('_', ' ')}"
