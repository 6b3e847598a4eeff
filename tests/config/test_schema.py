"""A value that is not legal ends in one line that names the key, before anything is built."""

import copy

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from tts.config import compose, conf_dir, resolved
from tts.config.schema import SYNTHESIS, TRAINING, Duration, check_training
from tts.core.errors import InputError
from tts.synthesize import OPTIONS, OUTPUT, synthesize

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
    "data.min_seconds=inf": "a number, 0 or more",
    "data.worker_timeout=1e+38": "a number above 0 and at most 1000000",
    "data.val_batch_size=-1": "a whole number, 1 or more, or null",
    "data.frames_per_batch=0": "a whole number, 1 or more, or null",
    "data.frames_per_batch=1e+38": "a whole number, 1 or more, or null",
    "data.bucket_batches=nan": "a whole number, 1 or more",
    "data.bucket_batches=1e+38": "a whole number, 1 or more",
    "data.max_seconds=0": "a number above 0 or null",
    "data.on_error=maybe": "one of raise, skip",
    "data.val_fraction=2": "a number from 0 to 1",
    "data.minutes=abc": "a number above 0",
    "model.optimizer.lr=abc": "a number from 0 to 1000",
    "model.optimizer.lr=null": "a number from 0 to 1000",
    "model.lr=inf": "a number from 0 to 1000",
    "model.optimizer.betas=[0.9]": "a list of 2, as [0.9,0.999], and each a number from 0 to below",
    "model.optimizer.betas=abc": "a list of 2",
    "model.optimizer.betas=[0.9, 1]": "a list of 2",
    "model.optimizer.betas=[0.9, -1]": "a list of 2",
    "model.scheduler.milestones=1": "a list, as [500,1000], and each a whole number, 1 or more",
    "model.scheduler.milestones=['a']": "a list, as [500,1000]",
    "model.scheduler.milestones=[0]": "a list, as [500,1000]",
    "model.scheduler.gamma=-1": "a number above 0 and at most 10",
    "model.scheduler.gamma=0": "a number above 0 and at most 10",
    "model.scheduler.gamma=1e+38": "a number above 0 and at most 10",
    "model.scheduler.gamma=nan": "a number above 0 and at most 10",
    "model.scale_lr=cubic": "one of none, linear, sqrt",
    "model.network.prenet_dim=abc": "a whole number, 1 or more",
    "model.network.encoder_dropout=abc": "a number from 0 to below 1",
    "model.network.encoder_dropout=1.0": "a number from 0 to below 1",
    "model.network.encoder_kernel_size=4": "odd and above 0",
    "model.network.mask_convolutions=1": "true or false",
    **{
        f"loss.{name}={value}": "a number from 0 to 1000000"
        for name in ("guided_weight", "pitch_weight", "texture_weight", "critic_weight")
        for value in ("-1", "1e+38", "nan", "inf", "abc", "null")
    },
    "loss.gate_pos_weight=0": "a number above 0 and at most 1000000",
    "loss.gate_pos_weight=inf": "a number above 0 and at most 1000000",
    "loss.guided_sigma=1e+38": "a number above 0 and at most 1000",
    "loss.guided_until=1.1": "a number from 0 to 1",
    "trainer.precision=foo": "one of auto, 32-true, 16-mixed, bf16-mixed",
    "trainer.max_epochs=abc": "a whole number, -1 or more, or null",
    "trainer.max_steps=1.5": "a whole number, -1 or more",
    "trainer.max_epochs=0": "1 or more, or -1 for no limit; 0 trains nothing",
    "trainer.max_epochs=-2": "a whole number, -1 or more, or null",
    "trainer.max_steps=0": "1 or more, or -1 for no limit; 0 trains nothing",
    "trainer.max_steps=-2": "a whole number, -1 or more",
    "trainer.max_time=5": "days:hours:minutes:seconds",
    "trainer.max_time=00:00:00:00": "days:hours:minutes:seconds, two digits each and more than",
    **{
        f"trainer.limit_train_batches={value}": "a whole number of batches, 1 or more, or a share"
        for value in ("0", "0.0", "-1", "1.5", "1e+38", "nan", "inf", "abc", "null")
    },
    **{
        f"trainer.limit_val_batches={value}": "a whole number of batches, 0 or more, or a share"
        for value in ("-1", "1.5", "1e+38", "nan", "inf", "abc", "null", "true")
    },
    "trainer.val_check_interval=1.5": "a whole number of batches, 1 or more, or a share",
    "trainer.gradient_clip_val=inf": "a number, 0 or more, or null",
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
    "callbacks.guard.lr_factor=0": "a number above 0 and at most 1",
    "callbacks.guard.on_divergence=pray": "one of stop, rollback",
    "callbacks.checkpoint.every_n_minutes=0": "a number above 0 and at most 1000000 or null",
    "callbacks.checkpoint.every_n_minutes=1e+38": "a number above 0 and at most 1000000 or null",
    "callbacks.samples.n_samples=0": "a whole number, 1 or more",
    "callbacks.speech.n_utterances=0": "a whole number, 1 or more",
    "callbacks.diagonal.after_steps=x": "a whole number, 1 or more",
    "data.trim_db=0": "a number above 0 and at most 120 or null",
    "data.loudness=1": "a number from -70 to 0 or null",
    "data.seed=-1": "a whole number, 0 or more",
    "loss.reduction=mean": "one of masked, nvidia",
    "audio.f_max=20000.0": "between f_min=0 and half the sample rate, 11025",
    "audio.hop_length=0": "a whole number above 0",
    "callbacks.ema.decay=1": "a number from 0 to below 1",
}
WRONG_WAVEGLOW = {
    "model.network.n_group=7": "even, to be halved",
    "model.network.front=mdct": "one of squeeze, lapped",
    "model.datamodule.segment_length=0": "a whole number, 1 or more",
    "model.datamodule.segment_length=22050": "a multiple of model.network.n_group=8",
    "data.mels=other": "one of recordings, gta",
    "loss.sigma=0": "a number above 0 and at most 1000",
    **{
        f"loss.{name}={value}": "a number from 0 to 1000000"
        for name in ("likelihood_weight", "spoken_weight", "band_weight", "critic_weight")
        for value in ("-1", "1e+38", "nan", "inf", "abc")
    },
    "loss.spoken_sigma=1e+38": "a number from 0 to 1000",
    "model.scheduler.warmup_steps=-1": "a whole number, 0 or more",
    "model.scheduler.final_factor=nan": "a number from 0 to 1",
    "callbacks.determinant.on_sign_change=cry": "one of warn, stop",
}


def with_override(composed, override):
    """Return what Hydra composes with one more override, without composing everything again."""
    parsed = OverridesParser.create().parse_override(override)
    changed = copy.deepcopy(composed)
    OmegaConf.update(changed, parsed.key_or_group, parsed.value(), merge=False)
    return changed


def message_of(action, *arguments):
    """Return the message of the InputError that a call raises, or None."""
    try:
        action(*arguments)
    except InputError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("model", "scheduler", "wrong"),
    [("tacotron2", "multistep", WRONG), ("waveglow", "warmup_cosine", WRONG_WAVEGLOW)],
)
def test_every_wrong_value_is_named_with_what_is_legal(model, scheduler, wrong):
    composed = compose([*TONES, f"model={model}", f"scheduler={scheduler}", "callbacks=ema"])
    check_training(resolved(composed))
    messages = {
        key: message_of(check_training, resolved(with_override(composed, key))) for key in wrong
    }
    expected = {key: f"{key}: it must be {legal}" for key, legal in wrong.items()}
    assert {
        key: message
        for key, message in messages.items()
        if message is None or not message.startswith(expected[key])
    } == {}


@pytest.mark.parametrize("limit", ["trainer.max_steps=0", "trainer.max_epochs=0"])
def test_a_run_that_resumes_may_have_reached_its_limit(limit):
    check_training(resolved(compose([*TONES, limit, "ckpt_path=some.ckpt"])))


@pytest.mark.parametrize("model", ["tacotron2", "waveglow"])
@pytest.mark.parametrize("option", sorted(p.stem for p in (conf_dir() / "callbacks").glob("*")))
def test_what_is_shipped_is_legal(model, option):
    check_training(resolved(compose([*TONES, f"model={model}", f"callbacks={option}"])))


@pytest.mark.parametrize("name", sorted(p.stem for p in (conf_dir() / "experiment").glob("*")))
def test_experiments_are_legal(name):
    check_training(resolved(compose([f"experiment={name}", "data.root=x"])))


def test_a_former_key_in_a_file_is_named():
    config = resolved(compose(TONES))
    config["model"]["max_epochs"] = 5
    expected = "model.max_epochs=5: this option has another name now; write trainer.max_epochs=5"
    assert message_of(check_training, config) == expected


SPEAKING = {
    "sigma=loud": "a number or null",
    "max_steps=0": "a whole number, 1 or more",
    "batch_size=0": "a whole number, 1 or more",
    "gate_threshold=1": "a number above 0 and below 1",
    "pauses.word=61": "a number from 0 to 60",
    "guard=1": "one of true, false",
    "denoiser_mode=loud": "one of null, zeros, silence",
    **dict.fromkeys(("speed=0", "speed=5", "speed=nan", "speed=fast"), "a number from 0.25 to 4"),
}


def test_every_wrong_option_of_speech_is_named():
    composed = compose(["text=hello", "acoustic=x"], "synthesize")
    messages = {key: message_of(synthesize, with_override(composed, key)) for key in SPEAKING}
    assert messages == {key: f"{key}: it must be {legal}" for key, legal in SPEAKING.items()}


def test_every_option_of_speech_is_checked_by_one_owner():
    config = resolved(compose(["acoustic=x"], "synthesize"))
    owned = {*SYNTHESIS, *OPTIONS, *OUTPUT}
    assert set(config) <= owned


@pytest.mark.parametrize("table", [TRAINING, SYNTHESIS])
def test_every_key_of_a_table_exists_somewhere(table):
    """A key that was renamed must not go unchecked."""
    name = "train" if table is TRAINING else "synthesize"
    chosen = [
        ["model=tacotron2", "callbacks=ema", "logger=all", "debug=overfit"],
        ["model=waveglow", "callbacks=early_stopping", "scheduler=multistep", "sweep=optuna"],
        ["data=csv", "data.file=x"],
        ["data=huggingface", "data.source=x"],
    ]
    cases = [[*TONES, *options] if "model" in options[0] else options for options in chosen]
    found = set()
    for options in cases if name == "train" else [["acoustic=x"]]:
        found |= set(_flat(resolved(compose(options, name))))
    assert set(table) <= found


def _flat(config, prefix=""):
    for key, value in config.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")


def test_a_duration_has_four_parts_and_is_not_zero():
    assert all(map(Duration().allows, [None, "00:08:00:00", "00:00:00:01"]))
    assert not any(map(Duration().allows, [5, "8h", "1:2:3", "00:00:00:00"]))


LEGAL = {
    "tacotron2": [
        *("trainer.limit_train_batches=3", "trainer.limit_train_batches=0.1"),
        *("trainer.limit_val_batches=0", "trainer.limit_val_batches=1.0"),
        *("trainer.val_check_interval=null", "trainer.val_check_interval=100"),
        *("model.optimizer.betas=[0,0.99]", "model.scheduler.milestones=[]"),
        *("model.scheduler.gamma=1.5", "loss.guided_weight=100", "loss.pitch_weight=0"),
    ],
    "waveglow": ["loss.spoken_weight=1", "loss.sample_sigma=0", "model.scheduler.warmup_steps=0"],
}


@pytest.mark.parametrize("model", LEGAL)
def test_unusual_values_that_make_sense_stay_legal(model):
    scheduler = "multistep" if model == "tacotron2" else "warmup_cosine"
    composed = compose([*TONES, f"model={model}", f"scheduler={scheduler}"])
    configs = [resolved(with_override(composed, override)) for override in LEGAL[model]]
    refused = [message_of(check_training, config) for config in configs]
    assert refused == [None] * len(configs)


def test_another_optimiser_may_have_other_betas():
    config = resolved(compose(TONES))
    config["model"]["optimizer"] |= {"_target_": "somewhere.Adan", "betas": [0.02, 0.08, 0.01]}
    check_training(config)


def test_absurd_rates_and_short_names_of_precisions_are_one_line():
    expected = {
        "model.optimizer.lr=1e38": "model.optimizer.lr=1e+38: it must be a number from 0 to 1000",
        "model.weight_decay=1e300": "model.weight_decay=1e+300: it must be a number from 0 to 1000",
        "trainer.precision=bf16": "64; bf16-mixed is half precision on CPUs and recent GPUs",
    }
    wrong = []
    for override, message in expected.items():
        try:
            check_training(resolved(compose([override, "data.root=x"])))
        except InputError as error:
            wrong += [] if message in str(error) else [str(error)]
        else:
            wrong.append(f"{override} was accepted")
    assert wrong == []
