"""Lists abbreviations with their words, and says after which of them a sentence goes on.

Both the normaliser (``tts.text.normalize.abbreviations``) and the splitter of sentences
(``tts.text.pieces``) use these tables. Keys are in small letters and have no final full stop.
"""

from __future__ import annotations

import re

#: They stand before a name.
TITLES = {
    "mr": "mister",
    "mrs": "missus",
    "ms": "miz",
    "messrs": "messieurs",
    "mme": "madame",
    "dr": "doctor",
    "drs": "doctors",
    "prof": "professor",
    "profs": "professors",
    "rev": "reverend",
    "hon": "honorable",
    "msgr": "monsignor",
    "bp": "bishop",
    "fr": "father",
    "gen": "general",
    "brig": "brigadier",
    "col": "colonel",
    "lt": "lieutenant",
    "capt": "captain",
    "cmdr": "commander",
    "cdr": "commander",
    "adm": "admiral",
    "sgt": "sergeant",
    "maj": "major",
    "cpl": "corporal",
    "pvt": "private",
    "pte": "private",
    "pfc": "private first class",
    "ens": "ensign",
    "det": "detective",
    "insp": "inspector",
    "supt": "superintendent",
    "gov": "governor",
    "sen": "senator",
    "sens": "senators",
    "rep": "representative",
    "reps": "representatives",
    "amb": "ambassador",
    "pres": "president",
    "asst": "assistant",
    "atty": "attorney",
    "st": "saint",
    "ste": "saint",
    "mt": "mount",
    "mts": "mounts",
    "ft": "fort",
}
#: Short forms of given names.
GIVEN_NAMES = {
    "wm": "william",
    "geo": "george",
    "chas": "charles",
    "jas": "james",
    "jos": "joseph",
    "thos": "thomas",
    "robt": "robert",
    "benj": "benjamin",
    "edw": "edward",
    "saml": "samuel",
}
#: They stand at the end of a name, which is often the end of a sentence.
ENDINGS = {
    "jr": "junior",
    "sr": "senior",
    "esq": "esquire",
    "co": "company",
    "cos": "companies",
    "ltd": "limited",
    "inc": "incorporated",
    "corp": "corporation",
    "bros": "brothers",
    "mfg": "manufacturing",
    "ave": "avenue",
    "blvd": "boulevard",
    "rd": "road",
    "ln": "lane",
    "hwy": "highway",
    "pkwy": "parkway",
    "dept": "department",
    "depts": "departments",
    "etc": "et cetera",
    "assn": "association",
    "assoc": "association",
    "univ": "university",
    "acad": "academy",
    "hrs": "hours",
    "yrs": "years",
    "lbs": "pounds",
    "mins": "minutes",
    "secs": "seconds",
    "tsp": "teaspoon",
    "tsps": "teaspoons",
    "tbsp": "tablespoon",
    "tbsps": "tablespoons",
    "gal": "gallon",
    "gals": "gallons",
    "qt": "quart",
    "qts": "quarts",
    "al": "al",
    "govt": "government",
    "temp": "temperature",
    "max": "maximum",
    "avg": "average",
}
#: They stand in the middle of a sentence.
PHRASES = {
    "e.g": "for example",
    "i.e": "that is",
    "vs": "versus",
    "cf": "compare",
    "approx": "approximately",
    "est": "established",
    "viz": "namely",
    "incl": "including",
    "excl": "excluding",
    "esp": "especially",
    "misc": "miscellaneous",
    "attn": "attention",
    "cont": "continued",
    "natl": "national",
    "intl": "international",
    "ca": "circa",
}
#: They stand before a number, a Roman numeral or a letter.
NUMBERED = {
    "nos": "numbers",
    "no": "number",
    "nr": "number",
    "vol": "volume",
    "vols": "volumes",
    "ch": "chapter",
    "chs": "chapters",
    "chap": "chapter",
    "chaps": "chapters",
    "pp": "pages",
    "p": "page",
    "pg": "page",
    "pgs": "pages",
    "fig": "figure",
    "figs": "figures",
    "eq": "equation",
    "eqs": "equations",
    "eqn": "equation",
    "sec": "section",
    "sect": "section",
    "secs": "sections",
    "art": "article",
    "arts": "articles",
    "par": "paragraph",
    "para": "paragraph",
    "paras": "paragraphs",
    "bk": "book",
    "bks": "books",
    "pt": "part",
    "pts": "parts",
    "sc": "scene",
    "app": "appendix",
    "tab": "table",
    "ex": "example",
    "thm": "theorem",
    "prop": "proposition",
    "lem": "lemma",
    "def": "definition",
    "ser": "series",
    "op": "opus",
    "mk": "mark",
    "ver": "version",
    "ed": "edition",
    "ca": "circa",
    "apt": "apartment",
    "apts": "apartments",
    "bldg": "building",
    "ste": "suite",
    "rm": "room",
    "fl": "floor",
    "ext": "extension",
    "tel": "telephone",
    "hwy": "highway",
    "rte": "route",
    "rt": "route",
    "dist": "district",
}
#: Days of the week; the short forms of months are those of dates.
DAYS = {
    "mon": "monday",
    "tue": "tuesday",
    "tues": "tuesday",
    "wed": "wednesday",
    "weds": "wednesday",
    "thu": "thursday",
    "thur": "thursday",
    "thurs": "thursday",
    "fri": "friday",
    "sat": "saturday",
    "sun": "sunday",
}
#: States of the USA, after the name of a town.
STATES = {
    "ala": "alabama",
    "ariz": "arizona",
    "ark": "arkansas",
    "calif": "california",
    "colo": "colorado",
    "conn": "connecticut",
    "del": "delaware",
    "fla": "florida",
    "ga": "georgia",
    "ill": "illinois",
    "ind": "indiana",
    "kan": "kansas",
    "ky": "kentucky",
    "la": "louisiana",
    "mass": "massachusetts",
    "md": "maryland",
    "mich": "michigan",
    "minn": "minnesota",
    "miss": "mississippi",
    "mo": "missouri",
    "mont": "montana",
    "neb": "nebraska",
    "nev": "nevada",
    "okla": "oklahoma",
    "ore": "oregon",
    "pa": "pennsylvania",
    "penn": "pennsylvania",
    "tenn": "tennessee",
    "tex": "texas",
    "va": "virginia",
    "vt": "vermont",
    "wash": "washington",
    "wis": "wisconsin",
    "wyo": "wyoming",
}

#: All tables above.
TABLES = (TITLES, GIVEN_NAMES, ENDINGS, PHRASES, NUMBERED, DAYS, STATES)
#: Written with a small letter, these are words.
CAPITAL_ONLY = frozenset("app tab ex prop op fl".split())

_LAST = re.compile(r"(?:^|[\s(\[\"'“‘])((?:[A-Za-z]\.)?[A-Za-z]{1,7})\.\s*$")
_STREET = re.compile(r"(?:[A-Z][a-z]+|\d(?:st|nd|rd|th)) (?:St|Dr)\.\s*$")
_NUMBER_OR_LETTER = re.compile(r"[(\[\"'“‘#$£€~]*(?:\d|[IVXLC]{1,7}\b|[A-Z]\b)")
_LIMITS = frozenset("max min avg temp".split())
_MONTHS = frozenset("jan feb mar apr jun jul aug sep sept oct nov dec".split())


def sentence_goes_on(before: str, after: str) -> bool:
    """Return whether a full stop belongs to an abbreviation, and does not end a sentence.

    Args:
        before: the text up to and including the full stop and white space.
        after: the text that follows.
    """
    match = _LAST.search(before[-40:])
    if match is None:
        return False
    written, short = match[1], match[1].lower()
    if written[0].isupper() and (short in TITLES or short in GIVEN_NAMES):
        return _STREET.search(before[-40:]) is None
    if short in PHRASES and written != short.upper():
        return True
    if short in DAYS and after[:3].lower() in _MONTHS | {"may"}:
        return True
    is_month = short in _MONTHS and written[0].isupper()
    if short in NUMBERED or short in DAYS or short in _LIMITS or is_month:
        return _NUMBER_OR_LETTER.match(after) is not None
    return False


def ends_in_short_form(text: str) -> bool:
    """Return whether a text ends in an abbreviation, or in a single letter, with a full stop."""
    match = _LAST.search(text)
    if match is None:
        return False
    short = match[1].lower()
    return len(short) == 1 or "." in short or short in _MONTHS or any(short in t for t in TABLES)
