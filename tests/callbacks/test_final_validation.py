"""The end of a run is validated, wherever in an epoch it lies; a run that is stopped is not."""

import pytest
import torch

from tests.support.crashing import SMALL, Runs
from tts.core.errors import RunStopped

# an epoch has three batches, and a validation two
BASE = [option for option in SMALL if option != "trainer.max_epochs=3"]
END = {
    "max_steps inside the first epoch": (["trainer.max_epochs=-1", "trainer.max_steps=2"], [1]),
    "max_steps inside the second epoch": (["trainer.max_epochs=-1", "trainer.max_steps=4"], [2, 3]),
    "max_steps at the end of an epoch": (["trainer.max_epochs=-1", "trainer.max_steps=6"], [2, 5]),
    "an epoch without validation": (
        ["trainer.max_epochs=3", "trainer.check_val_every_n_epoch=2"],
        [5, 8],
    ),
    "between two validations in an epoch": (
        ["trainer.max_epochs=1", "trainer.val_check_interval=2"],
        [1, 2],
    ),
}


def make(folder, *options):
    return Runs(folder, "data.val_fraction=0.3", "data.val_batch_size=1", *options, base=BASE)


def validated(some, name):
    """Return the numbers of the steps with a validation in ``metrics.csv``."""
    return [int(row["step"]) for row in some.curves(name) if row.get("val/loss")]


@pytest.mark.parametrize(
    "case", [pytest.param(n, marks=[] if "first" in n else pytest.mark.slow) for n in END]
)
def test_the_end_of_a_run_is_validated(case, tmp_path):
    options, expected = END[case]
    some = make(tmp_path, *options)
    metrics = some.run("run")
    assert validated(some, "run") == expected
    assert metrics["val/loss"] > 0
    best = f"step_{expected[-1] + 1:07d}.ckpt"
    assert (tmp_path / "run" / "checkpoints" / best).is_file()


@pytest.mark.slow
def test_no_validation_set_means_no_validation(tmp_path):
    some = make(
        tmp_path, "trainer.max_steps=2", "trainer.limit_val_batches=0", "monitor=train/loss"
    )
    some.run("run")
    assert validated(some, "run") == []


@pytest.mark.slow
def test_a_run_with_more_steps_continues_exactly_after_the_validation_of_its_end(tmp_path):
    some = make(tmp_path, "trainer.max_epochs=-1", "trainer.max_steps=8")
    some.run("whole")
    shorter = make(tmp_path, "trainer.max_epochs=-1", "trainer.max_steps=4")
    shorter.run("extended")
    some.run("extended", resume=True)
    whole, extended = some.last("whole"), some.last("extended")
    for name, weight in whole["state_dict"].items():
        assert torch.equal(weight, extended["state_dict"][name]), name
    assert validated(some, "extended") == [2, 3, 5, 7]
    without = [row for row in some.curves("extended") if row["step"] != "3" or row["train/loss"]]
    assert without == some.curves("whole")


STOPPED = {
    # a signal inside an epoch ends the run without a validation
    "inside": ({"at": 2, "how": "SIGTERM"}, False),
    # and so it does in the last step, and in its validation
    "in the last step": ({"at": 4, "how": "SIGTERM"}, True),
    "in the last validation": ({"at": 3, "how": "SIGTERM", "where": "val"}, True),
}


@pytest.mark.parametrize(
    "case",
    [pytest.param(n, marks=[] if "step" in n else pytest.mark.slow) for n in STOPPED],
)
def test_a_run_that_is_stopped_is_validated_when_it_has_been_resumed(case, tmp_path):
    crash, owes = STOPPED[case]
    some = make(tmp_path, "trainer.max_epochs=-1", "trainer.max_steps=4")
    some.run("whole")
    with pytest.raises(RunStopped, match="ckpt_path=last resumes"):
        some.run("stopped", crash)
    assert 3 not in validated(some, "stopped")
    assert some.last("stopped")["resume_point"]["validate"] is owes
    some.run("stopped", resume=True)
    assert some.difference("whole", "stopped") is None


ONE_SECOND = [
    *("trainer.max_epochs=-1", "trainer.max_time=00:00:00:01"),
    *("trainer.check_val_every_n_epoch=100000", "callbacks.checkpoint.every_n_train_steps=null"),
]


@pytest.mark.slow
def test_a_run_whose_time_is_up_is_validated(tmp_path):
    some = make(tmp_path, *ONE_SECOND)
    some.run("run")
    assert validated(some, "run") == [some.last("run")["global_step"] - 1]


@pytest.mark.slow
def test_a_run_whose_time_is_up_makes_up_for_a_validation_that_a_signal_ended(tmp_path):
    some = make(tmp_path, *ONE_SECOND)
    with pytest.raises(RunStopped):
        some.run("stopped", {"at": 1, "how": "SIGTERM", "where": "val"})
    before = some.last("stopped")
    assert before["resume_point"]["validate"]
    some.run("stopped", resume=True)
    assert some.last("stopped")["global_step"] == before["global_step"]
    assert validated(some, "stopped") == [before["global_step"] - 1]
