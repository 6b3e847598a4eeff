"""Measures how well speech of several speeds is understood, and how natural it sounds.

    python -m bench.speed                    # about five minutes
    python -m bench.speed --vocoder voice_vocoder --speeds 1 1.5 --sentences 10

The voice of the package speaks the held-out sentences of ``tts.evaluation``. The columns are those
of its table (docs/evaluation.md).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bench.measure import describe_machine
from tts.core.errors import InputError

if TYPE_CHECKING:
    from tts.evaluation.measures import Measure
    from tts.evaluation.sentences import Sentence
    from tts.inference import Synthesizer

SPEEDS = (0.75, 1.0, 1.25, 1.5, 2.0)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0 if every speed could be measured, else 2."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed")
    parser.add_argument("--acoustic", default="voice_acoustic", help="as in conf/synthesize.yaml")
    parser.add_argument("--vocoder", default="griffin_lim", help="as in conf/synthesize.yaml")
    parser.add_argument("--speeds", type=float, nargs="+", default=SPEEDS)
    parser.add_argument("--sentences", type=int, default=24, help="how many, from the first")
    options = parser.parse_args(arguments)
    try:
        _print_table(options)
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


def _print_table(options: argparse.Namespace) -> None:
    # torch is imported after the arguments are checked
    from tts.evaluation.sentences import read_sentences
    from tts.inference import Options, Synthesizer

    for speed in options.speeds:
        Options(speed=speed)  # refuses one that is not legal
    measures = _loaded_measures(max(options.speeds))
    synthesizer = Synthesizer.from_pretrained(options.acoustic, options.vocoder, "cpu")
    sentences = read_sentences()[: options.sentences]
    print(describe_machine())
    headings = [figure.heading for measure in measures for figure in measure.figures]
    columns = ["vocoder", "speed", "seconds of speech", *headings]
    print(f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", sep="\n", flush=True)
    for line in speed_rows(synthesizer, sentences, options.speeds, measures):
        print(f"| {options.vocoder} | {line}", flush=True)


def _loaded_measures(greatest_speed: float) -> list[Measure]:
    from tts.evaluation.measures.intelligibility import Intelligibility
    from tts.evaluation.measures.naturalness import DistillMos
    from tts.metrics.recognition import Whisper

    recogniser = Whisper()
    # without this the words at the end of fast sentences would be missing
    recogniser.tokens_per_second *= max(1.0, greatest_speed)
    measures: list[Measure] = [Intelligibility(recogniser), DistillMos()]
    for measure in measures:
        measure.load()
    return measures


def speed_rows(
    synthesizer: Synthesizer,
    sentences: Sequence[Sentence],
    speeds: Sequence[float],
    measures: Sequence[Measure],
) -> Iterator[str]:
    """Yield for each speed its cells: speed, seconds of speech, and the figures of the measures."""
    from tts.evaluation.run import judge
    from tts.evaluation.systems import Recordings, TrainedVoice

    figures = [figure for measure in measures for figure in measure.figures]
    for speed in speeds:
        voice = TrainedVoice(Recordings(None), synthesizer, speed=speed)
        judged = judge(f"speed {speed:g}", voice, sentences, measures)
        if judged is not None:
            seconds = sum(clip.sound.seconds for clip in judged.clips)
            yield " | ".join([f"{speed:g}", f"{seconds:.1f}", *judged.cells(figures)]) + " |"


if __name__ == "__main__":
    sys.exit(main())
