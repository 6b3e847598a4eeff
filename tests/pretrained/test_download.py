"""Downloads from a server on this machine that breaks off, sends other files, or has no ranges."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import torch

from tests.support.paths import REPO
from tts.audio import MelConfig
from tts.core import download as download_core
from tts.core.errors import InputError
from tts.inference import load_waveglow
from tts.models import WaveGlow
from tts.pretrained import catalogue, describe, load, save
from tts.pretrained.catalogue import CATALOGUE, Published, find
from tts.pretrained.convert import convert
from tts.pretrained.download import cache_dir, fetch
from tts.pretrained.importers.nvidia_names import to_nvidia_state_dict

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves one content at every path.

    Attributes:
        ranges: whether it knows them.
        breaks: number of bytes after which each answer in turn breaks off; None: not at all.
        status: of every answer, if it is not to be 200 or 206.
        seen: Range headers of the requests.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.tag = CONTENT, '"one"'
        self.ranges, self.breaks, self.status = True, [], None
        self.seen: list[str | None] = []

    def url(self, name: str = "file.pt") -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        server = self.server
        wanted = self.headers.get("Range")
        server.seen.append(wanted)
        if server.status is not None:
            self.send_error(server.status)
            return
        start = int(re.match(r"bytes=(\d+)-", wanted)[1]) if wanted and server.ranges else 0
        if self.headers.get("If-Range") != server.tag:
            start = 0
        body = server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        if server.tag is not None:
            self.send_header("ETag", server.tag)
        self.end_headers()
        cut = server.breaks.pop(0) if server.breaks else None
        self.wfile.write(body[:cut])


@contextmanager
def running():
    server = Server()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server():
    with running() as server:
        yield server


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TACOGLOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TACOGLOW_MIRROR", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache" / "checkpoints"


def published(*urls: str, **more) -> Published:
    return Published("voice", "file.pt", urls, "WaveGlow", "a note", **more)


def left_over(cache) -> list[str]:
    return sorted(p.name for p in cache.iterdir() if not p.name.endswith((".lock", ".sha256")))


def test_file_is_loaded_once(server, cache):
    entry = published(server.url(), sha256=SHA256, size=len(CONTENT))
    assert fetch(entry) == cache / "file.pt"
    assert fetch(entry).read_bytes() == CONTENT
    assert server.seen == [None]
    assert left_over(cache) == ["file.pt"]


def test_broken_transfer_resumes_where_it_stopped(server):
    server.breaks = [300_000, 200_000]
    assert fetch(published(server.url(), sha256=SHA256)).read_bytes() == CONTENT
    assert server.seen == [None, "bytes=300000-", "bytes=500000-"]


def test_later_run_resumes_where_an_earlier_one_was_killed(server, cache, monkeypatch):
    server.breaks = [400_000]
    monkeypatch.setattr("tts.core.download.ATTEMPTS", 1)
    entry = published(server.url(), sha256=SHA256)
    with pytest.raises(InputError, match="broke off after 400000 of 1024000 bytes"):
        fetch(entry)
    assert (cache / "file.pt.part").stat().st_size == 400_000
    assert fetch(entry).read_bytes() == CONTENT
    assert server.seen == [None, "bytes=400000-"]


class Killed(BaseException):
    """Simulates a kill: no code catches it."""


@pytest.mark.parametrize("moment", ["before the mark", "after the mark", "in the content"])
def test_versions_are_never_mixed_wherever_a_kill_comes(server, cache, monkeypatch, moment):
    server.breaks = [500_000]
    monkeypatch.setattr(download_core, "ATTEMPTS", 1)
    with pytest.raises(InputError):
        fetch(published(server.url()))
    assert (cache / "file.pt.part").stat().st_size == 500_000
    server.content, server.tag = CONTENT[::-1], '"two"'
    write = download_core._write

    def mark(path, text):
        if moment != "before the mark":
            write(path, text)
        if moment != "in the content":
            raise Killed

    def copy(answer, file, *_):
        file.write(answer.read(300_000))
        file.flush()
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(download_core, "_write", mark)
        patch.setattr(download_core, "_copy", copy)
        with pytest.raises(Killed):
            fetch(published(server.url()))
    assert fetch(published(server.url())).read_bytes() == CONTENT[::-1]


def test_file_that_has_changed_meanwhile_is_downloaded_again(server, monkeypatch):
    server.breaks = [400_000]
    monkeypatch.setattr("tts.core.download.ATTEMPTS", 1)
    entry = published(server.url())
    with pytest.raises(InputError):
        fetch(entry)
    server.content, server.tag = CONTENT[::-1], '"two"'
    assert fetch(entry).read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("change", [{"ranges": False}, {"tag": None}], ids=["ranges", "tag"])
def test_server_that_cannot_resume_sends_the_whole_file(server, monkeypatch, change):
    for name, value in change.items():
        setattr(server, name, value)
    server.breaks = [400_000]
    monkeypatch.setattr("tts.core.download.ATTEMPTS", 1)
    entry = published(server.url(), sha256=SHA256)
    with pytest.raises(InputError):
        fetch(entry)
    assert fetch(entry).read_bytes() == CONTENT


def test_missing_file_says_which_file_to_put_where(server, cache):
    server.status = 404
    message = (
        r"voice: cannot be downloaded \(.*HTTP 404.*\); "
        rf"get file\.pt in another way and put it at {cache}/file\.pt"
    )
    with pytest.raises(InputError, match=message):
        fetch(published(server.url()))


def test_offline_says_which_file_to_put_where(cache):
    with running() as gone:
        url = gone.url()
    with pytest.raises(
        InputError, match=rf"{url}: .*refused.*get file\.pt .* put it at {cache}/file\.pt"
    ):
        fetch(published(url))


def test_second_address_is_asked_when_the_first_is_gone(server):
    with running() as gone:
        gone.status = 410
        entry = published(gone.url(), server.url(), sha256=SHA256)
        assert fetch(entry).read_bytes() == CONTENT


def test_mirror_is_asked_first(server, monkeypatch):
    with running() as original:
        monkeypatch.setenv("TACOGLOW_MIRROR", server.url("some/folder/"))
        fetch(published(original.url()))
        assert (len(server.seen), original.seen) == (1, [])


def test_mirror_that_is_no_address_is_logged_and_left_out(server, monkeypatch, caplog):
    monkeypatch.setenv("TACOGLOW_MIRROR", "mirror.example/files")
    assert fetch(published(server.url())).read_bytes() == CONTENT
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert line.startswith(
        "TACOGLOW_MIRROR=mirror.example/files: not an address, so it is not used; write"
    )


@pytest.mark.parametrize("address", ["http://[", "http://host:port", "odd://x", "http://"])
def test_second_address_is_asked_when_the_mirror_cannot_be_one(server, monkeypatch, address):
    monkeypatch.setenv("TACOGLOW_MIRROR", address)
    assert fetch(published(server.url())).read_bytes() == CONTENT


def test_wrong_hash_is_refused_and_the_next_address_asked(server, cache):
    with running() as liar:
        liar.content = b"something else" * 100
        assert fetch(published(liar.url(), server.url(), sha256=SHA256)).read_bytes() == CONTENT
        (cache / "file.pt").unlink()
        with pytest.raises(InputError, match=r"gives another file: SHA-256 \w{64}, published"):
            fetch(published(liar.url(), sha256=SHA256))
    assert left_over(cache) == ["file.pt.part.json"]


def test_wrong_size_is_refused(server):
    with pytest.raises(InputError, match="gives 1024000 bytes, the published file has 7"):
        fetch(published(server.url(), size=7))


def test_web_page_in_the_place_of_a_file_is_refused(server):
    server.content = b"\n<!DOCTYPE html><title>Sign in</title>"
    with pytest.raises(InputError, match=r"gives a web page.*ask for access"):
        fetch(published(server.url()))


def test_file_put_by_hand_is_checked(cache):
    cache.mkdir(parents=True)
    (cache / "file.pt").write_bytes(b"another")
    with pytest.raises(InputError, match=r"file\.pt: SHA-256 .*, expected .*remove it"):
        fetch(published("http://127.0.0.1:9/", sha256=SHA256))
    (cache / "file.pt").write_bytes(CONTENT)
    assert fetch(published("http://127.0.0.1:9/", sha256=SHA256)).read_bytes() == CONTENT


def test_file_without_a_published_hash_has_to_stay_what_it_was(server, cache):
    entry = published(server.url())
    fetch(entry)
    (cache / "file.pt").write_bytes(CONTENT[:-1])
    with pytest.raises(InputError, match=f"expected {SHA256}: damaged or another file"):
        fetch(entry)


def test_checked_file_is_not_read_again(server, monkeypatch):
    entry = published(server.url())
    fetch(entry)
    monkeypatch.setattr("tts.core.download.sha256", lambda _: pytest.fail("hashed again"))
    fetch(entry)


def test_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TACOGLOW_CACHE", str(tmp_path / "file"))
    with pytest.raises(InputError, match="cannot be written or read"):
        fetch(published("http://127.0.0.1:9/"))


def test_cache_in_the_home_folder_of_nobody_is_named(monkeypatch):
    monkeypatch.setenv("TACOGLOW_CACHE", "~nobody-of-that-name/cache")
    with pytest.raises(InputError, match=r"TACOGLOW_CACHE=~nobody-of-that-name/cache: no folder"):
        fetch(published("http://127.0.0.1:9/"))


def test_folder_of_the_same_name_does_not_hide_it(cache, small_waveglow, tmp_path, monkeypatch):
    cache.mkdir(parents=True)
    torch.save(
        {"state_dict": to_nvidia_state_dict(small_waveglow)},
        cache / "waveglow_256channels_ljs_v3.pt",
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "waveglow_ljs_v3").mkdir()
    assert load("waveglow_ljs_v3").config == small_waveglow.config


def test_file_of_the_same_name_goes_before_it(cache, small_waveglow, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(small_waveglow, tmp_path / "waveglow_ljs_v3")
    assert load("waveglow_ljs_v3").config == small_waveglow.config


@pytest.mark.parametrize("name", ["a" * 5000, "b/" * 3000, f"{'c' * 300}.pt", "nul\0.pt", "nul\0"])
def test_name_that_no_file_can_have_is_one_line(name):
    for refused in (load, describe):
        with pytest.raises(InputError) as caught:
            refused(name)
        assert len(str(caught.value)) < 900
        assert str(caught.value).isprintable()


def test_name_loads_from_the_cache(cache, small_waveglow):
    cache.mkdir(parents=True)
    torch.save(
        {"state_dict": to_nvidia_state_dict(small_waveglow)},
        cache / "waveglow_256channels_ljs_v3.pt",
    )
    assert load("waveglow_ljs_v3").config == small_waveglow.config


def test_catalogue_knows_the_mel_contract_that_the_file_does_not_say(cache, small_tacotron2):
    cache.mkdir(parents=True)
    file = CATALOGUE["torchaudio_characters_wavernn"].file
    torch.save(to_nvidia_state_dict(small_tacotron2), cache / file)
    assert describe("torchaudio_characters_wavernn")["mel"]["hop_length"] == 275


def test_published_name_leaves_the_common_contract_to_be_filled_in(cache, small_waveglow, tmp_path):
    cache.mkdir(parents=True)
    torch.save(
        {"state_dict": to_nvidia_state_dict(small_waveglow)},
        cache / "waveglow_256channels_ljs_v3.pt",
    )
    assert describe("waveglow_ljs_v3")["mel"] is None
    lines = convert("waveglow_ljs_v3", tmp_path / "x.safetensors")
    assert any("mel contract not in the file; NVIDIA's" in line for line in lines)
    assert describe(tmp_path / "x.safetensors")["mel"] == MelConfig(n_mels=3).to_dict()


def separate_layers(network: WaveGlow) -> dict[str, torch.Tensor]:
    """Return the layout of March 2019, which the first release may also have had."""
    listed = {}
    for name, value in to_nvidia_state_dict(network).items():
        parts = value.chunk(network.config.n_layers) if ".cond_layer." in name else (value,)
        for i, part in enumerate(parts):
            listed[name.replace(".cond_layer.", f".cond_layers.{i}.")] = part
    return listed


def test_first_release_alternates_by_its_name(cache, small_waveglow, tmp_path, caplog):
    cache.mkdir(parents=True)
    network = WaveGlow(small_waveglow.config, n_channels=512, n_flows=1, n_layers=2)
    torch.save({"state_dict": separate_layers(network)}, cache / "waveglow_old.pt")
    assert load("waveglow_old").config.alternate_halves
    assert "assumed" not in caplog.text
    convert("waveglow_old", tmp_path / "x.safetensors")
    assert load(tmp_path / "x.safetensors").config.alternate_halves
    vocoder, _ = load_waveglow("waveglow_old")
    assert vocoder.network.config.alternate_halves
    assert not load("waveglow_old", alternate_halves=False).config.alternate_halves
    # the same file without its name does not say
    assert not load(cache / "waveglow_old.pt").config.alternate_halves


def test_512_channels_of_deep_learning_examples_are_no_guess(cache, small_waveglow, caplog):
    cache.mkdir(parents=True)
    network = WaveGlow(small_waveglow.config, n_channels=512, n_flows=1, n_layers=2)
    file = cache / CATALOGUE["dle_waveglow_fp32"].file
    torch.save({"state_dict": separate_layers(network)}, file)
    assert not load("dle_waveglow_fp32").config.alternate_halves
    assert "assumed" not in caplog.text


def test_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(InputError, match=r"waveglow_univ: no such .* did you mean waveglow_univ"):
        load("waveglow_univ")


@pytest.mark.parametrize("path", ["folder/name", "name.pt"])
def test_path_is_no_name(path):
    assert find(path) is None
    with pytest.raises(InputError, match="no such checkpoint"):
        load(path)


def test_entries_of_the_catalogue_are_complete():
    wrong = [
        name
        for name, entry in CATALOGUE.items()
        if not (entry.urls or fetch(entry).is_file())
        or not all(url.startswith("https://") for url in entry.urls)
        or os.path.basename(entry.file) != entry.file
        or entry.network not in ("Tacotron2", "WaveGlow")
    ]
    assert wrong == []


def test_files_of_the_catalogue_do_not_share_a_place():
    files = [entry.file for entry in CATALOGUE.values()]
    assert len(set(files)) == len(files)
    assert len(catalogue.CATALOGUE) == len(catalogue._ALL)


def test_cache_is_in_the_home_folder_by_default(monkeypatch, tmp_path):
    monkeypatch.delenv("TACOGLOW_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_dir() == tmp_path / ".cache" / "tacoglow" / "checkpoints"


def test_documentation_lists_the_catalogue():
    text = (REPO / "docs" / "checkpoints.md").read_text()
    table = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    assert [name for name in CATALOGUE if f"`{name}`" not in table] == []
    used = re.findall(r"(?:acoustic|vocoder|pretrained)=([a-z][\w.]*)", text)
    known = {*CATALOGUE, "griffin_lim", "last.ckpt"}
    assert {name for name in used if name not in known} == set()
