"""Lists symbol tables of published checkpoints that do not contain their own.

The number of rows of the embedding often shows which table a network has: 148 for NVIDIA's, 38 and
96 for torchaudio's two, 149 for NVIDIA's before November 2018 (as in keithito/tacotron, with an
end-of-text symbol second and the letters first).
"""

from __future__ import annotations

from string import ascii_letters, ascii_lowercase

from tts.text import SYMBOL_SETS

ENGLISH = SYMBOL_SETS["english_148"]
_PUNCTUATION, _PHONES = ENGLISH[:12], tuple(s for s in ENGLISH if len(s) > 1)

TORCHAUDIO_CHARACTERS = (*_PUNCTUATION, *ascii_lowercase)
TORCHAUDIO_PHONES = (*_PUNCTUATION, *_PHONES)
BEFORE_NOVEMBER_2018 = (
    "_",
    "~",
    *(ascii_letters[26:] + ascii_letters[:26]),
    *"!'(),-.:;? ",
    *_PHONES,
)

#: Rows of an embedding -> the table of the published networks with so many rows.
BY_SIZE = {
    len(table): table
    for table in (ENGLISH, BEFORE_NOVEMBER_2018, TORCHAUDIO_CHARACTERS, TORCHAUDIO_PHONES)
}
