"""Provides a corpus of tones that many tests share, and functions that write others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.recordings import RATE, write_recording
from tts.audio import MelConfig
from tts.data import Corpus, Prepared, Processing, SyntheticCorpus
from tts.data.features.contract import Contract
from tts.data.features.preparation import Preparation

WriteCorpus = Callable[..., Path]


@pytest.fixture
def write_corpus(tmp_path: Path) -> WriteCorpus:
    """Return a function that writes a corpus in the layout of LJ Speech."""

    def write(
        names: Sequence[str] = ("a", "b", "c", "d"),
        seconds: float = 0.3,
        rate: int = RATE,
        folder: str = "corpus",
    ) -> Path:
        root = tmp_path / folder
        for number, name in enumerate(names):
            write_recording(root / "wavs" / f"{name}.wav", seconds + 0.05 * number, rate)
        rows = [f"{name}|Number {number}.|Text of {name}." for number, name in enumerate(names)]
        (root / "metadata.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        return root

    return write


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> SyntheticCorpus:
    """Return a corpus of about ten short sentences in tones."""
    folder = tmp_path_factory.mktemp("tones")
    lines = [
        f"{word} {other}." for word in ("one", "two", "four") for other in ("six", "or ten", "no")
    ]
    (folder / "lines.txt").write_text("\n".join(lines))
    corpus = SyntheticCorpus(
        folder / "corpus", "tones", minutes=0.08, sentences=folder / "lines.txt", val_fraction=0.2
    )
    corpus.prepare()
    return corpus


@pytest.fixture
def prepare(mel: MelConfig, tmp_path: Path) -> Callable[..., Prepared]:
    """Return a function that prepares a corpus in the folder "cache"."""

    def prepare(corpus: Corpus, config: MelConfig = mel, **options: Any) -> Prepared:
        folder = options.pop("folder", tmp_path / "cache")
        contract = Contract(
            config, options.pop("processing", Processing()), options.pop("complete", False)
        )
        return Preparation(folder, contract, **options).run(corpus)[0]

    return prepare


@pytest.fixture(scope="session")
def mel() -> MelConfig:
    return MelConfig(n_mels=20, n_fft=512, win_length=512, hop_length=256)
