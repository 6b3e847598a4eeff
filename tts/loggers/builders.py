"""Builds the W&B and TensorBoard loggers so that they suit a command-line tool."""

from __future__ import annotations

import netrc
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts.config import flattened
from tts.config.literals import literal_values
from tts.core.errors import InputError, one_line

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger, TensorBoardLogger, WandbLogger


def wandb_logger(
    save_dir: str,
    offline: bool | None = None,
    log_model: bool | str = False,
    resumes: str | None = None,
    tags: str | Sequence[str | int | float] | None = None,
    **kwargs: Any,
) -> WandbLogger:
    """Return a W&B logger that asks no questions: online with an account, otherwise offline.

    Args:
        save_dir: folder of the run; W&B writes into ``save_dir/wandb``.
        offline: whether W&B works offline; None decides by whether an account is configured.
        log_model: uploads checkpoints as artifacts: True those that exist at the end, "all" each
            one as it is saved. Offline they wait in W&B's data folder for ``wandb sync``.
        resumes: the checkpoint that the run resumes from, or None. Online, a run that resumes in
            its own folder stays the same run for W&B. Offline it becomes a new one, because W&B
            cannot know which steps it already has.
        tags: one or more words by which W&B finds the run.
        **kwargs: arguments of :class:`pytorch_lightning.loggers.WandbLogger`, and further ones of
            ``wandb.init``, such as ``group``, ``job_type`` and ``notes``.
    """
    from pytorch_lightning.loggers import WandbLogger

    kwargs["tags"] = [tags] if isinstance(tags, str) else [str(tag) for tag in tags or ()]

    Path(save_dir).mkdir(parents=True, exist_ok=True)
    if offline is None:
        offline = not has_wandb_account()
    if offline:
        # the logger's own `offline` would refuse artifacts, and set WANDB_MODE for later jobs too
        kwargs["mode"] = "offline"
    elif resumes and kwargs.get("id") is None:
        kwargs["id"] = last_wandb_id(save_dir)
    logger = WandbLogger(save_dir=save_dir, log_model=log_model, **kwargs)  # type: ignore[arg-type]
    # Lightning passes this argument, and W&B warns of it
    logger._wandb_init.pop("anonymous", None)
    return logger


def last_wandb_id(save_dir: str | Path) -> str | None:
    """Return the id of the last online run below a folder, from W&B's ``run-TIME-ID``; or None."""
    runs = sorted(path.name for path in Path(save_dir).glob("wandb/run-*-*"))
    return runs[-1].split("-", 2)[2] if runs else None


def has_wandb_account() -> bool:
    """Return whether W&B will find a key in the environment or in the netrc file."""
    if os.environ.get("WANDB_MODE") in ("offline", "disabled", "dryrun"):
        return False
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai").split("://")[-1].split("/")[0]
    path = Path(os.environ.get("NETRC", "~/.netrc")).expanduser()
    try:
        return netrc.netrc(str(path)).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def finish_wandb() -> None:
    """Close the W&B run, so that the next job of a sweep starts its own."""
    import sys

    if "wandb" in sys.modules:
        sys.modules["wandb"].finish()


def describe_in_tensorboard(
    logger: TensorBoardLogger, config: Mapping[str, Any], monitor: str
) -> None:
    """Show the configuration under "text" and "hparams"; the latter ranks runs by ``monitor``.

    Lightning writes hyper-parameters to TensorBoard only together with the value of a metric, and
    there is none yet. TensorBoard itself takes the value from the curve with that name.

    Args:
        logger: the logger that writes.
        config: the configuration, nested dictionaries.
        monitor: name of the metric.
    """
    from omegaconf import OmegaConf
    from torch.utils.tensorboard.summary import hparams

    text = OmegaConf.to_yaml(OmegaConf.create(literal_values(dict(config))))
    logger.experiment.add_text("config", f"```yaml\n{text}```")
    writer = logger.experiment._get_file_writer()
    shown = {name: _shown(value) for name, value in flattened(config, "/").items()}
    for summary in hparams(shown, {monitor: 0.0}):  # type: ignore[no-untyped-call]
        writer.add_summary(summary)


def rewind_tensorboard(logger: TensorBoardLogger, step: int) -> None:
    """Remove the points of later steps from TensorBoard: the run resumes at ``step``."""
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog

    if step == 0:
        return
    # the scalars of step N have number N - 1 and its pictures N; both must stay
    start = SessionLog(status=SessionLog.START)
    writer = logger.experiment._get_file_writer()
    writer.event_writer.add_event(Event(step=step + 1, file_version="brain.Event:2"))
    writer.event_writer.add_event(Event(step=step + 1, session_log=start))


def tensorboard_logger(**kwargs: Any) -> TensorBoardLogger:
    """Return Lightning's TensorBoard logger.

    Args:
        **kwargs: arguments of :class:`pytorch_lightning.loggers.TensorBoardLogger`.

    Raises:
        InputError: TensorBoard is not installed; the message says how to install it.
    """
    from pytorch_lightning.loggers import TensorBoardLogger

    try:
        import tensorboard  # noqa: F401
    except ModuleNotFoundError:
        raise InputError(
            "logger=tensorboard: not installed; pip install 'tacoglow[tensorboard]', or logger=csv"
        ) from None
    return TensorBoardLogger(**kwargs)


def open_loggers(loggers: Iterable[Logger]) -> None:
    """Start every logger before the data is prepared, because W&B may have no account.

    Raises:
        InputError: W&B cannot start.
    """
    for logger in loggers:
        try:
            _ = getattr(logger, "experiment", None)
        except Exception as error:
            if not type(error).__module__.startswith("wandb"):
                raise
            hint = "correct the account, or set logger.wandb.offline=true"
            raise InputError(f"wandb: {one_line(error)}; {hint}") from None


def _shown(value: Any) -> Any:
    """Return a value that hparams accept: everything but numbers and booleans becomes text."""
    return value if isinstance(value, (bool, int, float)) else str(value)
