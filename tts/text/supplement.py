"""Gives the phones of words that the normaliser writes and that the CMU dictionary lacks.

Without the extra ``phonemes`` a word that is in no dictionary stays in letters, so every word that
a rule writes is in the dictionary or here.
"""

from __future__ import annotations

from tts.text.lexicon import Phones

SUPPLEMENT: dict[str, Phones] = {
    word: tuple(phones.split())
    for word, phones in {
        # titles, footnotes and Greek letters
        "miz": "M IH1 Z",
        "ibidem": "IH0 B AY1 D AH0 M",
        "eta": "EY1 T AH0",
        "omicron": "AA1 M AH0 K R AA2 N",
        "tau": "T AW1",
        "upsilon": "AH1 P S AH0 L AA2 N",
        # acronyms
        "asbo": "AE1 Z B OW0",
        "captcha": "K AE1 P CH AH0",
        "covid": "K OW1 V IH0 D",
        "fafsa": "F AE1 F S AH0",
        "flotus": "F L OW1 T AH0 S",
        "fomo": "F OW1 M OW0",
        "gif": "G IH1 F",
        "hazmat": "HH AE1 Z M AE2 T",
        "hipaa": "HH IH1 P AH0",
        "iban": "AY1 B AE2 N",
        "jpeg": "JH EY1 P EH2 G",
        "json": "JH EY1 S AH0 N",
        "lidar": "L AY1 D AA2 R",
        "norad": "N AO1 R AE2 D",
        "oled": "OW1 L EH2 D",
        "potus": "P OW1 T AH0 S",
        "scotus": "S K OW1 T AH0 S",
        "uefa": "Y UW0 EY1 F AH0",
        "voip": "V OY1 P",
        "yaml": "Y AE1 M AH0 L",
    }.items()
}
