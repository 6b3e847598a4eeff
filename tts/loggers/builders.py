"""W&B and TensorBoard with the behaviour that a command-line tool should have."""

from __future__ import annotations

import netrc
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts.config import flattened
from tts.core.errors import InputError

if TYPE_CHECKING:
    from pytorch_lightning.loggers import TensorBoardLogger, WandbLogger


def wandb_logger(
    save_dir: str,
    offline: bool | None = None,
    log_model: bool | str = False,
    resumes: str | None = None,
    **kwargs: Any,
) -> WandbLogger:
    """A W&B logger that never asks: online where an account is configured, offline elsewhere.

    Args:
        save_dir: folder of the run; W&B writes into ``save_dir/wandb``.
        offline: decides by itself when None.
        log_model: checkpoints as artifacts: True for those that are there at the end, "all" for
            each as it is saved. Offline they wait in W&B's data folder for ``wandb sync``.
        resumes: the checkpoint that the run goes on from, if it does. Online, a run that goes on
            in its own folder is the same run for W&B; offline it is another, because W&B could not
            tell which of the steps it has already.
        **kwargs: as :class:`pytorch_lightning.loggers.WandbLogger` takes them.
    """
    from pytorch_lightning.loggers import WandbLogger

    Path(save_dir).mkdir(parents=True, exist_ok=True)
    if offline is None:
        offline = not has_wandb_account()
    if offline:
        # not the logger's own `offline`: it refuses artifacts, and leaves WANDB_MODE to later jobs
        kwargs["mode"] = "offline"
    elif resumes and kwargs.get("id") is None:
        kwargs["id"] = last_wandb_id(save_dir)
    logger = WandbLogger(save_dir=save_dir, log_model=log_model, **kwargs)  # type: ignore[arg-type]
    # an argument that Lightning passes and W&B warns of
    logger._wandb_init.pop("anonymous", None)
    return logger


def last_wandb_id(save_dir: str | Path) -> str | None:
    """Id of the last run that was logged online below this folder: W&B's ``run-TIME-ID``."""
    runs = sorted(path.name for path in Path(save_dir).glob("wandb/run-*-*"))
    return runs[-1].split("-", 2)[2] if runs else None


def has_wandb_account() -> bool:
    """Whether W&B would find a key, in the environment or in the netrc file."""
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
    """Close W&B's run, so that the next job of a sweep starts its own."""
    import sys

    if "wandb" in sys.modules:
        sys.modules["wandb"].finish()


def describe_in_tensorboard(
    logger: TensorBoardLogger, config: Mapping[str, Any], monitor: str
) -> None:
    """Show the configuration under "text" and "hparams"; the latter ranks runs by ``monitor``.

    Lightning writes hyper-parameters to TensorBoard only along with a metric's value, of which
    there is none yet; TensorBoard itself takes the value from the curve of that name.
    """
    from omegaconf import OmegaConf
    from torch.utils.tensorboard.summary import hparams

    text = OmegaConf.to_yaml(OmegaConf.create(dict(config)))
    logger.experiment.add_text("config", f"```yaml\n{text}```")
    writer = logger.experiment._get_file_writer()
    shown = {name: _shown(value) for name, value in flattened(config, "/").items()}
    for summary in hparams(shown, {monitor: 0.0}):  # type: ignore[no-untyped-call]
        writer.add_summary(summary)


def rewind_tensorboard(logger: TensorBoardLogger, step: int) -> None:
    """Let TensorBoard forget what was shown for later steps: the run goes on at ``step``."""
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog

    if step == 0:
        return
    # scalars of step N are numbered N - 1, its pictures N: these stay
    start = SessionLog(status=SessionLog.START)
    writer = logger.experiment._get_file_writer()
    writer.event_writer.add_event(Event(step=step + 1, file_version="brain.Event:2"))
    writer.event_writer.add_event(Event(step=step + 1, session_log=start))


def tensorboard_logger(**kwargs: Any) -> TensorBoardLogger:
    """Lightning's logger, or one line on how to get what it needs.

    Raises:
        InputError: TensorBoard is not installed.
    """
    from pytorch_lightning.loggers import TensorBoardLogger

    try:
        import tensorboard  # noqa: F401
    except ModuleNotFoundError:
        raise InputError(
            "logger=tensorboard: not installed; pip install 'tacoglow[tensorboard]', or logger=csv"
        ) from None
    return TensorBoardLogger(**kwargs)


def _shown(value: Any) -> Any:
    """What hparams take: what is no number or truth value becomes text."""
    return value if isinstance(value, (bool, int, float)) else str(value)
