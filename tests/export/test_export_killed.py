"""A kill during an export leaves the former folder, the new one or none, never a part of one."""

from __future__ import annotations

import json

import pytest

from tests.support.exporting import options
from tests.support.killing import killed_at_moments
from tts.core.download import sha256
from tts.core.errors import InputError
from tts.export import recipe
from tts.export.runtime import OnnxSynthesizer


def is_whole(folder) -> bool:
    described = json.loads((folder / "description.json").read_text())["parts"].values()
    named = {part["file"]: part["sha256"] for part in described}
    return named == {path.name: sha256(path) for path in folder.iterdir() if path.name in named}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_kill_leaves_a_whole_export_or_none(checkpoints, tmp_path):
    folder = tmp_path / "out" / "voice"
    given = [f"acoustic={checkpoints.acoustic}", "format=torch", f"output={folder}"]

    def work():
        recipe.export(options(*given))

    for moment in killed_at_moments(work, 8):
        assert not folder.exists() or is_whole(folder), moment
    work()
    assert is_whole(folder)
    assert [path.name for path in folder.parent.iterdir()] == ["voice"]


def damaged(path, kind):
    content = bytearray(path.read_bytes())
    if kind == "cut off":
        del content[len(content) // 2 :]
    elif kind == "bit":
        content[len(content) // 2] ^= 1
    path.unlink()
    if kind != "gone":
        path.write_bytes(bytes(content))


@pytest.mark.parametrize("kind", ["cut off", "bit", "gone"])
@pytest.mark.parametrize("has_hash", [True, False], ids=["hash", "no hash"])
def test_a_damaged_export_is_one_line(kind, has_hash, exported, tmp_path):
    folder = tmp_path / "voice"
    folder.mkdir()
    for path in exported.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    if not has_hash:
        if kind == "bit":
            pytest.skip("ONNX files of earlier versions have no hash")
        text = (folder / "description.json").read_text()
        (folder / "description.json").write_text(text.replace('"sha256"', '"other"'))
    damaged(folder / "encoder.onnx", kind)
    with pytest.raises(InputError, match=r"encoder\.onnx: .*; copy the folder again, or") as caught:
        OnnxSynthesizer(folder)
    assert "\n" not in str(caught.value)
