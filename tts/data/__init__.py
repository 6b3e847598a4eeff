"""From a corpus on disk to batches: manifests, corpora, preparation, samplers and DataModules.

The names below are loaded when they are first used, so that a corpus can be made or read
without the seconds that torch and Lightning take to import.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tts.audio.processing import Processing
    from tts.data.corpora import Corpus, Filelist, LJSpeech
    from tts.data.corpora.asterisk import AsteriskPrompts
    from tts.data.corpora.csv_table import CsvCorpus
    from tts.data.corpora.festvox import Festvox
    from tts.data.corpora.folder import VCTK, LibriTTS, TextFiles
    from tts.data.corpora.huggingface import HuggingFace
    from tts.data.corpora.joined import JoinedCorpus
    from tts.data.corpora.manifest import Utterance
    from tts.data.corpora.synthetic import SyntheticCorpus
    from tts.data.corpora.webdataset import WebDataset
    from tts.data.features.prepared import Prepared
    from tts.data.features.prepared_corpus import PreparedCorpus
    from tts.data.loading.batch import MelWaveBatch, TextMelBatch
    from tts.data.loading.datamodule import MelWaveDataModule, TextMelDataModule
    from tts.data.loading.datasets import MelWaveDataset, TextMelDataset
    from tts.data.loading.frame_budget import FrameBudgetBatchSampler
    from tts.data.loading.sampler import BucketBatchSampler

_HOMES = {
    "AsteriskPrompts": "tts.data.corpora.asterisk",
    "BucketBatchSampler": "tts.data.loading.sampler",
    "Corpus": "tts.data.corpora",
    "CsvCorpus": "tts.data.corpora.csv_table",
    "Festvox": "tts.data.corpora.festvox",
    "Filelist": "tts.data.corpora",
    "FrameBudgetBatchSampler": "tts.data.loading.frame_budget",
    "HuggingFace": "tts.data.corpora.huggingface",
    "JoinedCorpus": "tts.data.corpora.joined",
    "LJSpeech": "tts.data.corpora",
    "LibriTTS": "tts.data.corpora.folder",
    "MelWaveBatch": "tts.data.loading.batch",
    "MelWaveDataModule": "tts.data.loading.datamodule",
    "MelWaveDataset": "tts.data.loading.datasets",
    "Prepared": "tts.data.features.prepared",
    "PreparedCorpus": "tts.data.features.prepared_corpus",
    "Processing": "tts.audio.processing",
    "SyntheticCorpus": "tts.data.corpora.synthetic",
    "TextFiles": "tts.data.corpora.folder",
    "TextMelBatch": "tts.data.loading.batch",
    "TextMelDataModule": "tts.data.loading.datamodule",
    "TextMelDataset": "tts.data.loading.datasets",
    "Utterance": "tts.data.corpora.manifest",
    "VCTK": "tts.data.corpora.folder",
    "WebDataset": "tts.data.corpora.webdataset",
}

__all__ = [
    "VCTK",
    "AsteriskPrompts",
    "BucketBatchSampler",
    "Corpus",
    "CsvCorpus",
    "Festvox",
    "Filelist",
    "FrameBudgetBatchSampler",
    "HuggingFace",
    "JoinedCorpus",
    "LJSpeech",
    "LibriTTS",
    "MelWaveBatch",
    "MelWaveDataModule",
    "MelWaveDataset",
    "Prepared",
    "PreparedCorpus",
    "Processing",
    "SyntheticCorpus",
    "TextFiles",
    "TextMelBatch",
    "TextMelDataModule",
    "TextMelDataset",
    "Utterance",
    "WebDataset",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
