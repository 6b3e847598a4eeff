"""The page of an examination: findings, histograms, and the worst recordings to be heard.

One file that needs nothing beside it: drawings are SVG, sound is FLAC in the page, as it was
recorded but for its length. Whatever comes from the corpus is escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from html import escape

from tts.audio import read_wave
from tts.audio.encoding import encode_wave
from tts.core.errors import InputError
from tts.data.doctor.examination import Examination
from tts.data.doctor.findings import CHECKS, Finding, group_findings
from tts.data.doctor.options import DoctorOptions
from tts.data.doctor.recording_stats import muted_log
from tts.data.doctor.report import summary_line
from tts.data.doctor.svg import histogram, outline
from tts.data.doctor.utterances import ExaminedUtterance

# Findings of each check; the JSON has all
_MOST = 100

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; color: #1f2933; max-width: 64rem;
  margin: 2rem auto; padding: 0 1rem }}
h2 {{ margin-top: 2.2rem }} summary {{ cursor: pointer; padding: .25rem 0 }}
table {{ border-collapse: collapse; width: 100%; table-layout: fixed }}
td:nth-child(1) {{ width: 12rem }} td:nth-child(2) {{ width: 10rem }}
td {{ padding: .3rem .7rem .3rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid #dde2e7; overflow-wrap: anywhere }}
.error {{ color: #b42318 }} .warning {{ color: #93600a }} .note, .muted {{ color: #66727f }}
.severity {{ display: inline-block; width: 5rem; font-weight: 600 }}
.charts {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); gap: 1rem }}
svg text {{ font: 11px system-ui, sans-serif; fill: #1f2933 }} svg .title {{ font-weight: 600 }}
svg .muted {{ fill: #66727f }} svg .bars {{ fill: #3b6ea5 }} svg .axis {{ stroke: #9aa5b1 }}
.outline {{ width: 100%; height: 4rem; background: #f5f7f9; fill: #3b6ea5 }}
audio {{ width: 100% }} .clip {{ margin: 0 0 1.6rem }}
</style></head><body>
"""


def page(found: Examination, options: DoctorOptions) -> str:
    """The page as text."""
    title = f"Examination of {found.corpus}"
    lines = [_HEAD.format(title=escape(title)), f"<h1>{escape(title)}</h1>"]
    lines += [f"<p>{escape(summary_line(found))}</p>", "<h2>Findings</h2>", *_findings(found)]
    lines += ["<h2>Distributions</h2>", '<div class="charts">', *_charts(found.cases), "</div>"]
    lines += [*_worst(found, options), "</body></html>"]
    return "\n".join(lines) + "\n"


def _findings(found: Examination) -> Iterator[str]:
    if not found.findings:
        yield "<p>None.</p>"
    for (severity, check), findings in group_findings(found.findings).items():
        about = CHECKS[check]
        # what is grave is there to be read, what is long can be opened
        opened = " open" if severity == "error" or len(findings) <= _opened(severity) else ""
        yield f'<details{opened}><summary><span class="severity {severity}">{severity}</span>'
        yield f"<b>{escape(about.title)}</b>: {len(findings)}"
        yield f'<br><span class="muted">→ {escape(about.advice)}</span></summary><table>'
        yield from map(_row, findings[:_MOST])
        if len(findings) > _MOST:
            more = f"and {len(findings) - _MOST} more in doctor.json"
            yield f'<tr><td colspan="3" class="muted">{more}</td></tr>'
        yield "</table></details>"


def _opened(severity: str) -> int:
    """Findings of a check that are shown without being asked for."""
    return 10 if severity == "warning" else 3


def _row(finding: Finding) -> str:
    cells = (finding.where, finding.id, finding.what)
    title = f' title="{escape(finding.file)}"' if finding.file else ""
    return f"<tr{title}>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _charts(cases: Sequence[ExaminedUtterance]) -> Iterator[str]:
    heard = [case.sound for case in cases if case.sound is not None and not case.sound.is_silent]
    texts = [case.reading.n_symbols for case in cases if case.reading and case.reading.n_symbols]
    paces = [pace for case in cases if (pace := case.pace) is not None]
    charts: list[tuple[str, str, Sequence[float], bool]] = [
        ("Durations", "s", [sound.seconds for sound in heard], True),
        ("Pace", "symbols in a second of speech", paces, True),
        ("Levels", "dB below full scale (RMS of the speech)", [-s.level for s in heard], False),
        ("Text lengths", "symbols", texts, True),
        ("Silence at the end", "s", [sound.tail for sound in heard], False),
        ("Highest frequency with sound", "Hz", [sound.band for sound in heard], False),
    ]
    yield from (histogram(*chart) for chart in charts if len(chart[2]))


def _worst(found: Examination, options: DoctorOptions) -> Iterator[str]:
    worst = found.worst(options.n_clips)
    if not worst:
        return
    yield "<h2>The worst recordings</h2>"
    for case, findings in worst:
        utterance = case.utterance
        yield f'<div class="clip"><b>{escape(utterance.id)}</b> '
        yield f'<span class="muted">{escape(utterance.where)}, {escape(str(utterance.wav))}</span>'
        yield f"<br>{escape(utterance.text)}"
        for finding in findings:
            told = escape(f"{CHECKS[finding.check].title}: {finding.what}")
            yield f'<br><span class="{finding.severity}">{told}</span>'
        yield f"{_player(case, options.clip_seconds)}</div>"


def _player(case: ExaminedUtterance, seconds: float) -> str:
    """The outline of a whole recording, and the beginning of its sound."""
    try:
        with muted_log():
            samples, rate = read_wave(case.utterance.wav, mix_down=True)
    except InputError:
        return "<br>(it is gone)"
    n_most = max(round(seconds * rate), 1)
    sound = base64.b64encode(encode_wave("flac", samples[:n_most], rate)).decode()
    source = f"data:audio/flac;base64,{sound}"
    note = f"the first {seconds:g} s of {len(samples) / rate:.1f} s"
    cut = f'<div class="muted">{note}</div>' if len(samples) > n_most else ""
    return f'{outline(samples)}{cut}<audio controls preload="none" src="{source}"></audio>'
