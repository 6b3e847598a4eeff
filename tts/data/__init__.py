"""From a corpus on disk to batches: manifests, corpora, preparation, samplers and DataModules.

The names below are loaded when they are first used, so that a corpus can be made or read
without the seconds that torch and Lightning take to import.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tts.data.batch import MelWaveBatch, TextMelBatch
    from tts.data.corpora import Corpus, Filelist, LJSpeech
    from tts.data.corpora.asterisk import AsteriskPrompts
    from tts.data.corpora.delimited import CsvCorpus
    from tts.data.corpora.festvox import Festvox
    from tts.data.corpora.folder import VCTK, LibriTTS, TextFiles
    from tts.data.corpora.huggingface import HuggingFace
    from tts.data.corpora.joined import JoinedCorpus
    from tts.data.corpora.webdataset import WebDataset
    from tts.data.datamodule import MelWaveDataModule, TextMelDataModule
    from tts.data.datasets import MelWaveDataset, TextMelDataset
    from tts.data.frame_budget import FrameBudgetBatchSampler
    from tts.data.manifest import Utterance
    from tts.data.prepared import Prepared
    from tts.data.prepared_corpus import PreparedCorpus
    from tts.data.processing import Processing
    from tts.data.sampler import BucketBatchSampler
    from tts.data.synthetic import SyntheticCorpus

_HOMES = {
    "AsteriskPrompts": "corpora.asterisk",
    "BucketBatchSampler": "sampler",
    "Corpus": "corpora",
    "CsvCorpus": "corpora.delimited",
    "Festvox": "corpora.festvox",
    "Filelist": "corpora",
    "FrameBudgetBatchSampler": "frame_budget",
    "HuggingFace": "corpora.huggingface",
    "JoinedCorpus": "corpora.joined",
    "LJSpeech": "corpora",
    "LibriTTS": "corpora.folder",
    "MelWaveBatch": "batch",
    "MelWaveDataModule": "datamodule",
    "MelWaveDataset": "datasets",
    "Prepared": "prepared",
    "PreparedCorpus": "prepared_corpus",
    "Processing": "processing",
    "SyntheticCorpus": "synthetic",
    "TextFiles": "corpora.folder",
    "TextMelBatch": "batch",
    "TextMelDataModule": "datamodule",
    "TextMelDataset": "datasets",
    "Utterance": "manifest",
    "VCTK": "corpora.folder",
    "WebDataset": "corpora.webdataset",
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
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
