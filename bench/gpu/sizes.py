"""Holds the sizes of everything that is measured: the published ones, and tiny ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sizes:
    """Holds the sizes of networks and batches.

    Attributes:
        n_mels: mel bands of all networks.
        tacotron2: options of the acoustic model.
        waveglow: options of WaveGlow.
        compact: options of the WaveGlow with a lapped front.
        batch: utterances, symbols and most frames of a batch of the acoustic model.
        segments: segments, and samples of each, of a batch of WaveGlow.
        small_batch: as ``batch``, where a CPU computes it in float64 for comparison.
        small_segments: as ``segments``, likewise.
        texts: texts that are spoken together.
        frames: frames of the utterance that is spoken.
        sentence: what the package's voice says.
        seconds: for how long one piece of work is measured.
        repeats: how often it is done at least, besides a first time that is not counted.
        steps: steps of ``train.py``.
        recipe: options of ``train.py`` for each network.
    """

    n_mels: int
    tacotron2: dict[str, Any]
    waveglow: dict[str, Any]
    compact: dict[str, Any]
    batch: tuple[int, int, int]
    segments: tuple[int, int]
    small_batch: tuple[int, int, int]
    small_segments: tuple[int, int]
    texts: int
    frames: int
    sentence: str
    seconds: float
    repeats: int
    steps: int
    recipe: dict[str, list[str]]


_LAPPED = {"front": "lapped", "envelope": True}
#: The published networks with the batches of our recipes.
FULL = Sizes(
    n_mels=80,
    tacotron2={},
    waveglow={},
    compact={
        **{"condition_channels": 128, "n_flows": 8, "n_group": 64, "n_early_every": 8},
        **{"n_layers": 6, "n_channels": 96, **_LAPPED},
    },
    batch=(64, 150, 800),
    segments=(12, 16_000),
    small_batch=(3, 24, 48),
    small_segments=(1, 4096),
    texts=16,
    frames=603,
    sentence="Hello world, I missed you so much.",
    seconds=6.0,
    repeats=3,
    steps=30,
    recipe={
        "tacotron2": ["model=tacotron2", "data.minutes=2", "data.batch_size=8"],
        "waveglow": ["model=waveglow", "data.minutes=2"],
    },
)
_WIDTHS = (
    *("symbols_embedding_dim", "encoder_embedding_dim", "attention_rnn_dim", "attention_dim"),
    *("decoder_rnn_dim", "prenet_dim", "postnet_embedding_dim"),
)
_SHORT = ("data.minutes=0.4", "data.num_workers=0", "audio.hop_length=512")
#: Networks of a few thousand weights, which show that the command runs to its end.
SMALL = Sizes(
    n_mels=8,
    tacotron2=dict.fromkeys(_WIDTHS, 8),
    waveglow={"n_flows": 2, "n_layers": 2, "n_channels": 8},
    compact={
        **{"condition_channels": 4, "n_flows": 2, "n_group": 16, "n_layers": 2, "n_channels": 8},
        **_LAPPED,
    },
    batch=(2, 5, 4),
    segments=(1, 1024),
    small_batch=(2, 5, 4),
    small_segments=(1, 1024),
    texts=2,
    frames=4,
    sentence="No.",
    seconds=0.0,
    repeats=1,
    steps=4,
    recipe={
        "tacotron2": [
            *("model=tacotron2_compact", "data.batch_size=2", "model.network.n_frames_per_step=20"),
            *(f"model.network.{name}=8" for name in _WIDTHS),
            *_SHORT,
        ],
        "waveglow": [
            *("model=waveglow_compact", "data.batch_size=2", "model.network.n_channels=8"),
            *("model.network.n_flows=2", "model.datamodule.segment_length=2048"),
            *_SHORT,
        ],
    },
)
