"""Turns text into symbol ids: symbol tables, cleaners, and the ``Tokenizer`` that uses both.

Nothing here imports torch, and Unidecode's transliteration tables are loaded only for the first
text that is not plain ASCII. ``import tts.text`` therefore takes a few milliseconds.
"""

from __future__ import annotations

from tts.text.cleaners import CLEANERS
from tts.text.symbols import SYMBOL_SETS
from tts.text.tokenizer import Tokenizer

__all__ = ["CLEANERS", "SYMBOL_SETS", "Tokenizer"]
