"""Number words equal those of the inflect package as the reference front end calls it."""

import hashlib

from tts.text.numbers import cardinal, expand_numbers, ordinal, year

# The sha256 of the output of the reference front end (tacotron2 22.12.28 with inflect 7.6.0) for
# the lines "0|0th", "1|1th", ... "20000|20000th".
WORDS_TO_20000 = "11c29eaaf757788868b14d630d8f1aec3bae9d862e1bfab99cf3203a2d571ed0"


def test_all_numbers_and_ordinals_to_20000():
    words = "\n".join(f"{expand_numbers(str(n))}|{expand_numbers(f'{n}th')}" for n in range(20001))
    assert hashlib.sha256(words.encode()).hexdigest() == WORDS_TO_20000


def test_cardinal():
    expected = {
        0: "zero",
        19: "nineteen",
        21: "twenty-one",
        100: "one hundred",
        123: "one hundred twenty-three",
        1001: "one thousand one",
        3100: "three thousand, one hundred",
        1_000_001: "one million one",
        1_001_000: "one million, one thousand",
        1_234_567: "one million, two hundred thirty-four thousand, five hundred sixty-seven",
        10**33: "one decillion",
    }
    assert {number: cardinal(number) for number in expected} == expected


def test_ordinal():
    expected = {
        0: "zeroth",
        1: "first",
        5: "fifth",
        12: "twelfth",
        20: "twentieth",
        21: "twenty-first",
        101: "one hundred and first",
        1100: "one thousand, one hundredth",
        12345: "twelve thousand, three hundred and forty-fifth",
        2_000_000_001: "two billion and first",
    }
    assert {number: ordinal(number) for number in expected} == expected


def test_year():
    expected = {
        1001: "ten oh one",
        1900: "nineteen hundred",
        1905: "nineteen oh five",
        1984: "nineteen eighty-four",
        2000: "two thousand",
        2007: "two thousand seven",
        2010: "twenty ten",
        2999: "twenty-nine ninety-nine",
    }
    assert {number: year(number) for number in expected} == expected


def test_money():
    expected = {
        "$1": "one dollar",
        "$3.50": "three dollars, fifty cents",
        "$3.5": "three dollars, five cents",
        "$0.01": "one cent",
        "$.50": "fifty cents",
        "$0": "zero dollars",
        "$0.00": "zero dollars",
        "$1.2.3": "one point two.three dollars",
        "$1,000,000": "one million dollars",
        "$1984": "nineteen eighty-four dollars",
        "$,5": "five dollars",
    }
    assert {text: expand_numbers(text) for text in expected} == expected


def test_number_in_text():
    expected = {
        "1000": "one thousand",
        "3000": "three thousand",
        "007": "seven",
        "12,345": "twelve thousand, three hundred forty-five",
        "3.14": "three point fourteen",
        "2.5th": "two point fifth",
        "1stand": "firstand",
        "no digits, none": "no digits, none",
    }
    assert {text: expand_numbers(text) for text in expected} == expected


def test_number_without_a_name_is_read_digit_by_digit():
    assert expand_numbers("1" + "0" * 36) == "one" + " zero" * 36


def test_ordinal_without_a_name_is_read_digit_by_digit():
    assert expand_numbers("9" * 37 + "th") == "nine " * 36 + "ninth"


def test_thousands_of_digits_are_read():
    assert expand_numbers("7" * 5000).count("seven") == 5000
