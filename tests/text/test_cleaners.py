"""Cleaned text equals that of the reference front end, with its faults."""

import subprocess
import sys

from tts.text import CLEANERS


def test_english_cleaners():
    expected = {
        "It cost $3.50 in 1984, or 1,984 people.": (
            "it cost three dollars, fifty cents in nineteen eighty-four, "
            "or nineteen eighty-four people."
        ),
        "Mrs. Smith and Dr. Brown went to St. Paul's Co., Ltd.": (
            "misess smith and doctor brown went to saint paul's company, limited"
        ),
        "Café Zürich\u2019s “naïve” façade — 50%": 'cafe zurich\'s "naive" facade -- fifty%',
        "£5 and 3/4": "psfive and three/four",
        "Lt. Col. Hon. Gen. Maj. Rev. Sgt. Capt. Esq. Jr. Drs. Ft. Mr.": (
            "lieutenant colonel honorable general major reverend sergeant captain esquire junior "
            "doctors fort mister"
        ),
        "St.Co. first. Costs": "saintco. first. costs",
        "  two  \t\n spaces  ": " two spaces ",
        "THE 21ST": "the twenty-first",
        "": "",
    }
    assert {text: CLEANERS["english_cleaners"](text) for text in expected} == expected


def test_basic_cleaners_keep_letters_and_digits():
    assert CLEANERS["basic_cleaners"]("Größe\n 10") == "größe 10"


def test_transliteration_cleaners_keep_digits():
    assert CLEANERS["transliteration_cleaners"]("Größe\n 10, Привет") == "grosse 10, privet"


def test_lone_surrogate_is_left_out():
    assert CLEANERS["english_cleaners"]("a\udcffb") == "ab"


def test_import_and_plain_text_load_no_large_module():
    large = {"torch", "unidecode", "inflect", "num2words", "numpy"}
    code = (
        "import sys, tts.text; tts.text.Tokenizer().encode('It is 1984.');"
        f"sys.exit(' '.join({large!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, stderr=subprocess.PIPE)
    assert done.stderr.decode().split() == []
