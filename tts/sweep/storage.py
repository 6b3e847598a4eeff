"""Opens the storage of an Optuna study, for the sweep and for the processes that train."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from tts.core.errors import InputError, one_line

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

#: Name of the study in a file that holds only one.
STUDY = "sweep"
#: Seconds that one process waits for another to finish writing.
_TIMEOUT = 60


def open_storage(storage: str | None, folder: Path) -> BaseStorage:
    """Open a storage, and make it if it does not exist.

    Args:
        storage: None for ``study.db`` (SQLite) in the sweep's folder; ``"journal"`` for
            ``study.journal`` there, for disks that several machines share; otherwise the URL of a
            database for Optuna.
        folder: folder of the sweep.

    Raises:
        InputError: Optuna is not installed, or the database cannot be reached.
    """
    optuna = import_optuna()
    if storage == "journal":
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        return JournalStorage(JournalFileBackend(storage_place(storage, folder)))
    url = storage_place(storage, folder)
    url = f"sqlite:///{url}" if storage is None else url
    sqlite = url.startswith("sqlite")
    options = {"connect_args": {"timeout": _TIMEOUT}} if sqlite else {"pool_pre_ping": True}
    try:
        opened: BaseStorage = optuna.storages.RDBStorage(url, engine_kwargs=options)
    except Exception as error:
        raise InputError(f"sweep.storage={url}: {one_line(error)}") from None
    return opened


def storage_place(storage: str | None, folder: Path) -> str:
    """Return the file of a storage in the sweep's folder, or the URL of another one."""
    files = {None: "study.db", "journal": "study.journal"}
    return str(folder / files[storage]) if storage in files else str(storage)


def mend_journal(storage: str | None, folder: Path) -> None:
    """Remove a last line that a killed process did not finish: the next line would continue it.

    Call it while no trial runs.
    """
    file = Path(storage_place(storage, folder))
    if storage != "journal" or not file.is_file():
        return
    with file.open("r+b") as journal:
        content = journal.read()
        if not content.endswith(b"\n"):
            journal.truncate(content.rfind(b"\n") + 1)


def study_name(storage: str | None, study: str | None) -> str:
    """Return the name of the study, which the user chooses in a database of several studies.

    Raises:
        InputError: the storage is such a database, and there is no name.
    """
    if study is not None:
        return study
    if storage not in (None, "journal"):
        raise InputError("sweep.storage may hold several studies: add sweep.study=NAME")
    return STUDY


def import_optuna() -> ModuleType:
    """Import Optuna, and silence its log lines and its warnings about experimental interfaces.

    Raises:
        InputError: Optuna is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise InputError("this sweep needs Optuna: pip install 'tacoglow[sweep]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna
