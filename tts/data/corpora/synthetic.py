"""Renders a corpus of synthetic speech on first use, so that training needs no download.

An engine reads the sentences that come with the package (in English, clauses of LJ Speech; in
Korean, our own; public domain) in a seeded order until there are enough minutes. The result has LJ
Speech's layout, and a ``corpus.json`` that records how it was made. Equal parameters give equal
bytes on the same machine with the same package versions (the neural engine's arithmetic differs
between processors).
Everything that is trained on it carries the name "synthetic corpus", because its results are those
of a copy of a synthetic voice.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from tts.audio import MelConfig, write_wave
from tts.audio.pcm import Waveform
from tts.audio.processing import trim_silence
from tts.audio.resampling import resampled
from tts.core.errors import InputError
from tts.core.parallel import n_cores, ordered_map
from tts.core.progress import progress
from tts.core.ranges import CountOrZero, Positive, Share, check_arguments, legal_arguments
from tts.data.corpora.engines import ENGINES, ENGLISH, Engine, make_engine
from tts.data.corpora.generated import GeneratedCorpus
from tts.data.corpora.manifest import Faults, ManifestRow, read_metadata
from tts.text.jamo import to_jamo

#: The file of the package with the sentences of each language, and where they are from.
_SENTENCES: Mapping[str | None, tuple[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(
            (None, ENGLISH), ("sentences.txt", "text: LJ Speech transcripts, public domain")
        ),
        "ko": ("sentences_ko.txt", "text: tacoglow, public domain"),
    }
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RenderSettings:
    """Holds all that decides the bytes of a corpus, except for the version of the engine."""

    engine: str
    minutes: float
    seed: int
    sample_rate: int
    sentences: str
    language: str | None = None


class SyntheticCorpus(GeneratedCorpus):
    """Renders a corpus with an engine into ``root`` when it is first prepared.

    Args:
        root: folder for the corpus. It is made if it is missing, and used again if it was made
            with the same parameters.
        engine: "hibari" (neural), "espeak" (robotic) or "tones" (a toy that is no speech).
        minutes: amount of speech; the last sentence may exceed it.
        seed: seed of the order of the sentences, and of the engine's noise if it has any.
        sample_rate: rate of the recordings in Hz.
        sentences: a text file with one sentence a line; None: the sentences of the package.
        language: a code of eSpeak NG, whose voice reads; None: English.
        val_fraction: share of the validation set.
        test_fraction: share of the test set.
        **options: the other options of ``Corpus``.

    Raises:
        InputError: the engine is unknown, the minutes are not positive, the seed is negative, or
            the package has no sentences in the language.
    """

    kind = "synthetic corpus"

    def __init__(
        self,
        root: str | Path,
        engine: str = "hibari",
        minutes: Positive = 10.0,
        seed: CountOrZero = 0,
        sample_rate: int = MelConfig.sample_rate,
        sentences: str | Path | None = None,
        val_fraction: Share = 0.05,
        test_fraction: Share = 0.0,
        language: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(root, val_fraction, test_fraction, **options)
        if engine not in ENGINES:
            raise InputError(f"data.engine={engine}: choose from {', '.join(ENGINES)}")
        check_arguments(locals(), legal_arguments(type(self)), "data.")
        self.engine, self.minutes, self.seed = engine, float(minutes), seed
        self.sample_rate = sample_rate
        self.sentences = None if sentences is None else Path(sentences).expanduser()
        self.language = language
        if sentences is None and language not in _SENTENCES:
            raise InputError(
                f"data.language={language}: name a text in this language, one sentence a line, "
                "with data.sentences=FILE"
            )

    @property
    def name(self) -> str:
        """Return a name such as "synthetic corpus (hibari)"."""
        return f"synthetic corpus ({self.engine})"

    def _read_rows(self, faults: Faults) -> list[ManifestRow]:
        return read_metadata(self.root / "metadata.csv", faults)

    def _recipe(self) -> dict[str, Any]:
        return asdict(self._settings(self._lines()))

    def _lines(self) -> list[str]:
        shipped = _SENTENCES[self.language if self.sentences is None else None][0]
        return _read_sentences(self.sentences, shipped)

    def _settings(self, lines: list[str]) -> RenderSettings:
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
        numbers = self.minutes, self.seed, self.sample_rate
        return RenderSettings(self.engine, *numbers, digest, self.language)

    def _make(self, folder: Path) -> dict[str, Any]:
        lines = self._lines()
        settings, engine = self._settings(lines), make_engine(self.engine, self.language)
        order = np.random.default_rng(settings.seed).permutation(len(lines))
        # a syllable of Hangul takes as long as its letters
        expected = len(to_jamo("".join(lines))) * engine.seconds_per_character / 60
        if settings.minutes > 1.2 * expected:
            raise InputError(_too_few_sentences(settings, f"about {expected:.2f}"))
        (folder / "wavs").mkdir()
        rows = _record(engine, [lines[i] for i in order], settings, folder / "wavs")
        text = "".join(f"{row}\n" for row in rows)
        (folder / "metadata.csv").write_text(text, encoding="utf-8")
        _log.info("%s: %d sentences in %s", self.name, len(rows), self.root)
        return {"version": engine.version, "licence": self._licence(engine)}

    def _licence(self, engine: Engine) -> str:
        if self.sentences is not None:
            return engine.licence
        return f"{_SENTENCES[self.language][1]}; {engine.licence}"


def _record(engine: Engine, lines: list[str], settings: RenderSettings, folder: Path) -> list[str]:
    """Speak and write lines until there are enough minutes; return the rows of the manifest."""
    rows: list[str] = []
    seconds_left = settings.minutes * 60
    with (
        progress(f"rendering {settings.minutes:g} min with {engine.name}", seconds_left) as advance,
        contextlib.closing(_render_lines(engine, lines, settings)) as rendered,
    ):
        for line, samples in rendered:
            if not len(samples):
                continue
            rows.append(f"{engine.name}-{len(rows) + 1:05d}|{line}|{line}")
            write_wave(folder / f"{rows[-1].split('|')[0]}.wav", samples, settings.sample_rate)
            seconds = len(samples) / settings.sample_rate
            advance(min(seconds, seconds_left))
            seconds_left -= seconds
            if seconds_left <= 0:
                return rows
    raise InputError(_too_few_sentences(settings, f"{settings.minutes - seconds_left / 60:.2f}"))


def _render_lines(
    engine: Engine, lines: list[str], settings: RenderSettings
) -> Generator[tuple[str, Waveform], None, None]:
    def render(numbered_line: tuple[int, str]) -> tuple[str, Waveform]:
        number, line = numbered_line
        # Each sentence has its own seed, so that its sound does not depend on the others
        (seed,) = np.random.SeedSequence([settings.seed, number]).generate_state(1)
        samples = engine.render(line, seed=int(seed))
        samples = resampled(samples, engine.sample_rate, settings.sample_rate)
        return line, trim_silence(samples, settings.sample_rate)

    return ordered_map(render, enumerate(lines), min(n_cores(), engine.threads))


def _read_sentences(path: Path | None, shipped: str) -> list[str]:
    file = resources.files("tts.data") / shipped if path is None else path
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as sentences, one a line: {error}") from None
    sentences = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    for number, line in enumerate(lines, 1):
        if "|" in line:
            raise InputError(
                f"{path}:{number}: holds '|', the separator of the manifest; remove it"
            )
    return sentences


def _too_few_sentences(settings: RenderSettings, minutes: str) -> str:
    return (
        f"data.minutes={settings.minutes:g}: the sentences make only {minutes} minutes with "
        f"{settings.engine}; lower data.minutes, or set data.sentences to a longer file"
    )
