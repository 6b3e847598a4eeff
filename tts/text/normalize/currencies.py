"""Lists the currencies of the world: their signs, codes and names."""

from __future__ import annotations

from typing import NamedTuple


class Currency(NamedTuple):
    """Holds the names of a currency and of its hundredth, in singular and plural."""

    one: str
    many: str
    small_one: str = ""
    small_many: str = ""


def _currency(names: str) -> Currency:
    """Build a currency from "dollar dollars cent cents"; "_" stands for a space."""
    return Currency(*(name.replace("_", " ") for name in names.split()))


_DOLLAR = _currency("dollar dollars cent cents")
_PESO = _currency("peso pesos centavo centavos")
_RUPEE = _currency("rupee rupees paisa paise")
_KRONA = _currency("krona kronor")
_KRONE = _currency("krone kroner")
_FRANC = _currency("franc francs centime centimes")
_LIRA = _currency("lira lira")


def _national(country: str, currency: Currency) -> Currency:
    return currency._replace(one=f"{country} {currency.one}", many=f"{country} {currency.many}")


#: The sign before or after an amount, and its currency.
SIGNED: dict[str, Currency] = {
    "$": _DOLLAR,
    "£": _currency("pound pounds penny pence"),
    "€": _currency("euro euros cent cents"),
    "¥": _currency("yen yen"),
    "₹": _RUPEE,
    "₨": _RUPEE,
    "৳": _currency("taka taka"),
    "₩": _currency("won won"),
    "₽": _currency("ruble rubles kopeck kopecks"),
    "₴": _currency("hryvnia hryvnias kopiyka kopiykas"),
    "₿": _currency("bitcoin bitcoins"),
    "₪": _currency("shekel shekels agora agorot"),
    "₫": _currency("dong dong"),
    "฿": _currency("baht baht satang satang"),
    "₱": _PESO,
    "₺": _currency("lira lira kurus kurus"),
    "₤": _LIRA,
    "₦": _currency("naira naira kobo kobo"),
    "₵": _currency("cedi cedis pesewa pesewas"),
    "₡": _currency("colon colones"),
    "₲": _currency("guarani guaranies"),
    "₸": _currency("tenge tenge"),
    "₮": _currency("tugrik tugriks"),
    "₼": _currency("manat manat"),
    "₾": _currency("lari lari"),
    "₭": _currency("kip kip"),
    "៛": _currency("riel riels"),
    "֏": _currency("dram drams"),
    "؋": _currency("afghani afghanis"),
    "⃀": _currency("som som"),
    "₣": _FRANC,
    "₧": _currency("peseta pesetas"),
    "₯": _currency("drachma drachmas"),
    "₢": _currency("cruzeiro cruzeiros"),
    "₳": _currency("austral australes"),
    "₥": _currency("mill mills"),
    "₰": _currency("pfennig pfennigs"),
    "₶": _currency("livre livres"),
    "₷": _currency("spesmilo spesmilos"),
    "₻": _currency("nordic_mark nordic_marks"),
    "¤": _currency("currency_unit currency_units"),
}
#: Letters before the amount, or before its sign.
LETTERED: dict[str, Currency] = {
    "R$": _currency("real reais centavo centavos"),
    "S$": _national("Singapore", _DOLLAR),
    "US$": _national("U S", _DOLLAR),
    "A$": _national("Australian", _DOLLAR),
    "AU$": _national("Australian", _DOLLAR),
    "C$": _national("Canadian", _DOLLAR),
    "CA$": _national("Canadian", _DOLLAR),
    "NZ$": _national("New Zealand", _DOLLAR),
    "HK$": _national("Hong Kong", _DOLLAR),
    "NT$": _national("Taiwan", _DOLLAR),
    "J$": _national("Jamaican", _DOLLAR),
    "N$": _national("Namibian", _DOLLAR),
    "MX$": _national("Mexican", _PESO),
    "CN¥": _currency("yuan yuan"),
    "GH₵": _currency("cedi cedis pesewa pesewas"),
    "E£": _national("Egyptian", _currency("pound pounds")),
    "Rs.": _RUPEE,
    "Rs": _RUPEE,
    "Re.": _RUPEE,
    "Rp": _currency("rupiah rupiah"),
    "RM": _currency("ringgit ringgit sen sen"),
    "SFr.": _national("Swiss", _FRANC),
    "SFr": _national("Swiss", _FRANC),
    "kr.": _KRONA,
    "kr": _KRONA,
    "Kč": _currency("koruna korunas"),
}
#: Letters after the amount.
AFTER: dict[str, Currency] = {
    "Rs": _RUPEE,
    "zł": _currency("zloty zlotys grosz groszy"),
    "Kč": LETTERED["Kč"],
    "kr": _KRONA,
    "лв": _currency("lev leva"),
    "руб": SIGNED["₽"],
}
#: ISO 4217 codes; those that are also common words are missing.
CODED: dict[str, Currency] = {
    "USD": _DOLLAR,
    "GBP": SIGNED["£"],
    "EUR": SIGNED["€"],
    "JPY": SIGNED["¥"],
    "CHF": _national("Swiss", _FRANC),
    "CAD": LETTERED["C$"],
    "AUD": LETTERED["A$"],
    "NZD": LETTERED["NZ$"],
    "HKD": LETTERED["HK$"],
    "SGD": LETTERED["S$"],
    "TWD": LETTERED["NT$"],
    "INR": _RUPEE,
    "PKR": _national("Pakistani", _RUPEE),
    "CNY": LETTERED["CN¥"],
    "RMB": LETTERED["CN¥"],
    "KRW": SIGNED["₩"],
    "RUB": SIGNED["₽"],
    "UAH": SIGNED["₴"],
    "BRL": LETTERED["R$"],
    "MXN": LETTERED["MX$"],
    "SEK": _national("Swedish", _KRONA),
    "NOK": _national("Norwegian", _KRONE),
    "DKK": _national("Danish", _KRONE),
    "PLN": AFTER["zł"],
    "CZK": LETTERED["Kč"],
    "HUF": _currency("forint forints"),
    "ZAR": _currency("rand rand"),
    "THB": SIGNED["฿"],
    "IDR": LETTERED["Rp"],
    "MYR": LETTERED["RM"],
    "VND": SIGNED["₫"],
    "ILS": SIGNED["₪"],
    "AED": _currency("dirham dirhams"),
    "SAR": _currency("riyal riyals"),
    "EGP": LETTERED["E£"],
    "NGN": SIGNED["₦"],
    "KES": _currency("Kenyan_shilling Kenyan_shillings"),
    "BTC": SIGNED["₿"],
    "IRR": _currency("rial rials"),
}
#: Codes of countries and currencies that may stand behind "$5".
DOLLARS: dict[str, Currency] = {
    "US": LETTERED["US$"], "USD": LETTERED["US$"], "AUD": LETTERED["A$"], "CAD": LETTERED["C$"],
    "NZD": LETTERED["NZ$"], "HKD": LETTERED["HK$"], "SGD": LETTERED["S$"], "TWD": LETTERED["NT$"],
    "MXN": LETTERED["MX$"],
}  # fmt: skip
#: The characters that are the sign of a currency in the tables above.
SIGNS = "".join(SIGNED)
