"""Removes the markup of HTML and Markdown, and writes entities as the characters they stand for."""

from __future__ import annotations

import html
import re

from tts.text.line_ends import join_words
from tts.text.normalize.rules import Rule, rewrite

_INLINE = (
    "a abbr acronym b big bdi bdo cite code data del dfn em emphasis font i ins kbd"
    " label mark phoneme prosody q"
    " rt ruby s samp say-as small span strike strong sub sup time tt u var voice w"
)
_BLOCKS = (
    "address article aside blockquote body br break button caption center dd details"
    " div dl dt figure"
    " figcaption footer form h1 h2 h3 h4 h5 h6 head header hr html img input li link"
    " main meta nav ol p"
    " pre script section speak sentence style sub-sup summary svg table tbody td tfoot"
    " th thead title tr ul video"
)


def _tag(names: str) -> re.Pattern[str]:
    listed = "|".join(sorted(names.split(), key=len, reverse=True))
    return re.compile(rf"</?(?:{listed})(?:\s[^<>]{{0,500}})?/?>", re.IGNORECASE)


_TAGS: tuple[Rule, ...] = (
    (re.compile(r"<!--[^<>]{0,1000}-->"), " "),
    (re.compile(r"<sup>(?=[\d+-]{1,4}</sup>)", re.IGNORECASE), "^"),
    (_tag(_INLINE), ""),
    (_tag(_BLOCKS), " "),
)
# &amp;, &#8212;, &#x27;
_ENTITY = re.compile(r"&(?:[A-Za-z]{2,8}|#\d{1,7}|#[xX][\dA-Fa-f]{1,6});")
_LINES: tuple[Rule, ...] = (
    # # Title, > quote, * item, ``` and rows of signs
    (re.compile(r"(?:^|(?<=\n))[^\S\n]{0,8}#{1,6}[^\S\n]+(?=[^\s\d])"), ""),
    (re.compile(r"(?:^|(?<=\n))[^\S\n]{0,8}>[^\S\n]+(?=[^\W\d_])"), ""),
    (re.compile(r"(?:^|(?<=\n))[^\S\n]{0,8}[*+\u2022][^\S\n]+(?=\S)"), ""),
    (re.compile(r"(?:^|(?<=\n))[^\S\n]{0,8}-[^\S\n]+(?=[^\W\d_])"), ""),
    # ![picture](address), [words](address)
    (re.compile(r"!?\[([^\[\]\n]{1,300})\]\((?:[^()\s]{1,500})\)"), r"\1"),
    # **bold**, __bold__, _italic_, ~~struck~~, `code`
    (re.compile(r"\*\*(?=\S)([^*\n]{1,500})(?<=\S)\*\*"), r"\1"),
    (re.compile(r"(?<![\w*])\*(?=[^\s*\d])([^*\n]{1,500})(?<=[^\s*])\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<![\w/.@:])(__?)(?=[^\s_])([^_\n]{1,500})(?<=[^\s_])\1(?![\w/.@])"), r"\2"),
    (re.compile(r"~~(?=\S)([^~\n]{1,500})(?<=\S)~~"), r"\1"),
    (re.compile(r"(?<!`)(`{1,3})(?=[^\s`])([^`\n]{1,500})(?<=[^\s`])\1(?!`)"), r"\2"),
)
_ANY = re.compile(r"[<&#>*\[_~`\u2022]|(?:^|\n)[^\S\n]{0,8}[-+]")


def read_markup(text: str) -> str:
    """Write "Tom &amp; <b>Jerry</b>" as "Tom & Jerry", and "# Title" as "Title"."""
    if "\n" in text:
        text = join_words(text)
    if _ANY.search(text) is None:
        return text
    return rewrite(_LINES, _ENTITY.sub(lambda m: html.unescape(m[0]), rewrite(_TAGS, text)))
