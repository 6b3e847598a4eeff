"""Writes English phones in Hangul, after the rules by which Korean writes loanwords.

The rules are those of the notation of foreign words of 1986 (외래어 표기법), chapter 3, section 1,
in so far as phones decide: a short vowel takes a voiceless stop as its final (컵), other consonants
get a vowel of their own (케이크, 버스), and l between vowels is doubled (헬로).
"""

from __future__ import annotations

from collections.abc import Sequence

from tts.text.jamo import syllable

_INITIALS = {
    "B": "ㅂ", "CH": "ㅊ", "D": "ㄷ", "DH": "ㄷ", "F": "ㅍ", "G": "ㄱ", "HH": "ㅎ", "JH": "ㅈ",
    "K": "ㅋ", "L": "ㄹ", "M": "ㅁ", "N": "ㄴ", "P": "ㅍ", "R": "ㄹ", "S": "ㅅ", "SH": "ㅅ",
    "T": "ㅌ", "TH": "ㅅ", "V": "ㅂ", "Z": "ㅈ", "ZH": "ㅈ",
}  # fmt: skip
_VOWELS = {
    "AA": "ㅏ", "AE": "ㅐ", "AH": "ㅓ", "AO": "ㅗ", "AW": "ㅏㅜ", "AY": "ㅏㅣ", "EH": "ㅔ",
    "ER": "ㅓ", "EY": "ㅔㅣ", "IH": "ㅣ", "IY": "ㅣ", "OW": "ㅗ", "OY": "ㅗㅣ", "UH": "ㅜ",
    "UW": "ㅜ",
}  # fmt: skip
_AFTER_Y = {"ㅏ": "ㅑ", "ㅐ": "ㅒ", "ㅓ": "ㅕ", "ㅔ": "ㅖ", "ㅗ": "ㅛ", "ㅜ": "ㅠ"}
_AFTER_W = {"ㅏ": "ㅘ", "ㅐ": "ㅙ", "ㅓ": "ㅝ", "ㅔ": "ㅞ", "ㅗ": "ㅝ", "ㅣ": "ㅟ"}
_AFTER_SH = {**_AFTER_Y, "ㅐ": "ㅒ"}
_FINALS = {"M": "ㅁ", "N": "ㄴ", "NG": "ㅇ", "L": "ㄹ"}
_STOPS = {"P": "ㅂ", "T": "ㅅ", "K": "ㄱ"}
_SHORT = frozenset({"AE", "AH", "EH", "IH", "UH", "AA"})
_OWN_VOWEL = {"CH": "ㅣ", "JH": "ㅣ", "ZH": "ㅣ", "SH": "ㅣ"}


def say_loanword(word: str, phones: Sequence[str]) -> str:
    """Return an English word in Hangul.

    Args:
        word: the word in small letters, which decides between vowels that phones do not tell apart.
        phones: its ARPAbet phones, with or without stress.
    """
    return _Writer(word, [phone.rstrip("012") for phone in phones]).write()


class _Writer:
    """Writes one word; ``syllables`` holds initial, vowel and final of each syllable."""

    def __init__(self, word: str, phones: Sequence[str]) -> None:
        self.word, self.phones = word, phones
        self.syllables: list[list[str]] = []
        self.initial = ""
        self.glide = ""

    def write(self) -> str:
        for place, phone in enumerate(self.phones):
            following = self.phones[place + 1] if place + 1 < len(self.phones) else ""
            if phone in _VOWELS:
                self._vowel(place, phone, following)
            elif phone in ("W", "Y"):
                self.glide = phone
            elif following in _VOWELS or following in ("W", "Y"):
                self._onset(phone, following)
            else:
                self._coda(place, phone, following)
        return "".join(syllable(*parts) for parts in self.syllables)

    def _vowel(self, place: int, phone: str, following: str) -> None:
        vowel = _VOWELS[phone]
        is_last = place == len(self.phones) - 1
        if phone == "AA" and "o" in self.word and "a" not in self.word:
            vowel = "ㅗ"
        elif phone == "AH" and is_last and self.word.endswith("a"):
            vowel = "ㅏ"
        elif phone == "AH" and following in ("N", "L") and place == len(self.phones) - 2:
            vowel = self._weak_vowel(following)
        first, others = vowel[0], vowel[1:]
        if self.glide:
            first = (_AFTER_Y if self.glide == "Y" else _AFTER_W).get(first, first)
        elif self.initial == "SH":
            first = _AFTER_SH.get(first, first)
        self.syllables.append([_INITIALS.get(self.initial, "ㅇ"), first, ""])
        self.syllables += [["ㅇ", other, ""] for other in others]
        is_long = phone in ("EH", "IH", "IY", "UH", "AY", "AW")
        if following == "R" and is_long and not self._is_vowel(place + 2):
            self.syllables.append(["ㅇ", "ㅓ", ""])
        self.initial = self.glide = ""

    def _weak_vowel(self, following: str) -> str:
        """Return the vowel of "button" and "apple", which is none in English."""
        if following == "L":
            return "ㅡ" if self.word.endswith("le") else "ㅔ" if self.word.endswith("el") else "ㅓ"
        return "ㅡ" if self.initial in ("T", "D", "S", "Z") else "ㅓ"

    def _onset(self, phone: str, following: str) -> None:
        if phone == "NG":
            self._final("ㅇ")
            return
        if phone == "L" and self.syllables and not self.syllables[-1][2]:
            self.syllables[-1][2] = "ㄹ"
        if following == "W" and phone not in ("K", "G", "HH"):
            self.syllables.append([_INITIALS[phone], "ㅡ", ""])
            return
        self.initial = phone

    def _coda(self, place: int, phone: str, following: str) -> None:
        before = self.phones[place - 1] if place else ""
        if phone in ("R", "HH"):
            self._r_before_consonant(phone, before)
        elif phone in _FINALS and self._final(_FINALS[phone]):
            return
        elif phone == "T" and following == "S" and place == len(self.phones) - 2:
            self.syllables.append(["ㅊ", "ㅡ", ""])
        elif self._is_final(phone, before, following):
            self._final(_STOPS[phone])
        elif phone == "S" and before == "T" and not following and self.syllables[-1][0] == "ㅊ":
            return
        else:
            own = "ㅠ" if phone == "SH" and following else _OWN_VOWEL.get(phone, "ㅡ")
            self.syllables.append([_INITIALS.get(phone, "ㅇ"), own, ""])

    def _is_final(self, phone: str, before: str, following: str) -> bool:
        """Return whether a stop is the final of the syllable before it."""
        is_short = before in _SHORT or (before, phone) == ("IY", "P")
        return phone in _STOPS and is_short and following not in ("L", "R", "M", "N")

    def _r_before_consonant(self, phone: str, before: str) -> None:
        """Leave an r before a consonant out; at the beginning of a cluster it has its own vowel."""
        if phone == "R" and before not in _VOWELS:
            self.syllables.append(["ㄹ", "ㅡ", ""])

    def _final(self, letter: str) -> bool:
        if self.syllables and not self.syllables[-1][2]:
            self.syllables[-1][2] = letter
            return True
        return False

    def _is_vowel(self, place: int) -> bool:
        return place < len(self.phones) and self.phones[place] in _VOWELS
