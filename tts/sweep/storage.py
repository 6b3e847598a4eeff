"""Where an Optuna study is kept, opened alike by the sweep and by the processes that train."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from tts.core.errors import InputError, one_line

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

#: Name of the study in a file that holds no other.
STUDY = "sweep"
#: Seconds that one process waits for another to finish writing.
_TIMEOUT = 60


def open_storage(storage: str | None, folder: Path) -> BaseStorage:
    """Open, or make, a storage.

    Args:
        storage: None for ``study.db`` (SQLite) in the sweep's folder; ``"journal"`` for
            ``study.journal`` there, for disks that several machines share; else the URL of a
            database, as Optuna takes it.
        folder: of the sweep.

    Raises:
        InputError: Optuna is not installed, or the database cannot be reached.
    """
    optuna = import_optuna()
    if storage == "journal":
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        return JournalStorage(JournalFileBackend(str(folder / "study.journal")))
    url = f"sqlite:///{folder / 'study.db'}" if storage is None else storage
    sqlite = url.startswith("sqlite")
    options = {"connect_args": {"timeout": _TIMEOUT}} if sqlite else {"pool_pre_ping": True}
    try:
        opened: BaseStorage = optuna.storages.RDBStorage(url, engine_kwargs=options)
    except Exception as error:
        raise InputError(f"sweep.storage={url}: {one_line(error)}") from None
    return opened


def study_name(storage: str | None, study: str | None) -> str:
    """Name of the study: chosen freely in a database that others use as well.

    Raises:
        InputError: such a database, and no name.
    """
    if study is not None:
        return study
    if storage not in (None, "journal"):
        raise InputError("sweep.storage may hold several studies: add sweep.study=NAME")
    return STUDY


def import_optuna() -> ModuleType:
    """Optuna, without its log lines and without warnings that an interface may change.

    Raises:
        InputError: it is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise InputError("this sweep needs Optuna: pip install 'tacoglow[sweep]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna
