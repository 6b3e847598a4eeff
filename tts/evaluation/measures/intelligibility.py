"""Is it understood? Word and character error rates of a speech recogniser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from tts.evaluation.clips import Clip
from tts.evaluation.measures.measure import Figure, FigureValues, Scores
from tts.metrics.recognition import Recogniser, Whisper, error_rates


class Intelligibility:
    """Error rates of what a recogniser writes down, both texts normalised.

    Errors are summed over the clips and divided by what was said. A clip has at most as many
    errors as words: a recogniser that goes on for ever about noise would decide alone.

    Args:
        recogniser: Whisper if not given.
    """

    name = "intelligibility"
    figures = (
        Figure("wer", "WER", ".1%", "lower", "words that the recogniser gets wrong"),
        Figure("cer", "CER", ".1%", "lower", "characters that it gets wrong"),
    )

    def __init__(self, recogniser: Recogniser | None = None) -> None:
        self.recogniser = Whisper() if recogniser is None else recogniser

    def load(self) -> None:
        """Open the recogniser.

        Raises:
            InputError: the extra ``eval`` is not installed.
        """
        self.recogniser.load()

    def __call__(self, clips: Sequence[Clip], tick: Callable[[], None]) -> Scores:
        """Listen to each clip."""
        rows: list[FigureValues] = []
        errors, lengths, transcripts = Counter[str](), Counter[str](), []
        for clip in clips:
            transcripts.append(self.recogniser(*clip.sound).strip())
            said, heard = map(self.recogniser.normalise, (clip.text, transcripts[-1]))
            rows.append(error_rates(said, heard))
            for key, n in (("wer", len(said.split())), ("cer", len(said))):
                errors[key] += round(rows[-1][key] * max(n, 1))
                lengths[key] += max(n, 1)
            tick()
        summary = {key: errors[key] / lengths[key] for key in errors}
        return Scores(rows, summary, tuple(transcripts))
