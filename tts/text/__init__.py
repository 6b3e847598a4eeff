"""Text to ids: symbol tables, cleaners and the ``Tokenizer`` that joins them.

Nothing here imports torch, and the transliteration tables of Unidecode are read when the first
text that is not plain ASCII arrives, so ``import tts.text`` takes a few milliseconds.
"""

from __future__ import annotations

from tts.text.cleaners import CLEANERS
from tts.text.symbols import SYMBOL_SETS
from tts.text.tokenizer import Tokenizer

__all__ = ["CLEANERS", "SYMBOL_SETS", "Tokenizer"]
