"""Writes a diagnosis: a table on the terminal, ``doctor.json`` and ``doctor.html``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts.core.errors import InputError
from tts.core.files import atomic_writer
from tts.core.output import console
from tts.data.doctor.diagnosis import Diagnosis
from tts.data.doctor.findings import CHECKS, Finding, count_severities, group_findings
from tts.data.doctor.options import DoctorOptions
from tts.data.doctor.page import render_diagnosis
from tts.data.features.recordings import slug

if TYPE_CHECKING:
    from rich.table import Table

PAGE, FACTS = "doctor.html", "doctor.json"
_CORPUS = "{corpus}"
_STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}


def write_diagnosis(
    diagnosis: Diagnosis, config: Mapping[str, Any], options: DoctorOptions
) -> None:
    """Write ``doctor.html`` and ``doctor.json``, and print the table.

    Raises:
        InputError: the folder cannot be written.
    """
    summary = diagnosis.summary
    if options.output is not None:
        folder = output_folder(options.output, diagnosis.corpus, config["data"].get("root"))
        _write_files(diagnosis, config, options, folder)
        summary += f"; see {folder / PAGE}"
    terminal = console(highlight=False)
    if diagnosis.findings:
        terminal.print(diagnosis_table(diagnosis, options))
    terminal.print(summary, markup=False, soft_wrap=True)


def output_folder(output: str, corpus: str, root: Any) -> Path:
    """Return the folder of a corpus, which the diagnosis of another corpus does not use.

    Args:
        output: the option, in which ``{corpus}`` stands for the name of the corpus.
        corpus: its name.
        root: the folder of its recordings, which tells corpora of one name apart.
    """
    if _CORPUS not in output:
        return Path(output).expanduser()
    name, place = slug(corpus), _absolute(root)
    folder = Path(output.replace(_CORPUS, name)).expanduser()
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        other = _absolute(facts["config"]["data"].get("root"))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return folder
    if other == place:
        return folder
    name += f"-{hashlib.sha256(place.encode(errors='surrogateescape')).hexdigest()[:6]}"
    return Path(output.replace(_CORPUS, name)).expanduser()


def _absolute(root: Any) -> str:
    return "" if root is None else str(Path(str(root)).expanduser().absolute())


def _write_files(
    diagnosis: Diagnosis, config: Mapping[str, Any], options: DoctorOptions, folder: Path
) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"doctor.output={folder}: cannot be made ({error.strerror})") from None
    facts = json.dumps(diagnosis_json(diagnosis, config), indent=1, ensure_ascii=False)
    for name, text in ((PAGE, render_diagnosis(diagnosis, options)), (FACTS, facts + "\n")):
        with atomic_writer(folder / name) as file:
            # a file name may hold bytes that are not valid UTF-8
            file.write(text.encode(errors="backslashreplace"))


def diagnosis_table(diagnosis: Diagnosis, options: DoctorOptions) -> Table:
    """Return a table with a row for each check that has findings."""
    from rich.table import Table
    from rich.text import Text

    table = Table(show_lines=True)
    table.add_column("severity", no_wrap=True)
    table.add_column("n", justify="right")
    table.add_column("what, and what to do")
    for (severity, check), findings in group_findings(diagnosis.findings).items():
        cell = Text(CHECKS[check].title, style="bold")
        for finding in findings[: options.n_shown]:
            cell.append(f"\n{_printable(str(finding))}", style="not bold")
        if len(findings) > options.n_shown:
            cell.append(f"\nand {len(findings) - options.n_shown} more", style="not bold dim")
        cell.append(f"\n→ {CHECKS[check].advice}", style="not bold italic")
        table.add_row(Text(severity, style=_STYLES[severity]), str(len(findings)), cell)
    return table


def diagnosis_json(diagnosis: Diagnosis, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return all findings, with the configuration that they depend on, ready for JSON."""
    return {
        "corpus": diagnosis.corpus,
        "utterances": len(diagnosis.cases),
        "hours": round(diagnosis.hours, 4),
        "counts": count_severities(diagnosis.findings),
        "findings": [
            _described(finding)
            for group in group_findings(diagnosis.findings).values()
            for finding in group
        ],
        "config": {key: config[key] for key in ("doctor", "data", "audio", "tokenizer")}
        | {"model": config["model"]["name"]},
    }


def _described(finding: Finding) -> dict[str, Any]:
    fields = asdict(finding)
    del fields["gravity"]  # it only sorts the list
    return fields | {"advice": CHECKS[finding.check].advice}


def _printable(text: str) -> str:
    """Escape the characters that a terminal takes for commands, or that cannot be written."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
