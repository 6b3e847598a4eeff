"""A value that is not legal is one line that names the key, before anything is built."""

import pytest

from tts.config import compose, conf_dir, resolved
from tts.config.schema import SYNTHESIS, TRAINING, Choice, Duration, Number, check_values
from tts.core.errors import InputError

TONES = ["data=synthetic", "data.engine=tones"]
WRONG = {
    "seed=1.5": "a whole number from 0 to 4294967295",
    "seed=99999999999": "a whole number from 0",
    "seed=true": "a whole number from 0",
    "matmul_precision=foo": "one of highest, high, medium",
    "monitor_mode=best": "one of min, max",
    "data.batch_size=0": "a whole number, 1 or more, or null",
    "data.frames_per_batch=abc": "a whole number, 1 or more, or null",
    "data.bucket_batches=0": "a whole number, 1 or more",
    "data.num_workers=-1": "a whole number, 0 or more",
    "data.resample=perhaps": "one of true, false",
    "data.min_seconds=abc": "a number, 0 or more",
    "data.max_seconds=0": "a number above 0 or null",
    "data.on_error=maybe": "one of raise, skip",
    "data.val_fraction=2": "a number from 0 to 1",
    "data.minutes=abc": "a number above 0",
    "model.optimizer.lr=abc": "a number, 0 or more",
    "model.optimizer.lr=null": "a number, 0 or more",
    "model.scale_lr=cubic": "one of none, linear, sqrt",
    "model.network.prenet_dim=abc": "a whole number, 1 or more",
    "model.network.encoder_dropout=abc": "a number from 0 to 1",
    "loss.guided_weight=abc": "a number, 0 or more",
    "loss.guided_until=1.1": "a number from 0 to 1",
    "trainer.precision=foo": "one of 32-true, 16-mixed, bf16-mixed",
    "trainer.max_epochs=abc": "a whole number, -1 or more, or null",
    "trainer.max_steps=1.5": "a whole number, -1 or more",
    "trainer.max_time=5": "days:hours:minutes:seconds",
    "trainer.num_nodes=0": "a whole number, 1 or more",
    "trainer.accumulate_grad_batches=0": "a whole number, 1 or more",
    "trainer.gradient_clip_val=abc": "a number, 0 or more, or null",
    "trainer.log_every_n_steps=0": "a whole number, 1 or more",
    "trainer.deterministic=7": "one of true, false, warn",
    "callbacks.checkpoint.save_top_k=-5": "a whole number, -1 or more",
    "init_from=3": "a name or a path, or null",
    "ckpt_path=true": "a name or a path, or null",
    "model.datamodule.corpus=3": "a section with keys of its own",
    "model.network=null": "a section with keys of its own",
    "callbacks.guard.patience=abc": "a whole number, 1 or more",
}


@pytest.mark.parametrize("override", WRONG)
def test_a_wrong_value_is_named_with_what_is_legal(override):
    config = resolved(compose([*TONES, override]))
    with pytest.raises(InputError) as error:
        check_values(config, TRAINING)
    assert str(error.value).startswith(f"{override}: it must be {WRONG[override]}")


@pytest.mark.parametrize("model", ["tacotron2", "waveglow"])
@pytest.mark.parametrize("option", sorted(p.stem for p in (conf_dir() / "callbacks").glob("*")))
def test_what_is_shipped_is_legal(model, option):
    check_values(resolved(compose([*TONES, f"model={model}", f"callbacks={option}"])), TRAINING)


@pytest.mark.parametrize("name", sorted(p.stem for p in (conf_dir() / "experiment").glob("*")))
def test_experiments_are_legal(name):
    check_values(resolved(compose([f"experiment={name}", "data.root=x"])), TRAINING)


def test_speaking_has_a_table_of_its_own():
    config = resolved(compose(["text=hello", "acoustic=x", "sigma=loud"], "synthesize"))
    with pytest.raises(InputError, match=r"^sigma=loud: it must be a number or null$"):
        check_values(config, SYNTHESIS)


@pytest.mark.parametrize("table", [TRAINING, SYNTHESIS])
def test_every_key_of_a_table_exists_somewhere(table):
    """A key that was renamed must not go unchecked."""
    name = "train" if table is TRAINING else "synthesize"
    found = set()
    for model in ("tacotron2", "waveglow"):
        for callbacks in ("ema", "early_stopping"):
            options = [*TONES, f"model={model}", f"callbacks={callbacks}"]
            config = resolved(compose(options if name == "train" else ["acoustic=x"], name))
            found |= set(_flat(config))
    assert set(table) <= found


def _flat(config, prefix=""):
    for key, value in config.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")


@pytest.mark.parametrize(
    ("legal", "good", "bad"),
    [
        (Number(int), [0, -3], [1.0, "1", None, True, [1]]),
        (Number(float, least=0), [0, 0.0, 5], [-0.1, float("nan"), False]),
        (Number(float, above=0, null=True), [0.1, None], [0, "null"]),
        (Number(int, least=1, most=3), [1, 3], [0, 4]),
        (Choice((True, "warn")), [True, "warn"], [1, "true", None, []]),
        (Duration(), [None, "00:08:00:00"], [5, "8h", "1:2:3"]),
    ],
)
def test_what_is_legal(legal, good, bad):
    assert all(legal.allows(value) for value in good)
    assert not any(legal.allows(value) for value in bad)
