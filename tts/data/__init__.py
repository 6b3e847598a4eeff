"""From a corpus on disk to batches: manifests, corpora, stores, samplers and DataModules.

The names below are loaded when they are first used, so that a corpus can be made or read
without the seconds that torch and Lightning take to import.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tts.data.batch import MelWaveBatch, TextMelBatch
    from tts.data.corpora import Corpus, Filelist, LJSpeech
    from tts.data.datamodule import MelWaveDataModule, TextMelDataModule
    from tts.data.datasets import MelWaveDataset, TextMelDataset
    from tts.data.frame_budget import FrameBudgetBatchSampler
    from tts.data.manifest import Utterance
    from tts.data.mel_store import MelStore
    from tts.data.sampler import BucketBatchSampler
    from tts.data.synthetic import SyntheticCorpus

_HOMES = {
    "BucketBatchSampler": "sampler",
    "Corpus": "corpora",
    "Filelist": "corpora",
    "FrameBudgetBatchSampler": "frame_budget",
    "LJSpeech": "corpora",
    "MelStore": "mel_store",
    "MelWaveBatch": "batch",
    "MelWaveDataModule": "datamodule",
    "MelWaveDataset": "datasets",
    "SyntheticCorpus": "synthetic",
    "TextMelBatch": "batch",
    "TextMelDataModule": "datamodule",
    "TextMelDataset": "datasets",
    "Utterance": "manifest",
}

__all__ = [
    "BucketBatchSampler",
    "Corpus",
    "Filelist",
    "FrameBudgetBatchSampler",
    "LJSpeech",
    "MelStore",
    "MelWaveBatch",
    "MelWaveDataModule",
    "MelWaveDataset",
    "SyntheticCorpus",
    "TextMelBatch",
    "TextMelDataModule",
    "TextMelDataset",
    "Utterance",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
