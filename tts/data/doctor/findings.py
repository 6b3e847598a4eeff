"""Lists the checks of the doctor, what to do about each, and how severe a finding is.

An error stops a training or teaches the network something false. A warning makes the voice worse.
A note is useful to know and needs no action.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tts.data.corpora.manifest import Utterance

#: The severities, the most severe first.
SEVERITIES = ("error", "warning", "note")


@dataclass(frozen=True)
class Check:
    """Describes one kind of finding.

    Attributes:
        title: what is wrong, in a few words.
        advice: what to do about it.
    """

    title: str
    advice: str


#: All checks, in the order in which they are shown.
CHECKS = {
    "rows": Check(
        "rows that cannot be used", "correct or remove them; data.on_error=skip trains without them"
    ),
    "unreadable": Check("recordings that cannot be read", "export them again, or remove the rows"),
    "channels": Check(
        "recordings that are not mono",
        "data.mono=mix averages the channels, data.mono=left or right uses one",
    ),
    "rate": Check("another sampling rate", "set data.resample=true, or resample the files"),
    "silent": Check("nothing but silence", "record them again, or remove the rows"),
    "clipping": Check("clipping", "record with less gain; the samples that were cut off are lost"),
    "lead": Check("long silence at the beginning", "set data.trim_db=40, which cuts it"),
    "tail": Check(
        "long silence at the end",
        "set data.trim_db=40; with such silence the gate learns to stop late",
    ),
    "offset": Check("DC offset", "filter the recordings with a high pass of 20 Hz"),
    "faint": Check("very low level", "set data.loudness=-23, or record with more gain"),
    "band": Check(
        "nothing at high frequencies",
        "upsampled or compressed? find the original, or remove the row",
    ),
    "unpronounceable": Check("texts without a word", "write the spoken words, or remove the rows"),
    "script": Check(
        "texts in a script without symbols", "choose tokenizer=ipa tokenizer.language=CODE"
    ),
    "symbols": Check("characters without a symbol", "spell them out, or choose another tokenizer"),
    "accents": Check(
        "another language than the symbols?", "choose tokenizer=ipa tokenizer.language=CODE"
    ),
    "pace": Check(
        "spoken too fast or too slowly for its text",
        "listen; the text may differ from the recording",
    ),
    "letters": Check(
        "more or less text than can be spoken in the time",
        "listen; correct the text, or split the recording",
    ),
    "duration": Check(
        "unusually long or short",
        "listen; data.min_seconds and data.max_seconds leave such recordings out",
    ),
    "same_sound": Check("the same recording under two names", "remove one of the rows"),
    "same_text": Check("the same text twice", "no action needed if it was read twice"),
    "window": Check(
        "too short for a single frame, which the training refuses",
        "remove the rows, or record them again; data.on_error=skip leaves them out",
    ),
    "frames": Check(
        "longer than a batch, which the training refuses",
        "raise data.frames_per_batch, or lower data.max_seconds",
    ),
    "segment": Check(
        "shorter than a segment of WaveGlow",
        "no action needed: WaveGlow sees them padded with silence",
    ),
    "bounds": Check(
        "outside data.min_seconds and data.max_seconds",
        "no action needed: these recordings are left out",
    ),
    "speakers": Check("speakers", "set data.n_speakers, or choose with data.only_speakers=[...]"),
    "few": Check("speakers with few recordings", "leave them out with data.only_speakers=[...]"),
    "split": Check("the split", "raise data.val_fraction, or correct data.held_out"),
    "memory": Check(
        "memory of a training (an estimate)",
        "if it is too much, lower data.batch_size, data.max_seconds or data.frames_per_batch",
    ),
}


@dataclass(frozen=True)
class Finding:
    """Describes one fault of a corpus.

    Attributes:
        check: key of ``CHECKS``.
        severity: one of ``SEVERITIES``.
        what: the fault in one line.
        where: the line of the manifest.
        file: the recording.
        id: id of the utterance.
        gravity: sorts the findings of one check; the worst has the largest value.
    """

    check: str
    severity: str
    what: str
    where: str = ""
    file: str = ""
    id: str = ""
    gravity: float = 0.0

    def __str__(self) -> str:
        place = ", ".join(part for part in (self.where, Path(self.file).name) if part)
        return f"{place}: {self.what}" if place else self.what


def utterance_finding(
    check: str, severity: str, utterance: Utterance, what: str, gravity: float = 0.0
) -> Finding:
    """Return a finding about one utterance; the arguments are those of :class:`Finding`."""
    return Finding(
        check, severity, what, utterance.where, str(utterance.wav), utterance.id, gravity
    )


def group_findings(findings: Iterable[Finding]) -> dict[tuple[str, str], list[Finding]]:
    """Group findings by severity and check, the most severe first; in a group, the worst first."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.severity, finding.check), []).append(finding)
    checks = list(CHECKS)
    order = sorted(groups, key=lambda key: (SEVERITIES.index(key[0]), checks.index(key[1])))
    return {key: sorted(groups[key], key=lambda finding: -finding.gravity) for key in order}


def count_severities(findings: Iterable[Finding]) -> dict[str, int]:
    """Count the findings of each severity."""
    counter = Counter(finding.severity for finding in findings)
    return {severity: counter[severity] for severity in SEVERITIES}
