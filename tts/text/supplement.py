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
        # signs and numbers
        "caret": "K EH1 R AH0 T",
        "superset": "S UW1 P ER0 S EH2 T",
        "zeroth": "Z IH1 R OW0 TH",
        "lakh": "L AA1 K",
        "lakhs": "L AA1 K S",
        "crore": "K R AO1 R",
        "crores": "K R AO1 R Z",
        # currencies
        "agorot": "AA2 G AO0 R OW1 T",
        "centavo": "S EH0 N T AA1 V OW0",
        "colones": "K OW0 L OW1 N EY0 Z",
        "dirham": "D ER1 AH0 M",
        "groszy": "G R AO1 SH IY0",
        "hryvnia": "HH R IH1 V N IY0 AH0",
        "hryvnias": "HH R IH1 V N IY0 AH0 Z",
        "kopeck": "K OW1 P EH2 K",
        "kopecks": "K OW1 P EH2 K S",
        "kopiyka": "K AH0 P IY1 K AH0",
        "kopiykas": "K AH0 P IY1 K AH0 Z",
        "korunas": "K AO1 R UW0 N AH0 Z",
        "kurus": "K UH0 R UH1 SH",
        "paisa": "P AY1 S AA0",
        "paise": "P AY1 S EY0",
        "riyal": "R IY0 AA1 L",
        "satang": "S AH0 T AE1 NG",
        "taka": "T AA1 K AH0",
        "tenge": "T EH1 NG G EY0",
        "tugrik": "T UW1 G R IH0 K",
        "tugriks": "T UW1 G R IH0 K S",
        # units
        "amps": "AE1 M P S",
        "becquerel": "B EH2 K ER0 EH1 L",
        "becquerels": "B EH2 K ER0 EH1 L Z",
        "coulomb": "K UW1 L AA0 M",
        "coulombs": "K UW1 L AA0 M Z",
        "farad": "F EH1 R AH0 D",
        "farads": "F EH1 R AH0 D Z",
        "henries": "HH EH1 N R IY0 Z",
        "kelvins": "K EH1 L V AH0 N Z",
        "lumens": "L UW1 M AH0 N Z",
        "newtons": "N UW1 T AH0 N Z",
        "pascals": "P AE0 S K AE1 L Z",
        "sieverts": "S IY1 V ER0 T S",
        "teslas": "T EH1 S L AH0 Z",
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

#: Prefixes of units; "kilohm" is read as "kil" and "ohm".
UNIT_PREFIXES: dict[str, Phones] = {
    prefix: tuple(phones.split())
    for prefix, phones in {
        "kil": "K IH1 L",
        "kilo": "K IH1 L AH0",
        "mega": "M EH1 G AH0",
        "giga": "G IH1 G AH0",
        "tera": "T EH1 R AH0",
        "hecto": "HH EH1 K T OW0",
        "deci": "D EH1 S AH0",
        "centi": "S EH1 N T AH0",
        "milli": "M IH1 L AH0",
        "micro": "M AY1 K R OW0",
        "nano": "N AE1 N OW0",
        "pico": "P IY1 K OW0",
        "kibi": "K IH1 B IY0",
        "mebi": "M EH1 B IY0",
        "gibi": "G IH1 B IY0",
        "tebi": "T EH1 B IY0",
    }.items()
}
