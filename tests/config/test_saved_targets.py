"""Options in the folder of a run: they may name no class that the user does not know of."""

from contextlib import nullcontext

import pytest
from omegaconf import OmegaConf

from tts.config import compose
from tts.config.overrides import load_overrides, save_overrides
from tts.config.saved_targets import check_saved_targets, is_harmless
from tts.core.errors import InputError

TYPED = ["ckpt_path=last"]
SAVED = ["data=synthetic", "model=waveglow_compact", "data.root=/a/b c", "model.lr=1e-3", "seed=7"]
HARMLESS = [
    "tts.callbacks.EMA",
    "tts.models.Tacotron2",
    "tts.data.Processing",
    "pytorch_lightning.callbacks.EarlyStopping",
    "pytorch_lightning.loggers.CSVLogger",
    "torch.optim.SGD",
]
FOREIGN = [
    *("os.system", "subprocess.run", "mine.Bar", "builtins.eval", "torch.load", "torch.hub.load"),
    # what our modules import, and functions
    *(
        "tts.callbacks.stop_on_signal.suppress",
        "tts.callbacks.progress_bar",
        "torch.optim.adam.torch.load",
    ),
    *("tts.core.files.replacing", "tts.callbacks.checkpointing.checkpoint.shutil.rmtree"),
]
CALL = "+callbacks.mine={_target_: os.system, command: ls}"


def test_only_classes_of_the_project_and_of_its_libraries_are_harmless():
    assert [name for name in HARMLESS if not is_harmless(name)] == []
    assert [name for name in FOREIGN if is_harmless(name)] == []


def test_a_foreign_class_of_a_run_folder_is_called_only_if_the_user_repeats_it():
    harmless = "+callbacks.ema._target_=tts.callbacks.EMA"
    with pytest.raises(InputError, match=r"name os\.system, .*repeat '\+callbacks\.mine="):
        check_saved_targets("runs/voice", [*SAVED, harmless, CALL], TYPED, compose)
    check_saved_targets("runs/voice", [*SAVED, harmless], [*TYPED, CALL], compose)


def test_usual_options_need_no_further_composition():
    def never(options):
        raise AssertionError

    check_saved_targets("runs/voice", SAVED, TYPED, never)


@pytest.mark.parametrize(
    ("option", "is_refused"),
    [("experiment=my_voice", False), ("experiment=../../evil", True), ("experiment=/evil", True)],
)
def test_files_of_conf_are_trusted_and_other_files_are_not(option, is_refused):
    def composed(options):
        mine = {"mine": {"_target_": "os.system"}} if option in options else {}
        return OmegaConf.create({"callbacks": mine})

    # a name with braces, so that the classes are looked at
    saved = ["name='{x}'", option]
    with pytest.raises(InputError, match=r"os\.system") if is_refused else nullcontext():
        check_saved_targets("runs/voice", saved, TYPED, composed)


def test_options_of_hydra_in_a_run_folder_have_no_effect(tmp_path):
    (tmp_path / "overrides.yaml").write_text("[seed=1, 'hydra.searchpath=[/evil]', +hydra.x=1]")
    assert load_overrides(tmp_path, ["a=1"]) == ["seed=1", "a=1"]


@pytest.mark.parametrize(
    "content",
    [b"{a: 1}", b"[1, 2]", b"[a=1", b"\xff\xfe", b"!!python/object/apply:os.system [ls]", b"x"],
)
def test_damaged_options_of_a_run_are_one_line(content, tmp_path):
    (tmp_path / "overrides.yaml").write_bytes(content)
    with pytest.raises(InputError, match=r"overrides\.yaml: .*; remove the file, and"):
        load_overrides(tmp_path, [])


def test_options_are_kept(tmp_path):
    save_overrides(tmp_path, ["seed=1", "name=a b", "ckpt_path=last"])
    assert load_overrides(tmp_path, ["b=2"]) == ["seed=1", "name=a b", "b=2"]
