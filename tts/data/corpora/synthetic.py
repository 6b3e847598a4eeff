"""``SyntheticCorpus``: speech rendered on first use, so that training needs no download.

An engine reads the sentences that ship with the package (clauses of LJ Speech, public domain) in a
seeded order until there are enough minutes. The result has LJ Speech's layout plus a
``corpus.json`` that says how it was made. Equal parameters give equal bytes on the same machine
and package versions (the neural engine's arithmetic differs between processors). Whatever is
trained on it says "synthetic corpus": its figures are those of a copy of a machine's voice.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Generator
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
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
from tts.data.corpora.engines import ENGINES, Engine
from tts.data.corpora.generated import MadeCorpus
from tts.data.corpora.manifest import Faults, ManifestRow, read_metadata

_OF_SENTENCES = "text: LJ Speech transcripts, public domain"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """What decides the bytes of a corpus, apart from the version of the engine."""

    engine: str
    minutes: float
    seed: int
    sample_rate: int
    sentences: str


class SyntheticCorpus(MadeCorpus):
    """A corpus that an engine renders into ``root`` when it is first prepared.

    Args:
        root: folder for the corpus; made if missing, reused if it was made with the same
            parameters.
        engine: "hibari" (neural), "espeak" (robotic) or "tones" (a toy: no speech).
        minutes: amount of speech; the last sentence may exceed it.
        seed: of the order of the sentences, and of the engine's noise if it has any.
        sample_rate: of the recordings, Hz.
        sentences: a text file with one sentence a line, instead of those of the package.
        val_fraction: share that is validated on.
        test_fraction: share that is kept for the test.
        **options: the others of ``Corpus``.

    Raises:
        InputError: unknown engine, not a positive number of minutes, or a negative seed.
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
        **options: Any,
    ) -> None:
        super().__init__(root, val_fraction, test_fraction, **options)
        if engine not in ENGINES:
            raise InputError(f"data.engine={engine}: choose from {', '.join(ENGINES)}")
        check_arguments(locals(), legal_arguments(type(self)), "data.")
        self.engine, self.minutes, self.seed = engine, float(minutes), seed
        self.sample_rate = sample_rate
        self.sentences = None if sentences is None else Path(sentences).expanduser()

    @property
    def name(self) -> str:
        """Such as "synthetic corpus (hibari)"."""
        return f"synthetic corpus ({self.engine})"

    def _read_rows(self, faults: Faults) -> list[ManifestRow]:
        return read_metadata(self.root / "metadata.csv", faults)

    def _recipe(self) -> dict[str, Any]:
        return asdict(self._about(_read_sentences(self.sentences)))

    def _about(self, lines: list[str]) -> Recipe:
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
        return Recipe(self.engine, self.minutes, self.seed, self.sample_rate, digest)

    def _make(self, folder: Path) -> dict[str, Any]:
        lines = _read_sentences(self.sentences)
        recipe, engine = self._about(lines), ENGINES[self.engine]()
        order = np.random.default_rng(recipe.seed).permutation(len(lines))
        expected = sum(map(len, lines)) * engine.seconds_per_character / 60
        if recipe.minutes > 1.2 * expected:
            raise InputError(_too_few_sentences(recipe, f"about {expected:.2f}"))
        (folder / "wavs").mkdir()
        rows = _record(engine, [lines[i] for i in order], recipe, folder / "wavs")
        text = "".join(f"{row}\n" for row in rows)
        (folder / "metadata.csv").write_text(text, encoding="utf-8")
        _log.info("%s: %d sentences in %s", self.name, len(rows), self.root)
        return {"version": engine.version, "licence": self._licence(engine)}

    def _licence(self, engine: Engine) -> str:
        own = self.sentences is not None
        return engine.licence if own else f"{_OF_SENTENCES}; {engine.licence}"


def _record(engine: Engine, lines: list[str], recipe: Recipe, folder: Path) -> list[str]:
    """Speak and write line after line until there is enough; give the rows of the manifest."""
    rows: list[str] = []
    left = recipe.minutes * 60
    with (
        progress(f"rendering {recipe.minutes:g} min with {engine.name}", left) as advance,
        contextlib.closing(_spoken(engine, lines, recipe)) as spoken,
    ):
        for line, samples in spoken:
            if not len(samples):
                continue
            rows.append(f"{engine.name}-{len(rows) + 1:05d}|{line}|{line}")
            write_wave(folder / f"{rows[-1].split('|')[0]}.wav", samples, recipe.sample_rate)
            seconds = len(samples) / recipe.sample_rate
            advance(min(seconds, left))
            left -= seconds
            if left <= 0:
                return rows
    raise InputError(_too_few_sentences(recipe, f"{recipe.minutes - left / 60:.2f}"))


def _spoken(
    engine: Engine, lines: list[str], recipe: Recipe
) -> Generator[tuple[str, Waveform], None, None]:
    def speak(numbered: tuple[int, str]) -> tuple[str, Waveform]:
        number, line = numbered
        # A seed for each sentence: what one sounds like does not depend on the others
        (seed,) = np.random.SeedSequence([recipe.seed, number]).generate_state(1)
        samples = engine.render(line, seed=int(seed))
        samples = resampled(samples, engine.sample_rate, recipe.sample_rate)
        return line, trim_silence(samples, recipe.sample_rate)

    return ordered_map(speak, enumerate(lines), min(n_cores(), engine.threads))


def _read_sentences(path: Path | None) -> list[str]:
    file = resources.files("tts.data") / "sentences.txt" if path is None else path
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as sentences, one a line: {error}") from None
    found = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    for number, line in enumerate(lines, 1):
        if "|" in line:
            raise InputError(f"{path}:{number}: holds '|', which separates columns; remove it")
    return found


def _too_few_sentences(recipe: Recipe, minutes: str) -> str:
    return (
        f"data.minutes={recipe.minutes:g}: the sentences make only {minutes} minutes with "
        f"{recipe.engine}; ask for less, or for sentences of your own"
    )
