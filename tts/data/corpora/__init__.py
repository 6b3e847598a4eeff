"""Corpora: folders of recordings with their texts, one small file for each layout.

``base`` is what they have in common, ``made`` what is written into a folder first because its
source is no folder of recordings.
"""

from tts.data.corpora.corpus import DESCRIPTION, Corpus, described_name
from tts.data.corpora.filelist import Filelist
from tts.data.corpora.ljspeech import LJSpeech

__all__ = ["DESCRIPTION", "Corpus", "Filelist", "LJSpeech", "described_name"]
