"""Says which values the options of the smaller commands may have.

Those of a training, of a sweep, of speech and of the service are in :mod:`tts.config.schema`.
"""

from __future__ import annotations

from tts.config.kinds import Name, Prose, Section
from tts.core.ranges import SWITCH, Choice, Names, Number, Range, Text

DOCTOR: dict[str, Range] = {"doctor": Section(), "doctor.output": Text()}

STATS: dict[str, Range] = {
    "output": Text(),
    "silence_db": Number(float, above=0, most=120),
    "pitch_clips": Number(int, least=0),
}

EVALUATION: dict[str, Range] = {
    **{key: Text() for key in ("acoustic", "vocoder", "sentences", "recordings", "output")},
    "mono": Choice((None, "mix", "left", "right")),
    **{key: Names() for key in ("systems", "measures")},
    "speaker": Name(),
    "device": Text(null=False),
    "n_sentences": Number(int, least=1, null=True),
    "threads": Number(int, least=1, null=True),
}

EXPORT: dict[str, Range] = {
    **{key: Text() for key in ("acoustic", "vocoder", "output")},
    "format": Choice(("onnx", "torch")),
    "precision": Choice(("float32", "int8")),
    "opset": Number(int, least=18, most=23),
}

PUBLISH: dict[str, Range] = {
    **dict.fromkeys(("run", "acoustic", "vocoder", "evaluation", "sentences"), Text()),
    **dict.fromkeys(("to", "device"), Text(null=False)),
    **dict.fromkeys(("name", "speaker", "consent", "licence", "source", "faults"), Prose()),
    "language": Text(),
    **dict.fromkeys(("private", "half"), SWITCH),
    "n_sounds": Number(int, least=0, most=100),
    "seed": Number(int, least=0, most=2**32 - 1),
}
