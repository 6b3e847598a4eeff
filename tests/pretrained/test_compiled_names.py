"""State dicts of networks that ``torch.compile`` has compiled are read like those of plain ones."""

from __future__ import annotations

import pytest
import torch

from tests.support.checkpoint_files import assert_same_weights, lightning_checkpoint
from tts.models import Tacotron2
from tts.pretrained import load, save
from tts.pretrained.importers.nvidia_names import to_nvidia_state_dict
from tts.training.task import SpeechTask
from tts.training.warm_start import warm_start


def whole(name: str) -> str:
    return f"_orig_mod.{name}"


def part(name: str) -> str:
    return name.replace("encoder.", "encoder._orig_mod.")


def twice(name: str) -> str:
    return f"_orig_mod._orig_mod.{part(name)}"


def distributed(name: str) -> str:
    return f"module._orig_mod.{name}"


def distributed_inside(name: str) -> str:
    return f"_orig_mod.module.{name}"


def in_task(name: str) -> str:
    return name.replace("network.", "network._orig_mod.")


def renamed(state: dict[str, torch.Tensor], rename) -> dict[str, torch.Tensor]:
    changed = {rename(name): value for name, value in state.items()}
    assert changed.keys() != state.keys()
    return changed


@pytest.mark.parametrize("rename", [whole, part, twice, in_task])
def test_own_checkpoints(small_tacotron2, tmp_path, rename):
    content = lightning_checkpoint(small_tacotron2)
    content["state_dict"] = renamed(content["state_dict"], rename)
    torch.save(content, tmp_path / "x.ckpt")
    assert_same_weights(load(tmp_path / "x.ckpt"), small_tacotron2)


@pytest.mark.parametrize("rename", [whole, part, twice, distributed, distributed_inside])
def test_files_of_other_projects(small_tacotron2, tmp_path, rename):
    state = renamed(to_nvidia_state_dict(small_tacotron2), rename)
    torch.save({"state_dict": state}, tmp_path / "x.pt")
    assert_same_weights(load(tmp_path / "x.pt"), small_tacotron2)
    other = Tacotron2(small_tacotron2.config)
    assert warm_start(other, tmp_path / "x.pt").n_loaded == len(other.state_dict())
    assert_same_weights(other, small_tacotron2)


@pytest.mark.parametrize("format", ["safetensors", "nvidia"])
@pytest.mark.parametrize("only_encoder", [False, True])
def test_a_compiled_network_is_saved_under_the_plain_names(
    small_tacotron2, tmp_path, format, only_encoder
):
    compiled = Tacotron2(small_tacotron2.config)
    compiled.load_state_dict(small_tacotron2.state_dict())
    if only_encoder:
        compiled.encoder = torch.compile(compiled.encoder, backend="eager")
    else:
        compiled = torch.compile(compiled, backend="eager")
    save(compiled, tmp_path / "x", format)
    assert_same_weights(load(tmp_path / "x"), small_tacotron2)


@pytest.mark.parametrize("is_compiled", [False, True])
@pytest.mark.parametrize("was_compiled", [False, True])
def test_a_run_resumes_with_or_without_compilation(small_tacotron2, was_compiled, is_compiled):
    def task(compiled: bool) -> SpeechTask:
        network = Tacotron2(small_tacotron2.config)
        return SpeechTask(
            torch.compile(network, backend="eager") if compiled else network, torch.optim.SGD
        )

    before, now = task(was_compiled), task(is_compiled)
    checkpoint = {"state_dict": before.state_dict(), "current_model_state": before.state_dict()}
    now.on_load_checkpoint(checkpoint)
    for key in ("state_dict", "current_model_state"):
        now.load_state_dict(checkpoint[key])
    assert all(
        torch.equal(value, other)
        for value, other in zip(before.parameters(), now.parameters(), strict=True)
    )
