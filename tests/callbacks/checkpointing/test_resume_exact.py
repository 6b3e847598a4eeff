"""A run that is killed and resumed equals the run that was never killed, bit for bit."""

import random
import time
from pathlib import Path

import pytest

from tests.support.crashing import SMALL, Crashed, Runs
from tests.support.thorough import repeats

#: The case of the default tier; the others are slow.
FAST = "val_inside_epoch"
OPTIONS = {
    "val_inside_epoch": [
        "trainer.val_check_interval=2",
        "data.val_fraction=0.3",
        "callbacks.checkpoint.every_n_train_steps=2",
    ],
    "by_max_steps_with_guidance_that_ends": [
        "trainer.max_epochs=-1",
        "trainer.max_steps=8",
        "loss.guided_weight=1",
        "loss.guided_until=0.5",
    ],
    "after_validation_only": ["callbacks.checkpoint.every_n_train_steps=null"],
    # the end of the epoch cuts one accumulation off, and a validation falls into another
    "accumulation": [
        "trainer.accumulate_grad_batches=2",
        "trainer.val_check_interval=1",
        "model.batch_size=1",
        "trainer.limit_train_batches=5",
    ],
    "critic": ["loss.critic_weight=1", "callbacks.checkpoint.every_n_train_steps=2"],
    "token_budget": ["data.frames_per_batch=400", "model.batch_size=8"],
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return ``Runs`` of some options with a finished run called "whole", made once for each."""
    made = {}

    def get(*options):
        if options not in made:
            made[options] = Runs(tmp_path_factory.mktemp("runs"), *options)
            made[options].run("whole")
        return made[options]

    return get


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(options, id=name, marks=[] if name == FAST else pytest.mark.slow)
        for name, options in OPTIONS.items()
    ],
)
def test_resumed_equals_uninterrupted(options, runs):
    some = runs(*options)
    for crash in ({"at": 2}, {"at": 1, "where": "val"}, {"at": 3}):
        with pytest.raises(Crashed):
            some.run("killed", crash, resume=some.interrupted("killed"))
    some.run("killed", resume=some.interrupted("killed"))
    assert some.difference("whole", "killed") is None


SPOKEN = ["loss.spoken_weight=1", "loss.band_weight=1", "loss.critic_weight=1"]


@pytest.mark.parametrize(
    "losses",
    [pytest.param([], id="likelihood"), pytest.param(SPOKEN, id="spoken", marks=pytest.mark.slow)],
)
def test_waveglow_resumes_exactly(losses, tmp_path):
    waveglow = [
        "model=waveglow_compact",
        "model.network.n_flows=2",
        "model.network.n_layers=2",
        "model.network.n_channels=8",
        "model.datamodule.segment_length=2048",
    ]
    waveglow += losses
    base = [option for option in SMALL if not option.startswith(("model", "audio"))]
    some = Runs(tmp_path, *waveglow, "model.batch_size=2", base=base)
    some.run("whole")
    with pytest.raises(Crashed):
        some.run("killed", {"at": 6})
    some.run("killed", resume=True)
    assert some.difference("whole", "killed") is None


@pytest.mark.parametrize("workers", [pytest.param(0, marks=pytest.mark.slow), 2])
@pytest.mark.parametrize(
    "seed",
    [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, repeats(2, 5)))],
)
def test_killed_at_a_random_step(seed, workers, runs):
    some = runs(f"data.num_workers={workers}")
    at = random.Random(seed).randint(1, 11)
    assert some.finish(f"killed{seed}", crash={"at": at, "how": "SIGKILL"}) == [-9]
    some.run(f"killed{seed}", resume=at > 1)
    assert some.difference("whole", f"killed{seed}") is None


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(repeats(2, 5)))
def test_killed_with_two_processes(seed, tmp_path):
    some = Runs(tmp_path, "model.batch_size=1", f"data.num_workers={2 * (seed % 2)}")
    chance = random.Random(seed)
    crash = {"at": chance.randint(2, 11), "how": "SIGKILL", "rank": chance.randint(0, 1)}
    assert some.finish("whole", ranks=2) == [0, 0]
    assert -9 in some.finish("killed", crash=crash, ranks=2)
    assert some.finish("killed", resume=True, ranks=2) == [0, 0]
    assert some.difference("whole", "killed") is None


def test_killed_while_a_checkpoint_is_written(runs):
    some = runs("data.num_workers=0")
    crash = {"at": 3, "where": "write", "how": "SIGKILL"}
    assert some.finish("writing", crash=crash) == [-9]
    folder = some.root / "writing" / "checkpoints"
    assert list(folder.glob("*.tmp"))
    some.run("writing", resume=True)
    assert some.difference("whole", "writing") is None
    assert not list(folder.glob("*.tmp"))


@pytest.mark.slow
def test_best_checkpoints_are_those_of_the_uninterrupted_run(runs):
    some = runs("data.num_workers=0")
    with pytest.raises(Crashed):
        some.run("best", {"at": 2, "where": "val"})
    some.run("best", resume=True)
    names = {path.name for path in (some.root / "best" / "checkpoints").iterdir()}
    assert names == {path.name for path in (some.root / "whole" / "checkpoints").iterdir()}
    assert names == {"last.ckpt", "previous.ckpt", *(f"step_000000{n}.ckpt" for n in (3, 6, 9))}
    (state,) = (s for key, s in some.last("best")["callbacks"].items() if key.startswith("Check"))
    assert {Path(path).name for path in state["best_k_models"]} < names


@pytest.mark.slow
def test_skipped_batches_are_not_read(runs, monkeypatch):
    from tts.data.loading.datasets import TextMelDataset

    some = runs("data.num_workers=0")
    with pytest.raises(Crashed):
        some.run("skipping", {"at": 4})
    read = []
    get = TextMelDataset.__getitem__
    monkeypatch.setattr(
        TextMelDataset, "__getitem__", lambda self, i: read.append((len(self), i)) or get(self, i)
    )
    with pytest.raises(Crashed):
        some.run("skipping", {"at": 1}, resume=True)
    train = [item for item in read if item[0] > 1]
    assert len(train) == 2  # one batch


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_many_kills_in_a_row_lose_nothing(tmp_path):
    chance, n_kills = random.Random(0), repeats(6, 50)
    some = Runs(tmp_path, "trainer.max_epochs=-1", f"trainer.max_steps={6 * n_kills}")
    some.run("whole")
    steps = [0]
    for _ in range(n_kills):
        (process,) = some.start("killed", resume=some.interrupted("killed"))
        # by what is done and not by the time, so that slow machines are killed there, too
        goal = steps[-1] + chance.randint(1, 4)
        while process.is_alive() and some.step("killed") < goal:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.03))
        assert process.exitcode in (None, 0)
        process.kill()
        process.join()
        steps.append(some.step("killed"))
    assert steps == sorted(steps)
    assert steps[-1] >= n_kills
    some.run("killed", resume=True)
    assert some.difference("whole", "killed") is None
