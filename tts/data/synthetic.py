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
import json
import logging
from collections.abc import Generator
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from tts.audio import MelConfig, write_wave
from tts.data.building import atomic_folder, n_cores, ordered_map, progress, remove_leftovers
from tts.data.corpora import DESCRIPTION, Corpus
from tts.data.engines import ENGINES, Engine, Samples
from tts.data.manifest import Utterance, read_metadata
from tts.errors import InputError

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """What decides the bytes of a corpus, apart from the version of the engine."""

    engine: str
    minutes: float
    seed: int
    sample_rate: int
    sentences: str


class SyntheticCorpus(Corpus):
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

    Raises:
        InputError: unknown engine, not a positive number of minutes, or a negative seed.
    """

    def __init__(
        self,
        root: str | Path,
        engine: str = "hibari",
        minutes: float = 10.0,
        seed: int = 0,
        sample_rate: int = MelConfig.sample_rate,
        sentences: str | Path | None = None,
        val_fraction: float = 0.05,
        test_fraction: float = 0.0,
    ) -> None:
        super().__init__(root, val_fraction, test_fraction)
        if engine not in ENGINES:
            raise InputError(f"data.engine={engine}: choose from {', '.join(ENGINES)}")
        if not minutes > 0 or seed < 0:
            raise InputError(
                f"data.minutes={minutes}, data.seed={seed}: minutes must be above 0, the seed not "
                "below it"
            )
        self.engine, self.minutes, self.seed = engine, float(minutes), seed
        self.sample_rate = sample_rate
        self.sentences = None if sentences is None else Path(sentences).expanduser()

    @property
    def name(self) -> str:
        """Such as "synthetic corpus (hibari)"."""
        return f"synthetic corpus ({self.engine})"

    def prepare(self) -> None:
        """Render the corpus, unless it is there already.

        Raises:
            InputError: the engine is not installed, the sentences do not suffice, ``root`` holds
                something else, or cannot be written.
        """
        lines = _read_sentences(self.sentences)
        recipe = self._recipe(lines)
        remove_leftovers(self.root)
        if not self._is_made(recipe):
            self._render(recipe, lines)
            self._is_made(recipe)
        super().prepare()

    def _read(self) -> list[Utterance]:
        return read_metadata(self.root / "metadata.csv")

    def _recipe(self, lines: list[str]) -> Recipe:
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
        return Recipe(self.engine, self.minutes, self.seed, self.sample_rate, digest)

    def _is_made(self, recipe: Recipe) -> bool:
        """Tell whether the corpus is there; refuse a folder that holds anything else."""
        if not self.root.exists():
            return False
        if self.root.is_dir() and not any(self.root.iterdir()):
            return False
        made = _read_description(self.root)
        wanted = asdict(recipe)
        differences = [f"{key} {made.get(key)}" for key in wanted if made.get(key) != wanted[key]]
        if differences:
            raise InputError(
                f"{self.root}: holds a corpus made with {', '.join(differences)}; delete it or "
                "choose another data.root"
            )
        return True

    def _render(self, recipe: Recipe, lines: list[str]) -> None:
        engine = ENGINES[recipe.engine]()
        order = np.random.default_rng(recipe.seed).permutation(len(lines))
        expected = sum(map(len, lines)) * engine.seconds_per_character / 60
        if recipe.minutes > 1.2 * expected:
            raise InputError(_too_few_sentences(recipe, f"about {expected:.2f}"))
        with atomic_folder(self.root) as folder:
            (folder / "wavs").mkdir()
            rows = _record(engine, [lines[i] for i in order], recipe, folder / "wavs")
            _write_lines(folder / "metadata.csv", rows)
            _write_lines(folder / DESCRIPTION, [json.dumps(self._description(recipe, engine))])
        _log.info("%s: %d sentences in %s", self.name, len(rows), self.root)

    def _description(self, recipe: Recipe, engine: Engine) -> dict[str, Any]:
        return {
            "name": self.name,
            **asdict(recipe),
            "version": engine.version,
            "licence": f"text: LJ Speech transcripts, public domain; {engine.licence}"
            if self.sentences is None
            else engine.licence,
        }


def trim_silence(
    samples: Samples,
    sample_rate: int,
    lead: float = 0.05,
    tail: float = 0.1,
    threshold_db: float = -45.0,
) -> Samples:
    """Cut the silence at both ends to fixed lengths.

    Args:
        samples: ``(T_wave,)``.
        sample_rate: in Hz.
        lead: seconds of silence to keep or add before the sound.
        tail: the same after it.
        threshold_db: a frame of 10 ms is silent when its energy is this far below the loudest's.

    Returns:
        ``(T_wave,)``; empty if there is no sound at all.
    """
    frame = sample_rate // 100
    n_frames = -(-len(samples) // frame)
    energy = np.pad(samples, (0, n_frames * frame - len(samples))).reshape(n_frames, frame)
    energy = np.square(energy, dtype=np.float64).sum(1)
    if not energy.any():
        return samples[:0]
    (loud,) = np.nonzero(energy > energy.max() * 10 ** (threshold_db / 10))
    start = loud[0] * frame - round(lead * sample_rate)
    end = (loud[-1] + 1) * frame + round(tail * sample_rate)
    kept = samples[max(start, 0) : end]
    return np.pad(kept, (max(-start, 0), max(end - len(samples), 0)))


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
) -> Generator[tuple[str, Samples], None, None]:
    import soxr

    def speak(numbered: tuple[int, str]) -> tuple[str, Samples]:
        number, line = numbered
        # A seed for each sentence: what one sounds like does not depend on the others
        (seed,) = np.random.SeedSequence([recipe.seed, number]).generate_state(1)
        samples = engine.render(line, seed=int(seed))
        if engine.sample_rate != recipe.sample_rate:
            samples = soxr.resample(samples, engine.sample_rate, recipe.sample_rate)
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


def _read_description(root: Path) -> dict[str, Any]:
    try:
        description = json.loads((root / DESCRIPTION).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        description = None
    if not isinstance(description, dict):
        raise InputError(
            f"{root}: exists and is no synthetic corpus; choose another data.root for it"
        )
    return description


def _too_few_sentences(recipe: Recipe, minutes: str) -> str:
    return (
        f"data.minutes={recipe.minutes:g}: the sentences make only {minutes} minutes with "
        f"{recipe.engine}; ask for less, or for sentences of your own"
    )


def _write_lines(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
