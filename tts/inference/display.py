"""Builds the HTML by which a notebook shows a speech: a player, its summary and its picture.

The HTML needs no other file. Sound of up to a minute is FLAC and longer sound is Ogg, so that the
notebook stays small. The template escapes every text.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from torch import Tensor

from tts.audio.encoding import encode_wave
from tts.core.errors import shortened
from tts.inference.part import Part

if TYPE_CHECKING:
    from jinja2 import Template
    from matplotlib.figure import Figure

#: Longest sound that is stored without loss, seconds.
_MAX_LOSSLESS_SECONDS = 60
#: Resolution of the picture, pixels per inch.
_DPI = 72
#: Longest text to show, characters, and the largest number of failed parts to list.
_MAX_TEXT, _MAX_FAILED = 600, 5
_TEMPLATE = """\
<div>{{ text }}</div>
<audio controls src="{{ sound }}" style="width:100%;max-width:40rem"></audio>
<div><small>{{ summary }}</small></div>
{% for fault in faults %}
<div style="color:#b42318"><small>{{ fault }}</small></div>
{% endfor %}
<details><summary><small>picture</small></summary>\
<img alt="waveform, mel spectrogram and alignment" src="{{ picture }}" style="max-width:100%">\
</details>"""


def speech_html(
    text: str,
    summary: str,
    wave: Tensor,
    sample_rate: int,
    parts: Sequence[Part],
    figure: Figure,
) -> str:
    """Return a player, the text, a summary, the failed parts, and a picture that opens on a click.

    Args:
        text: the spoken text.
        summary: one line about the speech.
        wave: ``(T_wave,)`` samples.
        sample_rate: rate of ``wave``, Hz.
        parts: parts of the speech.
        figure: picture of the speech.
    """
    failed = [part for part in parts if part.failed]
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=_DPI)
    kind = "flac" if len(wave) <= _MAX_LOSSLESS_SECONDS * sample_rate else "ogg"
    return _template().render(
        text=shortened(text, _MAX_TEXT),
        sound=_data_url(f"audio/{kind}", encode_wave(kind, wave.numpy().clip(-1, 1), sample_rate)),
        summary=summary,
        faults=[_fault(part) for part in failed[:_MAX_FAILED]],
        picture=_data_url("image/png", picture.getvalue()),
    )


@cache
def _template() -> Template:
    from jinja2 import Environment

    return Environment(autoescape=True, trim_blocks=True).from_string(_TEMPLATE)


def _fault(part: Part) -> str:
    fault = "cut off" if part.stop_reason == "max_steps" else "does not follow the text"
    return f"{part.start:.1f} s, {shortened(part.text, 60)!r}: {fault}"


def _data_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
