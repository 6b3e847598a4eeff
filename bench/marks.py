"""Measures the error of time marks: when words begin and end, against independent truth.

    python -m bench.marks
    python -m bench.marks --recordings /path/LJSpeech-1.1

The package's voice with Griffin-Lim speaks the 60 held-out sentences. Their marks are compared with
the words that a forced aligner (PocketSphinx) and a recogniser (Whisper) find in the sound. eSpeak
NG speaks the same sentences and says itself where words begin: this shows the error of the aligner
and of the recogniser, and of the voice's marks on speech of another (teacher forcing). With
``--recordings`` the marks of recordings, as ``task=align`` finds them, are measured as well.

The marks were improved with half of the sentences; the other half has a line of its own. "Path
alone" is the path through the attention without a look at the sound.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import torch

from bench.word_truth import EspeakTimes, ForcedAligner, TimedWord, WhisperTimes, matched
from tts.audio import LogMel, read_wave
from tts.audio.pcm import Waveform
from tts.audio.resampling import resampled
from tts.core.errors import InputError
from tts.core.progress import progress
from tts.evaluation.sentences import Sentence, read_sentences
from tts.inference import Part, Synthesizer
from tts.inference.marks import Mark
from tts.inference.teacher_forcing import forced_alignments
from tts.metrics import alignment_health
from tts.metrics.word_edges import frame_levels
from tts.text.symbols import is_phone

VOICE = "voice_acoustic"
HEADER = (
    "| marks | truth | words | start: bias, ms | median | 95 % | end: bias, ms | median | 95 % |\n"
    "|---|---|---|---|---|---|---|---|---|"
)
Item = TypeVar("Item")
Result = TypeVar("Result")


class Marked(NamedTuple):
    """Holds a sound and the parts in which its words are marked."""

    wave: Waveform
    rate: int
    parts: Sequence[Part]

    def words(self, path_alone: bool = False) -> list[Mark]:
        """Return the marks of all words, or those of the path through the attention alone."""
        unheard = {"frame_levels": torch.zeros(0)} if path_alone else {}
        return [mark for part in self.parts for mark in replace(part, **unheard).words]

    def phones(self) -> list[list[str]] | None:
        """Return the phones of each word, or None if a word has none."""
        words = [
            [symbol[1:] for symbol in part.symbols[word.first : word.last + 1] if is_phone(symbol)]
            for part in self.parts
            for word in part.written_words
        ]
        return words if all(words) else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.marks", description=__doc__)
    parser.add_argument("--recordings", type=Path, help="folder of LJ Speech")
    parser.add_argument("--n", type=int, default=60, help="number of sentences or recordings")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        lines = list(_measure(read_sentences()[: options.n], options))
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    print(HEADER, *lines, sep="\n")
    return 0


def _measure(sentences: Sequence[Sentence], options: argparse.Namespace) -> Iterator[str]:
    """Yield the lines of the table."""
    aligner, whisper, espeak = ForcedAligner(), WhisperTimes(), EspeakTimes()
    whisper.load()
    voice = Synthesizer.from_pretrained(VOICE, "griffin_lim")

    def align(marked: Marked) -> Sequence[TimedWord] | None:
        phones = marked.phones()
        return None if phones is None else aligner(marked.wave, marked.rate, phones)

    def recognise(marked: Marked) -> Sequence[TimedWord]:
        return whisper.words(marked.wave, marked.rate, [mark.text for mark in marked.words()])

    spoken = list(_each("speaking", sentences, lambda sentence: _spoken(voice, sentence)))
    half = len(spoken) // 2
    aligned = list(_each("aligning speech", spoken, align))
    yield from _lines("the voice", "aligner", spoken, aligned)
    yield from _lines("the voice, other half", "aligner", spoken[half:], aligned[half:])
    recognised = list(_each("recognising", spoken, recognise))
    yield from _lines("the voice", "Whisper", spoken, recognised)
    yield _line("Whisper", "aligner", recognised, aligned)
    if options.recordings is not None:
        recorded = list(_recorded(voice, options.recordings, options.n))
        aligned = list(_each("aligning recordings", recorded, align))
        yield from _lines("recordings", "aligner", recorded, aligned)
    followed = list(_each("following eSpeak", sentences, lambda s: _followed(voice, espeak, s)))
    of_espeak = [marked for marked, _ in followed]
    truth = [words for _, words in followed]
    yield from _lines("eSpeak's speech", "eSpeak", of_espeak, truth)
    aligned = list(_each("aligning eSpeak", of_espeak, align))
    yield _line("aligner", "eSpeak", aligned, truth)
    recognised = list(_each("recognising eSpeak", of_espeak, recognise))
    yield _line("Whisper", "eSpeak", recognised, truth)


def _spoken(voice: Synthesizer, sentence: Sentence) -> Marked:
    speech = voice.speak(sentence.text, seed=0)
    return Marked(speech.wave.numpy(), speech.sample_rate, speech.parts)


def _recorded(voice: Synthesizer, root: Path, most: int) -> Iterator[Marked]:
    """Yield the first recordings of LJ Speech with the voice's marks."""
    try:
        rows = (root / "metadata.csv").read_text(encoding="utf-8").splitlines()[:most]
    except OSError as error:
        raise InputError(f"{root}/metadata.csv: cannot be read ({error.strerror})") from None
    for row in _each("following recordings", rows, lambda line: line.split("|")):
        wave, rate = read_wave(root / "wavs" / f"{row[0]}.wav")
        yield _forced(voice, row[2], wave, rate)


def _followed(
    voice: Synthesizer, espeak: EspeakTimes, sentence: Sentence
) -> tuple[Marked, list[TimedWord]]:
    """Return a sentence of eSpeak with the voice's marks, and with its own."""
    text = sentence.text.encode("ascii", "ignore").decode()
    wave, words = espeak.speak(text)
    marked = _forced(voice, text, wave, espeak.sample_rate)
    # eSpeak cuts some texts into other words, such as "forty-eight"
    return marked, matched([mark.text for mark in marked.words()], words)


def _forced(voice: Synthesizer, text: str, wave: Waveform, rate: int) -> Marked:
    """Mark the words of a sound by the attention of the voice that follows it."""
    network, mel_config, tokenizer = voice.acoustic, voice.mel, voice.tokenizer
    wave = resampled(wave, rate, mel_config.sample_rate)
    mel = LogMel(mel_config)(torch.from_numpy(wave))[0]
    ids = torch.tensor(tokenizer.encode(text))
    (alignment,) = forced_alignments(network, [ids], [mel], [0], [0])
    part = Part(
        text=text,
        start=0.0,
        seconds=len(wave) / mel_config.sample_rate,
        seed=0,
        attempts=1,
        stop_reason="gate",
        health=alignment_health(alignment),
        alignments=alignment,
        gate_logits=torch.zeros(len(alignment)),
        first_frame=0,
        compute_seconds=0.0,
        symbols=tuple(tokenizer.symbols[i] for i in ids.tolist()),
        tokenizer=tokenizer,
        frame_seconds=mel_config.hop_length / mel_config.sample_rate,
        frame_levels=frame_levels(mel),
    )
    return Marked(wave, mel_config.sample_rate, [part])


def _lines(
    what: str, truth: str, marked: Sequence[Marked], times: Sequence[Sequence[TimedWord] | None]
) -> Iterator[str]:
    """Yield the lines of marks without and with a look at the sound."""
    yield _line(f"{what}, path alone", truth, [m.words(path_alone=True) for m in marked], times)
    yield _line(what, truth, [m.words() for m in marked], times)


def _line(
    what: str,
    against: str,
    marks: Iterable[Sequence[Mark | TimedWord] | None],
    truth: Iterable[Sequence[TimedWord] | None],
) -> str:
    """Return one line of Markdown; sentences and words without times do not count."""
    errors: dict[str, list[float]] = defaultdict(list)
    for ours, theirs in zip(marks, truth, strict=True):
        for mark, word in zip(ours or (), theirs or (), strict=ours is not None and bool(theirs)):
            for name in ("start", "end"):
                a, b = getattr(mark, name), getattr(word, name)
                if a is not None and b is not None:
                    errors[name].append(1000 * (a - b))
    cells = [what, against, str(len(errors["start"]))]
    for name in ("start", "end"):
        values = np.array(errors[name])
        if not len(values):
            cells += ["", "", ""]
            continue
        figures = [np.median(values), np.median(abs(values)), np.percentile(abs(values), 95)]
        cells += [f"{figure:.0f}" for figure in figures]
    return f"| {' | '.join(cells)} |"


def _each(
    title: str, items: Sequence[Item], function: Callable[[Item], Result]
) -> Iterator[Result]:
    """Yield a function's results, and show the progress."""
    with progress(title, len(items)) as advance:
        for item in items:
            yield function(item)
            advance(1)


if __name__ == "__main__":
    sys.exit(main())
