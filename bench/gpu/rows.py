"""Names the rows of the table: what is measured, in which unit, and what is allowed or published.

The published figures are NVIDIA's for their own code on one A100.
"""

from __future__ import annotations

from dataclasses import dataclass

#: What a row says until somebody has measured it.
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Row:
    """Describes one row.

    Attributes:
        part: the part of the command that measures it.
        title: what is measured.
        unit: unit of the value.
        bound: the largest value that is right; None if any value is.
        published: NVIDIA's figure for the same, in the same unit.
    """

    part: str
    title: str
    unit: str
    bound: float | None = None
    published: float | None = None


@dataclass
class Value:
    """Holds what was found for a row.

    Attributes:
        value: the figure; None if it could not be measured here.
        note: where, or why not.
    """

    value: float | None
    note: str = ""


def _parity() -> dict[str, Row]:
    """Return the rows that compare the device with float64 on a CPU.

    Those of float32 are below what TF32 would lose. Those of TF32 and bfloat16 leave room for
    larger networks than the ones of which a CPU has emulated the rounding.
    """
    part, relative = "parity", "relative error"
    rows = {}
    for network, what, bound in (
        ("tacotron2", "mel", 3e-5),
        ("tacotron2", "gradient", 3e-4),
        ("waveglow", "latent", 3e-5),
        ("waveglow", "gradient", 3e-4),
        ("compact", "latent", 3e-5),
        ("compact", "gradient", 3e-4),
    ):
        title = f"{NAMES[network]}, {what} in float32"
        rows[f"{network}-{what}-float32"] = Row(part, title, relative, bound)
    title = "Tacotron 2, gradient in float32 with the decoder as graphs"
    rows["tacotron2-gradient-graphs"] = Row(part, title, relative, 3e-4)
    title = "Tacotron 2, loops that the GPU has refused to record as graphs"
    rows["refused-graphs"] = Row(part, title, "loops", 0)
    for network in ("tacotron2", "waveglow"):
        for precision, bound in (("TF32", 2e-2), ("bfloat16", 2e-1)):
            title = f"{NAMES[network]}, gradient in {precision}"
            rows[f"{network}-gradient-{precision}"] = Row(part, title, relative, bound)
    title = "WaveGlow, gradient in bfloat16 with constant_memory"
    rows["waveglow-gradient-constant"] = Row(part, title, relative, 2e-1)
    for network in ("waveglow", "compact"):
        title = f"{NAMES[network]}, samples after forward and inverse in float32"
        rows[f"{network}-inverse"] = Row(part, title, "largest error", 1e-4)
        title = f"{NAMES[network]}, samples after front, mixing and their inverses, TF32 allowed"
        rows[f"{network}-mixing"] = Row(part, title, "largest error", 1e-5)
    title = "Log-mel of sound, TF32 allowed"
    rows["log-mel"] = Row(part, title, "largest error", 1e-4)
    title = "Voice of the package: frames of a sentence more or fewer than on a CPU"
    rows["voice"] = Row(part, title, "frames", 5)
    return rows


#: How the networks are called in the table.
NAMES = {"tacotron2": "Tacotron 2", "waveglow": "WaveGlow-256", "compact": "Compact WaveGlow"}


def _determinism() -> dict[str, Row]:
    return {
        network: Row(
            "determinism", f"{name}, weights that differ after the same step twice", "weights", 0
        )
        for network, name in NAMES.items()
    }


def _waits() -> dict[str, Row]:
    rows = {
        network: Row("waits", f"{name}, waits in a training step", "waits", 0)
        for network, name in NAMES.items()
    }
    rows["constant"] = Row("waits", "WaveGlow-256, the same with constant_memory", "waits", 0)
    rows["speaking"] = Row("waits", "Tacotron 2 speaking, waits in 64 decoder steps", "waits", 8)
    rows["inverse"] = Row("waits", "WaveGlow-256, waits in an inverse", "waits", 1)
    return rows


def _training() -> dict[str, Row]:
    rows = {}
    for precision in ("TF32", "bfloat16"):
        title = f"Tacotron 2, training in {precision}"
        rows[f"tacotron2-{precision}"] = Row("tacotron2", title, "mels/s", published=31_499)
        rows[f"tacotron2-{precision}-memory"] = Row("tacotron2", f"{title}, memory", "GB")
    rows["tacotron2-eager"] = Row(
        "tacotron2", "Tacotron 2, training in bfloat16, `model.network.runner=eager`", "mels/s"
    )
    rows["tacotron2-plain-adam"] = Row(
        "tacotron2", "Tacotron 2, training in TF32, Adam not fused", "mels/s"
    )
    for precision in ("TF32", "bfloat16"):
        title = f"WaveGlow-256, training in {precision}"
        rows[f"waveglow-{precision}"] = Row("waveglow", title, "samples/s", published=149_479)
        rows[f"waveglow-{precision}-memory"] = Row("waveglow", f"{title}, memory", "GB")
    title = "WaveGlow-256, training in bfloat16"
    for name, what in {
        "untimed": "cuDNN's benchmark off",
        "plain-adam": "Adam not fused",
        "constant": "constant_memory",
    }.items():
        rows[f"waveglow-{name}"] = Row("waveglow", f"{title}, {what}", "samples/s")
    rows["waveglow-constant-memory"] = Row("waveglow", f"{title}, constant_memory, memory", "GB")
    return rows


def _speaking() -> dict[str, Row]:
    return {
        "step": Row("speaking", "Tacotron 2 speaking, a decoder step of one utterance", "ms"),
        "step-16": Row("speaking", "Tacotron 2 speaking, a decoder step of 16 utterances", "ms"),
        "step-eager": Row(
            "speaking", "Tacotron 2 speaking, one utterance, `model.network.runner=eager`", "ms"
        ),
        "wave": Row("speaking", "WaveGlow-256, the sound of 7 s", "s"),
        "utterance": Row("speaking", "Both networks, an utterance of 7 s", "s", published=0.80),
    }


def _recipe() -> dict[str, Row]:
    rows = {}
    for network in ("tacotron2", "waveglow"):
        title = f"`train.py model={network}`"
        rows[f"{network}-one"] = Row("recipe", f"{title} on one device", "ms/step")
        rows[f"{network}-all"] = Row("recipe", f"{title} on all devices, DDP", "ms/step")
    return rows


#: All rows by "PART/NAME", in the order of the table.
ROWS = {
    f"{row.part}/{name}": row
    for rows in (_parity(), _determinism(), _waits(), _training(), _speaking(), _recipe())
    for name, row in rows.items()
}

#: Rows that have a bound, and those that have none.
PROOFS = {key: row for key, row in ROWS.items() if row.bound is not None}
SPEEDS = {key: row for key, row in ROWS.items() if row.bound is None}


def table(rows: dict[str, Row], found: dict[str, Value], is_full: bool = True) -> str:
    """Return a table of Markdown.

    Args:
        rows: ``PROOFS`` or ``SPEEDS``.
        found: values by the keys of rows; the other rows are "not measured".
        is_full: whether the networks have the published sizes, and compare with published figures.
    """
    last = "at most" if rows is PROOFS else "published"
    lines = [f"| what | unit | measured | {last} |", "|---|---|---|---|"]
    for key, row in rows.items():
        lines.append(_line(row, found.get(key), row.published if is_full else None))
    return "\n".join(lines)


def _line(row: Row, found: Value | None, published: float | None) -> str:
    value = NOT_MEASURED
    if found is not None:
        value = found.note if found.value is None else f"{found.value:,.4g}"
    right = published if row.bound is None else row.bound
    right_cell = "" if right is None else f"{right:,g}"
    return f"| {row.title} | {row.unit} | {value} | {right_cell} |"
