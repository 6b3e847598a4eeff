"""Refuses files that would run code, are damaged, or are no checkpoints."""

from __future__ import annotations

import io
import pickle
import sys
import tarfile
import warnings
import zipfile
from pathlib import Path

import pytest
import torch

from tts.core.errors import InputError
from tts.pretrained import describe, load, save
from tts.pretrained.importers.nvidia_names import to_nvidia_state_dict
from tts.pretrained.importers.stubs import LEGACY_MAGIC


class Call:
    """Pickles to a call of a function."""

    def __init__(self, function, *args) -> None:
        self.call = (function, args)

    def __reduce__(self):
        return self.call


def write_zip(path: Path, content: object) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(content, protocol=2))
        archive.writestr("archive/version", "3\n")


def write_legacy(path: Path, content: object) -> None:
    parts = [LEGACY_MAGIC, 1001, {"little_endian": True}, content, []]
    path.write_bytes(b"".join(pickle.dumps(part, protocol=2) for part in parts))


WRITERS = {"zip": write_zip, "legacy": write_legacy}
CALLS = {
    "open": lambda mark: Call(open, mark, "w"),
    "exec": lambda mark: Call(exec, f"open({mark!r}, 'w').close()"),
    "getattr": lambda mark: Call(getattr, Path(mark), "touch"),
    "torch.save": lambda mark: Call(torch.save, 1, mark),
    "torch.load": lambda mark: Call(torch.load, mark),
    "pathlib": lambda mark: Path(mark),
}


@pytest.mark.parametrize("container", WRITERS)
@pytest.mark.parametrize("call", CALLS)
def test_file_that_would_run_code_is_refused(tmp_path, container, call):
    mark = tmp_path / "ran"
    WRITERS[container](tmp_path / "bad.pt", {"state_dict": CALLS[call](str(mark))})
    with pytest.raises(InputError, match=r"bad\.pt: refused: the file names '[\w.]+'") as caught:
        load(tmp_path / "bad.pt")
    assert not mark.exists()
    assert "\n" not in str(caught.value)


def test_refusal_is_what_keeps_the_code_from_running(tmp_path):
    """The same file does run under an ordinary unpickler: the test above can fail."""
    mark = tmp_path / "ran"
    write_legacy(tmp_path / "bad.pt", CALLS["exec"](str(mark)))
    with (tmp_path / "bad.pt").open("rb") as stream:
        for _ in range(4):
            pickle.load(stream)
    assert mark.exists()


def test_code_next_to_a_real_waveglow_is_refused(small_waveglow, glow_files, tmp_path, monkeypatch):
    path, mark = tmp_path / "waveglow.pt", tmp_path / "ran"
    real_save = torch.save

    def save_with_extra(content, *args, **kwargs):
        real_save({**content, "extra": CALLS["open"](str(mark))}, *args, **kwargs)

    monkeypatch.setattr(torch, "save", save_with_extra)
    glow_files.write(path, to_nvidia_state_dict(small_waveglow), stride=256)
    mark.unlink(missing_ok=True)
    with pytest.raises(InputError, match=r"names '(io|_io|builtins|__builtin__)\.open'"):
        load(path)
    assert not mark.exists()


def test_class_that_the_file_names_is_never_imported(
    small_waveglow, glow_files, tmp_path, monkeypatch
):
    path, mark = tmp_path / "waveglow.pt", tmp_path / "imported"
    glow_files.write(path, to_nvidia_state_dict(small_waveglow), stride=256)
    (glow_files.folder / "glow.py").write_text(f"open({str(mark)!r}, 'w').close()")
    monkeypatch.syspath_prepend(glow_files.folder)
    load(path)
    assert not mark.exists()
    assert "glow" not in sys.modules


def test_file_cannot_alter_what_later_files_are_read_with(tmp_path):
    # GLOBAL, then BUILD with a state of attributes: how a pickle rewrites a function
    name = b"ctorch._utils\n_rebuild_tensor_v2\n"
    state = b"N}U\x0c__defaults__(K\x01ts\x86"  # (None, {"__defaults__": (1,)})
    hostile = b"\x80\x02" + name + state + b"b."
    before = torch._utils._rebuild_tensor_v2.__defaults__
    pickle.loads(hostile)
    assert torch._utils._rebuild_tensor_v2.__defaults__ != before  # the attack is one
    torch._utils._rebuild_tensor_v2.__defaults__ = before
    with zipfile.ZipFile(tmp_path / "bad.pt", "w") as archive:
        archive.writestr("archive/data.pkl", hostile)
        archive.writestr("archive/version", "3\n")
    with pytest.raises(InputError):
        load(tmp_path / "bad.pt")
    assert torch._utils._rebuild_tensor_v2.__defaults__ == before


def test_reading_a_pickled_waveglow_runs_no_stub_of_torch(small_waveglow, glow_files, tmp_path):
    path = tmp_path / "waveglow.pt"
    glow_files.write(path, to_nvidia_state_dict(small_waveglow), stride=256)
    modules = set(sys.modules)
    load(path)
    assert not {name for name in set(sys.modules) - modules if "glow" in name}


def saved(kind: str, folder: Path, network, glow_files) -> Path:
    path = folder / f"whole.{kind}"
    if kind == "safetensors":
        save(network, path)
    elif kind.startswith("pickled"):
        glow_files.write(path, to_nvidia_state_dict(network), stride=256, legacy="legacy" in kind)
    else:
        torch.save(
            {"state_dict": to_nvidia_state_dict(network)},
            path,
            _use_new_zipfile_serialization="legacy" not in kind,
        )
    return path


KINDS = ["safetensors", "plain_zip", "plain_legacy", "pickled_zip", "pickled_legacy"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 0.999])
def test_truncated_file_is_named(small_waveglow, glow_files, tmp_path, kind, share):
    whole = saved(kind, tmp_path, small_waveglow, glow_files).read_bytes()
    (tmp_path / "part.pt").write_bytes(whole[: max(12, int(len(whole) * share))])
    with pytest.raises(InputError, match=r"part\.pt: .*(truncated|damaged)") as caught:
        load(tmp_path / "part.pt")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_whole_file_of_that_kind_loads(small_waveglow, glow_files, tmp_path, kind):
    assert load(saved(kind, tmp_path, small_waveglow, glow_files)).config == small_waveglow.config


def test_reading_warns_of_nothing(small_waveglow, glow_files, tmp_path):
    path = saved("pickled_legacy", tmp_path, small_waveglow, glow_files)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(path)


@pytest.mark.parametrize("content", [b"\x00" * 700, b"RIFF\x24\x00\x00\x00WAVEfmt ", b"hello\n"])
def test_something_else_is_not_a_checkpoint(tmp_path, content):
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.pt: truncated, damaged or not a checkpoint; copy"):
        describe(tmp_path / "x.pt")


def test_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.pt: no such checkpoint"):
        load(tmp_path / "gone.pt")


def test_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="a folder; name the checkpoint file in it"):
        load(tmp_path)


def test_empty_file_is_named(tmp_path):
    (tmp_path / "x.pt").touch()
    with pytest.raises(InputError, match=r"x\.pt: the file is empty"):
        load(tmp_path / "x.pt")


def test_torchscript_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "script.pt", "w") as archive:
        archive.writestr("script/data.pkl", b"")
        archive.writestr("script/constants.pkl", b"")
    with pytest.raises(InputError, match="a TorchScript archive holds code"):
        load(tmp_path / "script.pt")


def test_zip_of_something_else_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(InputError, match="a zip archive, but not a checkpoint of torch"):
        load(tmp_path / "x.zip")


def test_tar_is_refused(tmp_path):
    with tarfile.open(tmp_path / "x.nemo", "w") as archive:
        info = tarfile.TarInfo("model_weights.ckpt")
        info.size = 5
        archive.addfile(info, io.BytesIO(b"hello"))
    with pytest.raises(InputError, match="a tar archive"):
        load(tmp_path / "x.nemo")


def test_content_that_is_no_dictionary_is_refused(tmp_path):
    torch.save([1, 2], tmp_path / "x.pt")
    with pytest.raises(InputError, match=r"x\.pt: holds list"):
        load(tmp_path / "x.pt")


def test_unknown_layout_names_the_keys_of_the_file(tmp_path):
    state = {f"layer{i}.weight": torch.zeros(1) for i in range(7)}
    torch.save({"state_dict": state, "epoch": 1}, tmp_path / "x.pt")
    with pytest.raises(
        InputError, match=r"x\.pt: neither .*; keys: layer0\.weight, .*, layer4\.weight and 2 more"
    ):
        load(tmp_path / "x.pt")
