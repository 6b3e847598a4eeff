"""Starts the commands: Hydra composes the configuration, and mistakes are reported in one line.

Only the jobs import torch and Lightning, so that ``--help``, ``--cfg job`` and a misspelt override
answer at once.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tts import align, dump_mels
from tts.commands.command_line import hydra_arguments
from tts.commands.explanation import explanation
from tts.commands.usage import FLAGS, usage
from tts.config import conf_dir, register_resolvers, resolved
from tts.config.literals import literal
from tts.config.overrides import load_overrides
from tts.config.saved_targets import check_saved_targets
from tts.core.errors import (
    EXIT_INTERRUPTED,
    EXIT_REFUSED,
    EXIT_STOPPED,
    RESUME_HINT,
    InputError,
    RunStopped,
    SpeechError,
    TrainingError,
    one_line,
)
from tts.core.files import file_fault
from tts.core.output import print_error, print_result, protect_streams
from tts.core.progress import announced
from tts.core.ranks import is_first_to_say
from tts.core.signals import StopSignals, early_stop_first, ignore_while_ending
from tts.evaluation.preflight import check_evaluation
from tts.runtime.new_folders import remove_traces
from tts.runtime.run_folder import has_checkpoint
from tts.runtime.slurm import was_requeued
from tts.training.preflight import check_before_torch

Result = TypeVar("Result")

_ALL_OPTIONS = "--cfg job prints every value that can be given, as key=value, those of train.py."


def train_command() -> None:
    """Run ``tts-train`` and ``python train.py``."""
    for recipe, job in ((dump_mels, dump_mels.dump_mels), (align, align.align)):
        if f"task={recipe.TASK}" in sys.argv[1:]:
            with_training_options(job, help_text=recipe.__doc__)
            return
    try:
        with StopSignals().installed():
            _run(_train_job, "train")
    except SystemExit as error:
        if error.code in (EXIT_REFUSED, EXIT_STOPPED, EXIT_INTERRUPTED):
            remove_traces()
        raise
    finally:
        # the status of the run is settled, and a signal must not replace it while Python ends
        atexit.register(ignore_while_ending)


def synthesize_command() -> None:
    """Run ``tts-synthesize`` and ``python synthesize.py``."""
    _run(_synthesize_job, "synthesize")


def evaluate_command() -> None:
    """Run ``python -m tts.evaluation``."""
    _run(_evaluate_job, "evaluate")


def export_command() -> None:
    """Run ``python -m tts.export``."""
    _run(_export_job, "export")


def publish_command() -> None:
    """Run ``python -m tts.publish``."""
    _run(_publish_job, "publish")


def serve_command() -> None:
    """Run ``tts-serve`` and ``python serve.py``."""
    _run(_serve_job, "serve")


def with_training_options(
    job: Callable[[dict[str, Any]], int], config_name: str = "train", help_text: str | None = None
) -> None:
    """Run a command that takes the options of ``train.py`` and does not train.

    Args:
        job: a function of the resolved configuration that returns the exit status.
        config_name: a file in conf/ that includes ``train`` and adds options of its own.
        help_text: what ``--help`` prints, where the file has no text for it.
    """
    protect_streams()
    if help_text is not None and FLAGS & set(sys.argv[1:]):
        text = f"{help_text.strip()}\n\n{_ALL_OPTIONS}\n"
        _reporting(lambda: print_result(text))
        return

    def run(cfg: DictConfig) -> None:
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            _exit("--multirun: this command does one thing at a time", 2)
        with announced("working"):
            status = _reporting(lambda: job(resolved(cfg)))
        if status:
            raise SystemExit(status)

    # nothing is trained, so Hydra must not make the folder of a run
    _run(run, config_name, ["hydra.run.dir=.", "hydra.output_subdir=null"])


def _train_job(cfg: DictConfig) -> float | None:
    # a sweep needs the error of a trial itself, to record it and to start the next trial
    return _reporting(lambda: _train(cfg)) if cfg.sweep.trial is None else _train(cfg)


def _train(cfg: DictConfig) -> float | None:
    # without interpolations: the folder may have the name ${x}
    runtime = OmegaConf.to_container(HydraConfig.get().runtime, resolve=False)
    output_dir = Path(cast("dict[str, str]", runtime)["output_dir"])
    cfg, overrides = _with_saved_options(cfg, output_dir)
    OmegaConf.update(cfg, "paths.output_dir", literal(str(output_dir)))
    config = resolved(cfg)
    check_before_torch(config)
    if cfg.init_from is not None and cfg.ckpt_path is None:
        from tts.training.source_options import take_options

        overrides += take_options(cfg, overrides, HydraConfig.get().runtime.choices)
        config = resolved(cfg)
    metrics = _launch(config, output_dir, overrides)
    return metrics.get(str(cfg.monitor))


def _with_saved_options(cfg: DictConfig, output_dir: Path) -> tuple[DictConfig, list[str]]:
    """Add the options that a resumed run was started with to those that are given now."""
    context = HydraConfig.get()
    overrides = list(context.overrides.task)
    # a requeued job resumes from what it has saved, not from the file that it was started with
    if (cfg.ckpt_path == "last" or was_requeued()) and has_checkpoint(output_dir):
        typed = [*overrides, "ckpt_path=last"]
        overrides = load_overrides(output_dir, typed)
        saved = overrides[: len(overrides) - len(typed)]
        check_saved_targets(output_dir, saved, typed, lambda given: hydra.compose("train", given))
        cfg = hydra.compose("train", overrides)
    elif cfg.ckpt_path == "last" and context.mode == RunMode.MULTIRUN:
        cfg.ckpt_path = None  # a job of the sweep that has not started yet
    return cfg, overrides


def _launch(config: dict[str, Any], output_dir: Path, overrides: list[str]) -> dict[str, float]:
    with announced("loading torch and Lightning"):
        from tts.train import run_training

    return run_training(config, output_dir, overrides)


def _synthesize_job(cfg: DictConfig) -> None:
    from tts.synthesize import synthesize

    _reporting(lambda: synthesize(cfg))


def _evaluate_job(cfg: DictConfig) -> None:
    _reporting(lambda: _evaluate(cfg))


def _evaluate(cfg: DictConfig) -> None:
    check_evaluation(resolved(cfg))
    with announced("loading"):
        from tts.evaluation.run import evaluate

    evaluate(cfg)


def _export_job(cfg: DictConfig) -> None:
    from tts.export.recipe import export

    _reporting(lambda: export(cfg))


def _publish_job(cfg: DictConfig) -> None:
    from tts.publish.recipe import publish

    _reporting(lambda: publish(cfg))


def _serve_job(cfg: DictConfig) -> None:
    from tts.serve import serve

    _reporting(lambda: serve(cfg))


def _run(job: Callable[[DictConfig], Any], config_name: str, forced: Sequence[str] = ()) -> None:
    """Let Hydra run a job; a mistake in the command line ends in one line and status 2.

    Args:
        job: a function of the composed configuration.
        config_name: a file in ``conf/``.
        forced: overrides of the command, which come after those that are typed.
    """
    protect_streams()
    register_resolvers()
    typed = [*sys.argv[1:], *forced]
    sys.argv[1:] = arranged = _reporting(lambda: hydra_arguments(typed, config_name))
    if FLAGS & set(arranged):
        overrides = [argument for argument in arranged if not argument.startswith("-")]
        _reporting(lambda: print_result(usage(config_name, overrides)))
        return
    command = hydra.main(str(conf_dir()), config_name, version_base="1.3")(job)
    if os.environ.get("HYDRA_FULL_ERROR") == "1":
        command()
        return
    # Hydra prints its errors over several lines; with this variable it raises them instead
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        _reporting(command)
    finally:
        del os.environ["HYDRA_FULL_ERROR"]


def _reporting(action: Callable[[], Result]) -> Result:
    """Call a function; print an error of the user as one line, without a stack trace."""
    try:
        return early_stop_first(action)
    except (InputError, HydraException, OmegaConfBaseException) as error:
        _exit(explanation(error), 2)
    except (TrainingError, SpeechError) as error:
        _exit(one_line(error), 1)
    except OSError as error:
        if (reason := file_fault(error)) is None:
            raise
        _exit(reason, 2)
    except RunStopped as stop:
        _exit(one_line(stop), stop.status, "")
    except KeyboardInterrupt:
        _exit(f"interrupted; {RESUME_HINT}", EXIT_INTERRUPTED)


def _exit(message: str, status: int, prefix: str = "error: ") -> NoReturn:
    if is_first_to_say(line := f"{prefix}{message}"):
        print_error(line)
    raise SystemExit(status)
