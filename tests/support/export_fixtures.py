"""Makes tiny checkpoints and exports them once for all tests."""

from types import SimpleNamespace

import pytest
from filelock import FileLock

from tests.support.exporting import OPTIONS, options, tacotron2, tiny_description, waveglow
from tts import pretrained


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory):
    """Write files of a Tacotron 2 and of a WaveGlow with every option."""
    folder = tmp_path_factory.mktemp("checkpoints")
    files = {"acoustic": folder / "a.safetensors", "vocoder": folder / "v.safetensors"}
    speakers = {"speakers": ["ann", "bob", "cy"]}
    pretrained.save(
        tacotron2(**OPTIONS["Tacotron2"]),
        files["acoustic"],
        description={**tiny_description(), **speakers},
    )
    known = {**tiny_description(), "tokenizer": None}
    pretrained.save(waveglow(**OPTIONS["WaveGlow"]), files["vocoder"], description=known)
    return SimpleNamespace(**files)


@pytest.fixture(scope="session")
def exported(checkpoints, tmp_path_factory, worker_id):
    """Write a folder of ONNX files by the recipe, once for all workers, because it takes long."""
    pytest.importorskip("onnxruntime")
    from tts.export.recipe import export

    root = tmp_path_factory.getbasetemp()
    folder = (root if worker_id == "master" else root.parent) / "exported" / "voice"
    given = [f"acoustic={checkpoints.acoustic}", f"vocoder={checkpoints.vocoder}"]
    with FileLock(f"{folder.parent}.lock"):
        return folder if folder.is_dir() else export(options(*given, f"output={folder}"))
