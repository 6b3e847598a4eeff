"""This package turns a corpus on disk into batches: corpora, features, samplers and DataModules.

The names below are loaded when they are first used, so that making or reading a corpus does not
wait some seconds for the import of torch and Lightning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tts.core.lazy import lazy_names

if TYPE_CHECKING:
    from tts.audio.processing import Processing as Processing
    from tts.data.corpora import Corpus as Corpus
    from tts.data.corpora import Filelist as Filelist
    from tts.data.corpora import LJSpeech as LJSpeech
    from tts.data.corpora.asterisk import AsteriskPrompts as AsteriskPrompts
    from tts.data.corpora.csv_table import CsvCorpus as CsvCorpus
    from tts.data.corpora.festvox import Festvox as Festvox
    from tts.data.corpora.folder import VCTK as VCTK
    from tts.data.corpora.folder import LibriTTS as LibriTTS
    from tts.data.corpora.folder import TextFiles as TextFiles
    from tts.data.corpora.huggingface import HuggingFace as HuggingFace
    from tts.data.corpora.joined import JoinedCorpus as JoinedCorpus
    from tts.data.corpora.kss import KSS as KSS
    from tts.data.corpora.manifest import Utterance as Utterance
    from tts.data.corpora.synthetic import SyntheticCorpus as SyntheticCorpus
    from tts.data.corpora.webdataset import WebDataset as WebDataset
    from tts.data.features.prepared import Prepared as Prepared
    from tts.data.features.prepared_corpus import PreparedCorpus as PreparedCorpus
    from tts.data.loading.batch import MelWaveBatch as MelWaveBatch
    from tts.data.loading.batch import TextMelBatch as TextMelBatch
    from tts.data.loading.datamodules import MelWaveDataModule as MelWaveDataModule
    from tts.data.loading.datamodules import TextMelDataModule as TextMelDataModule
    from tts.data.loading.datasets import MelWaveDataset as MelWaveDataset
    from tts.data.loading.datasets import TextMelDataset as TextMelDataset
    from tts.data.loading.frame_budget import FrameBudgetBatchSampler as FrameBudgetBatchSampler
    from tts.data.loading.sampler import BucketBatchSampler as BucketBatchSampler
else:
    __getattr__, __dir__, __all__ = lazy_names(__name__)
