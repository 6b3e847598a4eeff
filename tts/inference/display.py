"""What a notebook shows of a ``Speech``: it plays, says how it ended, and has its picture.

One piece of HTML that needs nothing beside it. Sound of a minute is FLAC, longer sound is Ogg, so
that the notebook's file stays small; whatever was given as text is escaped.
"""

from __future__ import annotations

import base64
import io
from html import escape
from typing import TYPE_CHECKING

from tts.audio.encoding import encode_wave
from tts.core.errors import shortened

if TYPE_CHECKING:
    from tts.inference.speech import Part, Speech

#: Seconds of sound that are kept as they are; longer sound is compressed with a loss.
_LOSSLESS = 60
#: Pixels in an inch of the picture.
_DPI = 72
#: Characters of the text, and failed parts, that are shown.
_MOST_TEXT, _MOST_FAILED = 600, 5


def speech_html(speech: Speech) -> str:
    """A player, the text, facts, and a picture to be opened."""
    lines = [
        f"<div>{escape(shortened(speech.text, _MOST_TEXT))}</div>",
        f'<audio controls src="{_sound(speech)}" style="width:100%;max-width:40rem"></audio>',
        f"<div><small>{escape(facts(speech))}</small></div>",
    ]
    failed = [part for part in speech.parts if part.failed]
    lines += [
        f'<div style="color:#b42318"><small>{_fault(p)}</small></div>'
        for p in failed[:_MOST_FAILED]
    ]
    lines.append(
        f"<details><summary><small>picture</small></summary>"
        f'<img alt="waveform, mel spectrogram and alignment" src="{_picture(speech)}" '
        'style="max-width:100%"></details>'
    )
    return "\n".join(lines)


def facts(speech: Speech) -> str:
    """How long it is, how fast it was made, and how it ended."""
    told = f"{speech.seconds:.2f} s at {speech.sample_rate} Hz, RTF {speech.rtf:.2f}"
    n_parts = len(speech.parts)
    parts = f", {n_parts} parts" if n_parts > 1 else ""
    n_failed = sum(part.failed for part in speech.parts)
    failed = f", {n_failed} of them failed" if n_failed and n_parts > 1 else ""
    return f"{told}{parts}{failed}, stopped by {speech.stop_reason}"


def _fault(part: Part) -> str:
    how = "cut off" if part.stop_reason == "max_steps" else "does not follow the text"
    return escape(f"{part.start:.1f} s, {shortened(part.text, 60)!r}: {how}")


def _sound(speech: Speech) -> str:
    kind = "flac" if speech.seconds <= _LOSSLESS else "ogg"
    data = encode_wave(kind, speech.wave.numpy().clip(-1, 1), speech.sample_rate)
    return _data(f"audio/{kind}", data)


def _picture(speech: Speech) -> str:
    from tts.inference.picture import speech_figure

    buffer = io.BytesIO()
    speech_figure(speech).savefig(buffer, format="png", dpi=_DPI)
    return _data("image/png", buffer.getvalue())


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
