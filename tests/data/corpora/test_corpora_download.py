"""Downloads a tiny imitation of LJ Speech from a server on this machine."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace

import pytest

from tts.core.errors import InputError
from tts.data import LJSpeech
from tts.data.corpora import ljspeech

NAMES = ["LJ001-0001", "LJ001-0002", "LJ001-0003"]


def archive(folder, extra=()):
    """Pack a folder as LJ Speech is packed, with members that should not be."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:bz2") as tar:
        tar.add(folder, "LJSpeech-1.1")
        for member in extra:
            tar.addfile(member)
    return data.getvalue()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def published(write_corpus, tmp_path, monkeypatch):
    """Serve LJ Speech: published.put(extra) replaces the archive."""
    source, folder = write_corpus(NAMES), tmp_path / "served"
    folder.mkdir()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("TACOGLOW_MIRROR", raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setattr(ljspeech, "_BYTES", 10**6)

    def put(extra=(), sha256=None):
        data = archive(source, extra)
        (folder / ljspeech.ARCHIVE.file).write_bytes(data)
        entry = replace(
            ljspeech.ARCHIVE,
            urls=(f"http://127.0.0.1:{server.server_port}/{ljspeech.ARCHIVE.file}",),
            sha256=sha256 or hashlib.sha256(data).hexdigest(),
        )
        monkeypatch.setattr(ljspeech, "ARCHIVE", entry)

    put()
    yield SimpleNamespace(put=put, source=source, folder=folder)
    server.shutdown()
    thread.join()
    server.server_close()


def test_lj_speech_is_fetched_unpacked_and_the_archive_removed(published, tmp_path):
    root = tmp_path / "new" / "LJ"
    corpus = LJSpeech(root, download=True)
    assert corpus.name == "LJ Speech"
    corpus.prepare()
    assert [u.id for u in corpus.utterances()] == NAMES
    original = published.source / "wavs" / f"{NAMES[0]}.wav"
    assert (root / "wavs" / f"{NAMES[0]}.wav").read_bytes() == original.read_bytes()
    assert [path.name for path in root.parent.iterdir()] == ["LJ"]


def test_what_is_there_is_not_fetched_again(published, tmp_path):
    LJSpeech(tmp_path / "LJ", download=True).prepare()
    shutil.rmtree(published.folder)
    LJSpeech(tmp_path / "LJ", download=True).prepare()


def test_another_folder_is_left_alone(published, write_corpus):
    root = write_corpus(["a", "b"], folder="mine")
    corpus = LJSpeech(root, download=True)
    corpus.prepare()
    assert [u.id for u in corpus.utterances()] == ["a", "b"]


def test_another_file_is_refused(published, tmp_path):
    published.put(sha256="0" * 64)
    with pytest.raises(
        InputError,
        match=r"gives another file: SHA-256 .*; get LJSpeech-1\.1\.tar\.bz2 in another way",
    ):
        LJSpeech(tmp_path / "new" / "LJ", download=True).prepare()
    assert not (tmp_path / "new" / "LJ").exists()


@pytest.mark.parametrize("name", ["../evil", "/evil", "LJSpeech-1.1/../../evil"])
def test_an_archive_that_leads_elsewhere_is_refused(published, tmp_path, name):
    published.put([tarfile.TarInfo(name)])
    with pytest.raises(InputError, match=r"holds '.*evil', outside its folder; remove it"):
        LJSpeech(tmp_path / "new" / "LJ", download=True).prepare()
    assert not list(tmp_path.rglob("evil*"))
    assert not (tmp_path / "new" / "LJ").exists()


def test_links_are_not_unpacked(published, tmp_path):
    link = tarfile.TarInfo("LJSpeech-1.1/link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    published.put([link])
    LJSpeech(tmp_path / "LJ", download=True).prepare()
    assert sorted(path.name for path in (tmp_path / "LJ").iterdir()) == ["metadata.csv", "wavs"]


def test_too_little_room_is_reported_before_the_download(published, tmp_path, monkeypatch):
    monkeypatch.setattr(ljspeech, "_BYTES", 10**18)
    shutil.rmtree(published.folder)
    with pytest.raises(
        InputError, match=r"GB are free, LJ Speech needs 1000000000\.0 GB; make room"
    ):
        LJSpeech(tmp_path / "LJ", download=True).prepare()


def test_the_download_is_offered_where_there_is_nothing(tmp_path):
    with pytest.raises(
        InputError, match=r"no such folder; set data\.root .* or data\.download=true"
    ):
        LJSpeech(tmp_path / "LJ").prepare()
