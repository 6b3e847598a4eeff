"""Reads what an evaluation (``python -m tts.evaluation``) found about a voice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tts.core.errors import InputError, listed, one_line

_RESULTS = "results.json"
#: The system of an evaluation that is the voice itself.
VOICE = "voice"
_MOST_NAMED = 5
_MOST_MISHEARD = 3


@dataclass(frozen=True)
class EvaluationReport:
    """Holds the parts of an evaluation that a card shows.

    Attributes:
        names: the files that were judged, by ``"acoustic"`` and ``"vocoder"``.
        summaries: the figures of each system.
        clips: what the report says about each sentence of the voice.
        skipped: the reason why a system or a measure was skipped, by name.
    """

    names: Mapping[str, str]
    summaries: Mapping[str, Mapping[str, float]]
    clips: Sequence[Mapping[str, Any]]
    skipped: Mapping[str, str]

    def faults(self) -> Iterator[str]:
        """Yield the faults that the evaluation has shown, one sentence each."""
        n = len(self.clips)
        sick = [str(clip["id"]) for clip in self.clips if clip.get("healthy") == 0]
        if sick:
            yield (
                f"{len(sick)} of {n} sentences went wrong: the attention did not follow the text, "
                f"or the gate did not end the speech ({listed(sick, _MOST_NAMED)})."
            )
        wrong = [clip for clip in self.clips if clip.get("wer", 0) > 0]
        if wrong:
            yield f"A recogniser misheard words in {len(wrong)} of {n} sentences."
        for clip in sorted(wrong, key=lambda clip: -clip["wer"])[:_MOST_MISHEARD]:
            yield f"“{clip['text']}” was heard as “{clip.get('heard') or 'nothing'}”."


def read_report(folder: Path) -> EvaluationReport:
    """Read ``results.json`` in the output folder of an evaluation.

    Raises:
        InputError: there is no such file, it is none of an evaluation, or the voice was not judged.
    """
    path = folder / _RESULTS
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        systems, config = results["systems"], results["config"]
        report = EvaluationReport(
            {key: str(config[key]) for key in ("acoustic", "vocoder")},
            {str(name): dict(system["summary"]) for name, system in systems.items()},
            [dict(clip) for clip in systems[VOICE]["clips"]] if VOICE in systems else [],
            dict(results["skipped"]),
        )
    except OSError as error:
        raise InputError(
            f"evaluation={folder}: {_RESULTS} cannot be read ({error.strerror}); name the output "
            "folder of python -m tts.evaluation"
        ) from None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: is no report of an evaluation ({one_line(error)})") from None
    if not report.summaries:
        raise InputError(f"{path}: no system was judged")
    return report
