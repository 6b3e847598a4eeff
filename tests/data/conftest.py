"""Provides a corpus of artificial speech without faults, and a copy of it for each test."""

from __future__ import annotations

import shutil

import pytest

from tests.support.faulty_corpus import N_CLIPS, Corpus, text_of


@pytest.fixture(scope="session")
def healthy(tmp_path_factory):
    return Corpus(tmp_path_factory.mktemp("doctor") / "corpus").root


@pytest.fixture
def corpus(healthy, tmp_path):
    shutil.copytree(healthy, tmp_path / "corpus")
    corpus = Corpus.__new__(Corpus)
    corpus.root = tmp_path / "corpus"
    corpus.rows = {f"clip-{n:02}": text_of(n) for n in range(N_CLIPS)}
    return corpus
