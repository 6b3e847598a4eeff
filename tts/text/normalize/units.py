"""Lists units of measure, and reads compound ones such as m³/hr and kg·m/s²."""

from __future__ import annotations

import re

_PREFIXES = {
    "k": "kilo", "K": "kilo", "M": "mega", "G": "giga", "T": "tera", "P": "peta", "E": "exa",
    "h": "hecto", "d": "deci", "c": "centi", "m": "milli", "μ": "micro", "u": "micro",
    "n": "nano", "p": "pico", "Ki": "kibi", "Mi": "mebi", "Gi": "gibi", "Ti": "tebi", "": "",
}  # fmt: skip
# Symbols, singular, plural, and the prefixes with which they are common. Where the list of prefixes
# begins with "-", the symbol alone is no unit, because it is more often a letter.
_METRIC = (
    ("m", "meter", "meters", "k d c m μ n"),
    ("g", "gram", "grams", "k m μ u n"),
    ("s", "second", "seconds", "m μ n p"),
    ("L l", "liter", "liters", "h d c m μ u n"),
    ("Hz", "hertz", "hertz", "k M G T m"),
    ("W", "watt", "watts", "k M G T m μ n"),
    ("V", "volt", "volts", "k M m μ n"),
    ("A", "amp", "amps", "- k m μ n"),
    ("J", "joule", "joules", "k M G T m"),
    ("N", "newton", "newtons", "- k M m"),
    ("Pa", "pascal", "pascals", "k M G h"),
    ("B", "byte", "bytes", "- k K M G T P E Ki Mi Gi Ti"),
    ("b bit", "bit", "bits", "- k M G T"),
    ("bps", "bit per second", "bits per second", "k K M G T"),
    ("Bps", "byte per second", "bytes per second", "k K M G T"),
    ("F", "farad", "farads", "- m μ u n p"),
    ("H", "henry", "henries", "- m μ n"),
    ("Ω", "ohm", "ohms", "k M G m μ"),
    ("ohm ohms", "ohm", "ohms", "k M m"),
    ("S", "siemens", "siemens", "- m μ"),
    ("T", "tesla", "teslas", "- m μ n"),
    ("eV", "electron volt", "electron volts", "k M G T m"),
    ("cal", "calorie", "calories", "k"),
    ("Wh", "watt hour", "watt hours", "k M G T m"),
    ("Ah", "amp hour", "amp hours", "m k"),
    ("VA", "volt amp", "volt amps", "k M"),
    ("C", "coulomb", "coulombs", "- m μ n"),
    ("M", "molar", "molar", "- m μ n"),
    ("mol", "mole", "moles", "k m μ n p"),
    ("bar", "bar", "bar", "m k"),
    ("Sv", "sievert", "sieverts", "m μ"),
    ("Bq", "becquerel", "becquerels", "k M G T"),
    ("lm", "lumen", "lumens", ""),
    ("lx", "lux", "lux", "k"),
    ("t", "tonne", "tonnes", "k M"),
)
_OTHERS = (
    ("mi", "mile", "miles"),
    ("nmi", "nautical mile", "nautical miles"),
    ("yd yds", "yard", "yards"),
    ("ft", "foot", "feet"),
    ("lb lbs", "pound", "pounds"),
    ("oz", "ounce", "ounces"),
    ("floz", "fluid ounce", "fluid ounces"),
    ("gal gals", "gallon", "gallons"),
    ("qt qts", "quart", "quarts"),
    ("tsp tsps", "teaspoon", "teaspoons"),
    ("tbsp tbsps Tbsp", "tablespoon", "tablespoons"),
    ("mcg", "microgram", "micrograms"),
    ("msec", "millisecond", "milliseconds"),
    ("μsec", "microsecond", "microseconds"),
    ("deg degs", "degree", "degrees"),
    ("degC", "degree celsius", "degrees celsius"),
    ("degF", "degree fahrenheit", "degrees fahrenheit"),
    ("cwt", "hundredweight", "hundredweight"),
    ("mph", "mile per hour", "miles per hour"),
    ("kph kmh", "kilometer per hour", "kilometers per hour"),
    ("mpg", "mile per gallon", "miles per gallon"),
    ("kn kts", "knot", "knots"),
    ("sec secs", "second", "seconds"),
    ("min mins", "minute", "minutes"),
    ("h hr hrs", "hour", "hours"),
    ("wk wks", "week", "weeks"),
    ("mo mos", "month", "months"),
    ("yr yrs", "year", "years"),
    ("rpm", "revolution per minute", "revolutions per minute"),
    ("bpm", "beat per minute", "beats per minute"),
    ("wpm", "word per minute", "words per minute"),
    ("fps", "frame per second", "frames per second"),
    ("dpi", "dot per inch", "dots per inch"),
    ("ppi", "pixel per inch", "pixels per inch"),
    ("ppm", "part per million", "parts per million"),
    ("ppb", "part per billion", "parts per billion"),
    ("psi", "pound per square inch", "pounds per square inch"),
    ("atm", "atmosphere", "atmospheres"),
    ("mmHg", "millimeter of mercury", "millimeters of mercury"),
    ("hp bhp", "horsepower", "horsepower"),
    ("BTU BTUs", "b t u", "b t us"),
    ("ha", "hectare", "hectares"),
    ("ly", "light-year", "light-years"),
    ("AU", "astronomical unit", "astronomical units"),
    ("Å", "angstrom", "angstroms"),
    ("cc", "cubic centimeter", "cubic centimeters"),
    ("Nm", "newton meter", "newton meters"),
    ("dB", "decibel", "decibels"),
    ("dBA", "decibel a", "decibels a"),
    ("dBm", "decibel milliwatt", "decibel milliwatts"),
    ("MP", "megapixel", "megapixels"),
    ("px", "pixel", "pixels"),
    ("pcs", "piece", "pieces"),
    ("sqkm", "square kilometer", "square kilometers"),
    ("sqft", "square foot", "square feet"),
    ("IU", "international unit", "international units"),
    ("U/L", "unit per liter", "units per liter"),
)
# What may stand behind a slash, beside the units.
_RATES = {
    "mo": "month", "wk": "week", "d": "day", "ea": "each", "in": "inch", "pp": "person",
    "sqft": "square foot", "sqm": "square meter", "pt": "point", "capita": "capita",
}  # fmt: skip
# Letters that are units only together with other units.
_IN_COMPOUNDS = {
    "°C": ("degree celsius", "degrees celsius"),
    "°F": ("degree fahrenheit", "degrees fahrenheit"),
    "K": ("kelvin", "kelvins"),
    "in": ("inch", "inches"),
    "N": ("newton", "newtons"),
    "A": ("amp", "amps"),
    "C": ("coulomb", "coulombs"),
    "B": ("byte", "bytes"),
    "T": ("tesla", "teslas"),
}
_TIMES = frozenset("hour day night week month year minute".split())
_POWERS = {"2": "square ", "3": "cubic "}


def _prefixed(prefix: str, unit: str) -> str:
    """Join a prefix and a unit: "kilogram", but "kilohm"."""
    if unit.startswith("electron"):
        return f"{_PREFIXES[prefix]} {unit}".lstrip()
    return f"{_PREFIXES[prefix]}{unit}".replace("looh", "loh").replace("aoh", "oh")


#: Symbol -> singular, plural.
UNITS = {
    f"{prefix}{symbol}": (_prefixed(prefix, one), _prefixed(prefix, many))
    for symbols, one, many, prefixes in _METRIC
    for symbol in symbols.split()
    for prefix in [*prefixes.replace("-", "").split(), *([] if prefixes[:1] == "-" else [""])]
} | {symbol: (one, many) for symbols, one, many in _OTHERS for symbol in symbols.split()}

#: Matches one unit with its power; "°C" may stand behind a slash or a dot.
UNIT = r"°?[A-Za-zμΩÅ]{1,5}(?:\^-?[1-4]\b|\^-?[1-4](?=[·⋅*/])|[23](?!\w))?"
#: Matches what follows an amount: /hr, /day, /m^2, /sq ft, with one group.
PER = r"(?: ?/ ?((?:sq\.? |cu\.? |fl )?[A-Za-zμ]{1,12}(?:\^?[23])?)(?!\w)(?!/))"


def unit_names(symbol: str) -> tuple[str, str] | None:
    """Return singular and plural of a unit such as "kg", "m^3/hr" or "kg·m/s^2", or None."""
    if symbol in UNITS:
        return UNITS[symbol]
    above, *below = symbol.split("/")
    parts = [re.split("[·⋅*]", part) for part in (above, *below)]
    # "A/C" and "N/A" are no units.
    if not symbol.startswith("in^") and not any(_base(f) in UNITS for part in parts for f in part):
        return None
    factors = [_powered(factor) for factor in parts[0]]
    rates = [_rate(factor) for part in parts[1:] for factor in part]
    if not all(factors) or not all(rates):
        return None
    known = [names for names in factors if names]
    # In m·s^-1 the second factor is a rate.
    rates = [*(f" {one}" for one, _ in known if one.startswith("per ")), *rates]
    *before, last = [names for names in known if not names[0].startswith("per ")] or [("", "")]
    start = "".join(f"{one} " for one, _ in before)
    return f"{start}{last[0]}{''.join(rates)}", f"{start}{last[1]}{''.join(rates)}"


def per(symbol: str | None, of_money: bool = False) -> str:
    """Return "per hour" for "hr" behind a slash, and after money "a day" for "day"."""
    if not symbol:
        return ""
    word = symbol.lower()
    if of_money and word in _TIMES:
        return f" {'an' if word == 'hour' else 'a'} {word}"
    return _rate(symbol) or f" / {symbol}"


def _powered(symbol: str) -> tuple[str, str] | None:
    """Return the names of a unit with its power: m^2 is a square meter, s^-1 is per second."""
    base = _base(symbol)
    names = UNITS.get(base) or _IN_COMPOUNDS.get(base)
    if names is None:
        return None
    power = symbol[-1] if symbol != base else ""
    if "-" in symbol:
        spoken = f"per {names[0]}" + {"2": " squared", "3": " cubed"}.get(power, "")
        return spoken, spoken
    # Acceleration is "per second squared", areas are "square meters".
    if power in _POWERS and names[0] != "second":
        return f"{_POWERS[power]}{names[0]}", f"{_POWERS[power]}{names[1]}"
    tail = {"2": " squared", "3": " cubed", "4": " to the fourth"}.get(power, "")
    return names[0] + tail, names[1] + tail


def _base(symbol: str) -> str:
    """Return a unit without its power."""
    return re.sub(r"(?<=.)(?:\^-?[1-4]|[23])$", "", symbol)


def _rate(symbol: str) -> str:
    """Return "per ..." for what stands behind a slash, or "" if it is not known."""
    symbol = re.sub(r"^(sq|cu|fl)\.? ", r"\1", symbol)
    if symbol.startswith("cu"):
        inner = _powered(f"{symbol[2:]}^3") if len(symbol) > 3 else None
        if inner:
            return f" per {inner[0]}"
    if symbol == "ea":
        return " each"
    if symbol in _RATES:
        return f" per {_RATES[symbol]}"
    names = _powered(symbol)
    if names:
        return f" per {names[0]}"
    return f" per {symbol}" if symbol.islower() and len(symbol) > 2 else ""
