"""Reads corpora: folders of recordings with their texts, one small module for each layout.

``corpus`` holds what all layouts have in common. ``generated`` is for sources that are no folders
of recordings: their sound is first written into a folder.
"""

from tts.data.corpora.corpus import DESCRIPTION, Corpus, described_name
from tts.data.corpora.filelist import Filelist
from tts.data.corpora.ljspeech import LJSpeech

__all__ = ["DESCRIPTION", "Corpus", "Filelist", "LJSpeech", "described_name"]
