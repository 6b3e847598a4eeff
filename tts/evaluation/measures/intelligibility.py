"""Measures intelligibility: word and character error rates of a speech recogniser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from tts.evaluation.clips import Clip
from tts.evaluation.measures.measure import Figure, FigureValues, Scores
from tts.metrics.recognition import Recogniser, Whisper, error_rates


class Intelligibility:
    """Measures the error rates of a recogniser's transcripts; both texts are normalised.

    The errors of all clips are divided by the words (characters) of all clips. A clip has at most
    as many errors as words. Without this bound a single clip of noise could decide the result,
    because recognisers sometimes transcribe noise as an endless text.

    Args:
        recogniser: the recogniser; Whisper by default.
    """

    name = "intelligibility"
    figures = (
        Figure("wer", "WER", ".1%", "lower", "words that the recogniser gets wrong"),
        Figure("cer", "CER", ".1%", "lower", "characters that the recogniser gets wrong"),
    )

    def __init__(self, recogniser: Recogniser | None = None) -> None:
        self.recogniser = Whisper() if recogniser is None else recogniser

    def load(self) -> None:
        """Load the recogniser.

        Raises:
            InputError: the extra ``eval`` is not installed.
        """
        self.recogniser.load()

    def __call__(self, clips: Sequence[Clip], tick: Callable[[], None]) -> Scores:
        """Transcribe each clip and count the errors."""
        rows: list[FigureValues] = []
        errors, lengths, transcripts = Counter[str](), Counter[str](), []
        for clip in clips:
            transcripts.append(self.recogniser(*clip.sound).strip())
            text, transcript = map(self.recogniser.normalise, (clip.text, transcripts[-1]))
            rows.append(error_rates(text, transcript))
            for key, n in (("wer", len(text.split())), ("cer", len(text))):
                errors[key] += round(rows[-1][key] * max(n, 1))
                lengths[key] += max(n, 1)
            tick()
        summary = {key: errors[key] / lengths[key] for key in errors}
        return Scores(rows, summary, tuple(transcripts))
