"""What an examination writes: a table for people, ``doctor.json`` for programs, and the page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts.core.errors import InputError
from tts.core.files import atomic_writer
from tts.data.doctor.examination import Examination
from tts.data.doctor.findings import CHECKS, Finding, count_severities, group_findings
from tts.data.doctor.options import DoctorOptions

if TYPE_CHECKING:
    from rich.table import Table

PAGE, FACTS = "doctor.html", "doctor.json"
_STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}


def write_examination(
    found: Examination, config: Mapping[str, Any], options: DoctorOptions
) -> None:
    """Write ``doctor.html`` and ``doctor.json`` and show the table.

    Raises:
        InputError: the folder cannot be written.
    """
    from rich.console import Console

    said = summary_line(found)
    if options.output is not None:
        folder = Path(options.output).expanduser()
        _write_files(found, config, options, folder)
        said += f"; see {folder / PAGE}"
    console = Console(highlight=False)
    if found.findings:
        console.print(examination_table(found, options))
    console.print(said, markup=False, soft_wrap=True)


def _write_files(
    found: Examination, config: Mapping[str, Any], options: DoctorOptions, folder: Path
) -> None:
    from tts.data.doctor.page import page

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"doctor.output={folder}: cannot be made ({error.strerror})") from None
    facts = json.dumps(examination_json(found, config), indent=1, ensure_ascii=False)
    for name, text in ((PAGE, page(found, options)), (FACTS, facts + "\n")):
        with atomic_writer(folder / name) as file:
            # names of files may hold bytes that are no text
            file.write(text.encode(errors="backslashreplace"))


def summary_line(found: Examination) -> str:
    """``"LJ Speech: 13100 utterances, 23.92 hours: 0 errors, 2 warnings, 1 note"``."""
    numbers = count_severities(found.findings)
    told = ", ".join(f"{n} {severity}{'s' * (n != 1)}" for severity, n in numbers.items())
    return f"{found.corpus}: {len(found.cases)} utterances, {found.hours:.2f} hours: {told}"


def examination_table(found: Examination, options: DoctorOptions) -> Table:
    """A row for each check that found something."""
    from rich.table import Table
    from rich.text import Text

    table = Table(show_lines=True)
    table.add_column("severity", no_wrap=True)
    table.add_column("n", justify="right")
    table.add_column("what, and what to do")
    for (severity, check), findings in group_findings(found.findings).items():
        told = Text(CHECKS[check].title, style="bold")
        for finding in findings[: options.n_shown]:
            told.append(f"\n{_printable(str(finding))}", style="not bold")
        if len(findings) > options.n_shown:
            told.append(f"\nand {len(findings) - options.n_shown} more", style="not bold dim")
        told.append(f"\n→ {CHECKS[check].advice}", style="not bold italic")
        table.add_row(Text(severity, style=_STYLES[severity]), str(len(findings)), told)
    return table


def examination_json(found: Examination, config: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that was found, with what it depends on."""
    return {
        "corpus": found.corpus,
        "utterances": len(found.cases),
        "hours": round(found.hours, 4),
        "counts": count_severities(found.findings),
        "findings": [
            _described(finding)
            for group in group_findings(found.findings).values()
            for finding in group
        ],
        "config": {key: config[key] for key in ("doctor", "data", "audio", "tokenizer")}
        | {"model": config["model"]["name"]},
    }


def _described(finding: Finding) -> dict[str, Any]:
    described = asdict(finding)
    del described["gravity"]  # an order, which the list has
    return described | {"advice": CHECKS[finding.check].advice}


def _printable(text: str) -> str:
    """Without characters that a terminal takes for commands, or that cannot be written."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
