"""Checks that the command writes a complete folder or nothing, and one line for every mistake."""

import json
import os
import subprocess
import sys

import pytest

from tests.support.exporting import MEL, OPTIONS, options, tacotron2, tiny_description, waveglow
from tests.support.paths import REPO
from tts import pretrained
from tts.config import resolved
from tts.config.command_ranges import EXPORT
from tts.config.schema import check_values
from tts.core.errors import InputError, TrainingError
from tts.core.files import own_folder
from tts.export import recipe
from tts.export.acoustic import acoustic_modules
from tts.export.folder import is_export

PARTS = ["encoder", "decoder_step", "postnet", "waveglow"]


def replacing_folder(folder):
    return own_folder(folder, is_export, "an export")


def refused(*overrides):
    with pytest.raises(InputError) as caught:
        recipe.export(options(*overrides))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_folder_holds_the_parts_and_their_description(exported):
    files = {f"{name}.onnx" for name in PARTS} | {"description.json"}
    assert {path.name for path in exported.iterdir()} == files
    assert [path.name for path in exported.parent.iterdir()] == [exported.name]


@pytest.mark.parametrize("name", PARTS)
def test_the_description_names_what_the_files_take_and_give(exported, name):
    import onnxruntime

    part = json.loads((exported / "description.json").read_text())["parts"][name]
    session = onnxruntime.InferenceSession(exported / part["file"])
    for described, actual in (
        (part["inputs"], session.get_inputs()),
        (part["outputs"], session.get_outputs()),
    ):
        assert [entry["name"] for entry in described] == [entry.name for entry in actual]
        types = {"float32": "tensor(float)", "int64": "tensor(int64)"}
        assert [types[entry["dtype"]] for entry in described] == [entry.type for entry in actual]
    assert part["inputs"][0]["shape"] == session.get_inputs()[0].shape


def test_the_description_has_what_a_programme_needs(exported):
    known = json.loads((exported / "description.json").read_text())
    assert known["mel"] == MEL.to_dict()
    assert known["acoustic"]["speakers"] == ["ann", "bob", "cy"]
    assert known["acoustic"]["tokenizer"] == tiny_description()["tokenizer"]
    assert known["acoustic"]["n_frames_per_step"] == OPTIONS["Tacotron2"]["n_frames_per_step"]
    assert len(known["vocoder"]["denoiser"]["bias"]) == MEL.n_fft // 2 + 1
    assert all(part["difference"] < 1e-4 for part in known["parts"].values())


def test_no_path_of_this_machine_is_in_the_files(exported):
    for path in exported.iterdir():
        assert b"site-packages" not in path.read_bytes(), path.name


@pytest.fixture
def only(monkeypatch):
    """Let the recipe export one part of a network without options: only("postnet")."""

    def restrict(name):
        part = next(part for part in acoustic_modules(tacotron2()) if part.name == name)
        monkeypatch.setattr(recipe, "exported_modules", lambda networks: [part])
        return part

    return restrict


@pytest.mark.slow
def test_int8_is_measured_and_keeps_the_small_products(checkpoints, tmp_path, capsys, only):
    onnx = pytest.importorskip("onnx")
    only("decoder_step")
    folder = tmp_path / "small"
    given = [f"acoustic={checkpoints.acoustic}", f"output={folder}", "precision=int8"]
    recipe.export(options(*given))
    kinds = [node.op_type for node in onnx.load(folder / "decoder_step.onnx").graph.node]
    # two products in each LSTM
    assert kinds.count("MatMulInteger") == 4
    measured = json.loads((folder / "description.json").read_text())["parts"]["decoder_step"]
    assert measured["difference"] < 1e-4 < measured["int8_difference"] < 0.2
    assert "with 8 bits by" in capsys.readouterr().out


def test_an_export_for_torch_needs_no_onnx(checkpoints, tmp_path, monkeypatch, only):
    for name in ("onnx", "onnxscript", "onnxruntime"):
        monkeypatch.setitem(sys.modules, name, None)
    only("postnet")
    folder = tmp_path / "programs"
    recipe.export(options(f"acoustic={checkpoints.acoustic}", f"output={folder}", "format=torch"))
    assert {path.name for path in folder.iterdir()} == {"postnet.pt2", "description.json"}


def test_a_wrong_file_ends_the_export_with_nothing_left(checkpoints, tmp_path, only):
    only("postnet").module.mean += 0.01
    given = [f"acoustic={checkpoints.acoustic}", f"output={tmp_path}/out", "format=torch"]
    with pytest.raises(TrainingError, match=r"^postnet.pt2: differs from the network by"):
        recipe.export(options(*given))
    assert not list(tmp_path.iterdir())


def test_a_folder_with_something_else_is_refused(checkpoints, tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    message = refused(f"acoustic={checkpoints.acoustic}", f"output={tmp_path}")
    assert message == f"{tmp_path}: holds something else than an export; choose another folder"
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_an_older_export_is_replaced(tmp_path):
    folder = tmp_path / "out"
    for text in ("first", "second"):
        with replacing_folder(folder) as temporary:
            (temporary / "part").write_text(text)
            about = {"kind": "tacoglow export", "parts": {"a": {"file": "part"}}}
            (temporary / "description.json").write_text(json.dumps(about))
    assert (folder / "part").read_text() == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_export_with_a_foreign_file_is_not_replaced(tmp_path):
    about = {"kind": "tacoglow export", "parts": {"a": {"file": "part"}}}
    (tmp_path / "description.json").write_text(json.dumps(about))
    (tmp_path / "mine.txt").write_text("keep")
    with (
        pytest.raises(InputError, match="something else"),
        replacing_folder(tmp_path),
    ):
        pass


@pytest.mark.parametrize("content", ["[]", "{", '{"parts": 3}', "", '{"kind": "tacoglow export"}'])
def test_a_strange_description_is_something_else(tmp_path, content):
    (tmp_path / "description.json").write_text(content)
    with pytest.raises(InputError, match="something else"), replacing_folder(tmp_path):
        pass


def test_parents_are_made_at_the_end(tmp_path):
    with replacing_folder(tmp_path / "a" / "b") as temporary:
        assert [path.name for path in tmp_path.iterdir()] == [temporary.name]
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "b"]


def test_what_fails_half_way_leaves_the_older_export(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    with (
        pytest.raises(InputError, match="cannot be written"),
        replacing_folder(folder) as temporary,
    ):
        (temporary / "missing" / "part").write_text("half")
    assert [path.name for path in tmp_path.rglob("*")] == ["out"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([], "nothing to export: set acoustic=CKPT, vocoder=CKPT or both"),
        (["vocoder=griffin_lim"], "vocoder=griffin_lim: has no network to export"),
        (["acoustic=a", "output=null"], "output=null: name a folder"),
        (["acoustic=a", "format=tflite"], "format=tflite: it must be one of onnx, torch"),
        (["acoustic=a", "precision=int4"], "precision=int4: it must be one of float32, int8"),
        (["acoustic=a", "opset=9"], "opset=9: it must be a whole number from 18 to 23"),
        (["acoustic=a", "format=torch", "precision=int8"], "precision=int8: is for format=onnx"),
        (["vocoder=v", "precision=int8"], "precision=int8: is for the decoder step"),
        (["acoustic=nowhere.ckpt"], "acoustic=nowhere.ckpt: no such checkpoint"),
    ],
)
def test_a_mistake_is_one_line(overrides, message, tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)
    assert refused(*overrides).startswith(message)
    assert not list(tmp_path.iterdir())


def test_the_wrong_network_is_refused(checkpoints, tmp_path):
    pytest.importorskip("onnxruntime")
    message = refused(f"acoustic={checkpoints.vocoder}", f"output={tmp_path}/out")
    assert "holds a WaveGlow; a Tacotron2 is needed here" in message


def test_networks_of_different_mels_are_refused(checkpoints, tmp_path):
    pytest.importorskip("onnxruntime")
    mel = type(MEL)(**{**MEL.to_dict(), "sample_rate": 16000})
    known = {**tiny_description(mel), "tokenizer": None}
    pretrained.save(waveglow(), tmp_path / "other.safetensors", description=known)
    given = [f"acoustic={checkpoints.acoustic}", f"vocoder={tmp_path}/other.safetensors"]
    message = refused(*given, f"output={tmp_path}/out")
    assert "different mels: sample_rate" in message
    assert "one by one" in message


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "find_spec", lambda name: None)
    message = refused("acoustic=voice_acoustic", f"output={tmp_path}/out")
    assert message.startswith("format=onnx needs onnx and onnxscript and onnxruntime: pip install")


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "out").write_text("")
    message = refused("acoustic=voice_acoustic", f"output={tmp_path}/out")
    assert message == f"{tmp_path}/out: is a file; name a folder"


def test_the_command_reports_in_one_line_and_status(tmp_path):
    command = [sys.executable, "-m", "tts.export", "acoustik=a.ckpt"]
    env = {**os.environ, "PYTHONPATH": str(REPO)}
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env)
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert "did you mean 'acoustic'?" in run.stderr
    assert not list(tmp_path.iterdir())


def test_every_key_that_is_checked_exists():
    config = resolved(options())
    check_values(config, EXPORT)
    assert set(EXPORT) <= set(config)


def test_a_network_without_speakers_takes_none():
    assert list(acoustic_modules(tacotron2())[0].inputs) == ["text", "text_lengths"]
