from __future__ import annotations

import subprocess

import pytest

from bench import reference
from bench.reference import FetchError, fetch


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TACOGLOW_REFERENCE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_packages_are_installed_once(monkeypatch):
    targets = []
    monkeypatch.setattr(reference, "_install", lambda t: (t.mkdir(), targets.append(t)))
    assert fetch() == fetch()
    assert len(targets) == 1


def test_a_second_process_uses_what_the_first_installed(monkeypatch, cache):
    def install(target):
        target.mkdir()
        (target / "second").touch()
        if not any(path.name == "first" for path in cache.rglob("*")):
            monkeypatch.setattr(reference, "_install", install_first)
            fetch()

    def install_first(target):
        target.mkdir()
        (target / "first").touch()

    monkeypatch.setattr(reference, "_install", install)
    folder = fetch()
    assert [path.name for path in folder.iterdir()] == ["first"]
    assert list(cache.iterdir()) == [folder]


def test_a_failure_is_reported_and_leaves_nothing(monkeypatch, cache):
    def fail(command, **_):
        raise subprocess.CalledProcessError(1, command, stderr="one\nERROR: no network\n")

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(FetchError, match="pip: ERROR: no network"):
        fetch()
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_created_is_reported(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TACOGLOW_REFERENCE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.raises(FetchError, match="cache"):
        fetch()
