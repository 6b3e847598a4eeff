"""Sends pictures and sound to a folder of the run, and to the loggers that can show them.

A sink is any object with ``image`` and ``audio``; a picture is drawn once for all sinks. Tags are
``kind/utterance``: TensorBoard and W&B group them by kind, and the folder gets files such as
``step_000123/kind_utterance.png``. TensorBoard and W&B are used only if the run has such a logger.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger
from torch import Tensor

log = logging.getLogger(__name__)

#: ``(height, width, 3)``: red, green, blue.
Picture: TypeAlias = NDArray[np.uint8]


class MediaSink(Protocol):
    """Receives pictures and sound."""

    def image(self, tag: str, picture: Picture, step: int) -> None:
        """Receive a picture."""

    def audio(self, tag: str, wave: Tensor, sample_rate: int, step: int) -> None:
        """Receive a ``(T_wave,)`` float wave in [-1, 1], on the CPU."""


class FolderSink:
    """Writes PNG and 16-bit WAV files under ``<folder>/step_000123/``, each one atomically."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def image(self, tag: str, picture: Picture, step: int) -> None:
        """Write a PNG file."""
        from PIL import Image

        from tts.core.files import atomic_writer

        with atomic_writer(self._path(tag, step, "png")) as file:
            Image.fromarray(picture).save(file, "png")

    def audio(self, tag: str, wave: Tensor, sample_rate: int, step: int) -> None:
        """Write a WAV file."""
        from tts.audio import write_wave

        write_wave(self._path(tag, step, "wav"), wave.numpy(), sample_rate)

    def _path(self, tag: str, step: int, ending: str) -> Path:
        folder = self.folder / f"step_{step:06d}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{re.sub(r'[^A-Za-z0-9._-]+', '_', tag)}.{ending}"


class TensorBoardSink:
    """Adds images and audio to a ``TensorBoardLogger``."""

    def __init__(self, logger: TensorBoardLogger) -> None:
        self.logger = logger

    def image(self, tag: str, picture: Picture, step: int) -> None:
        """Add an image."""
        self.logger.experiment.add_image(tag, picture, step, dataformats="HWC")

    def audio(self, tag: str, wave: Tensor, sample_rate: int, step: int) -> None:
        """Add a sound."""
        self.logger.experiment.add_audio(tag, wave[None], step, sample_rate)


class WandbSink:
    """Logs images and audio to a ``WandbLogger``."""

    def __init__(self, logger: WandbLogger) -> None:
        self.logger = logger

    def image(self, tag: str, picture: Picture, step: int) -> None:
        """Log an image."""
        self.logger.log_image(tag, [picture], step)

    def audio(self, tag: str, wave: Tensor, sample_rate: int, step: int) -> None:
        """Log a sound."""
        self.logger.log_audio(tag, [wave.numpy()], step, sample_rate=[sample_rate])


def sinks_for(loggers: Iterable[Logger], folder: str | Path) -> list[MediaSink]:
    """Return a sink for the folder, and one for every logger that can take pictures and sound.

    Args:
        loggers: the loggers of the trainer. CSV cannot show media; for other loggers that cannot,
            a line of the log says so.
        folder: folder of the files.
    """
    sinks: list[MediaSink] = [FolderSink(folder)]
    for logger in loggers:
        if isinstance(logger, TensorBoardLogger):
            sinks.append(TensorBoardSink(logger))
        elif isinstance(logger, WandbLogger):
            sinks.append(WandbSink(logger))
        elif not isinstance(logger, CSVLogger):
            log.info("%s takes no media; see %s", type(logger).__name__, folder)
    return sinks
