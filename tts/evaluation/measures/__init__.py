"""Holds the measures of speech, each of which judges the clips of a system."""

from collections.abc import Callable

from tts.evaluation.measures.distortion import Distortion
from tts.evaluation.measures.intelligibility import Intelligibility
from tts.evaluation.measures.measure import Figure, FigureValues, Measure, Scores
from tts.evaluation.measures.naturalness import DistillMos, DnsMos
from tts.evaluation.measures.similarity import Similarity
from tts.evaluation.measures.synthesis import Alignment, Speed

# add a measure here, and its name to conf/evaluate.yaml to run it by default
_ALL: tuple[Callable[[], Measure], ...] = (
    *(Intelligibility, DistillMos, DnsMos, Similarity, Distortion, Alignment, Speed),
)
#: All measures by name, in the order of the table.
MEASURES: dict[str, Callable[[], Measure]] = {make().name: make for make in _ALL}

__all__ = ["MEASURES", "Figure", "FigureValues", "Measure", "Scores"]
