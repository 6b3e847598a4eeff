"""Pushes a published folder to the Hugging Face Hub in one commit, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from tts.core.errors import InputError
from tts.core.progress import announced
from tts.pretrained.hugging_face import (
    NO_TOKEN,
    HubSource,
    explained_hub_errors,
    hub_endpoint,
)
from tts.pretrained.publication import PUBLICATION, read_publication
from tts.publish.preflight import WHAT

# the hub writes it into every repository
_OF_HUB = ".gitattributes"
_MESSAGE = "Voice published by tacoglow"


class RepositoryState(NamedTuple):
    """Describes a repository before a push.

    Attributes:
        commit: its last commit; None if there is no such repository.
        files: the files of an older publication.
    """

    commit: str | None
    files: frozenset[str] = frozenset()


def examine_repository(source: HubSource) -> RepositoryState:
    """Check, before anything is made, that a repository is free or holds a published voice.

    Raises:
        InputError: there is no token, the hub cannot be reached, or the repository holds something
            else.
    """
    from huggingface_hub import errors, get_token

    if get_token() is None:
        raise InputError(f"to={source}: {NO_TOKEN}")
    with explained_hub_errors(source), announced(f"looking at {source}"):
        try:
            info = _client().model_info(source.repo)
        except errors.GatedRepoError:
            raise
        except errors.RepositoryNotFoundError:
            return RepositoryState(None)
    files = {str(file.rfilename) for file in info.siblings or ()} - {_OF_HUB}
    if files and not files <= _published_files(source, files):
        raise InputError(f"to={source}: holds something else than {WHAT}; choose another name")
    return RepositoryState(info.sha, frozenset(files))


def push_folder(folder: Path, source: HubSource, before: RepositoryState, private: bool) -> str:
    """Push a folder in one commit, in which the files of an older publication are removed.

    Args:
        folder: the published folder.
        source: the repository.
        before: what :func:`examine_repository` found; the hub refuses the commit if somebody else
            has changed the repository meanwhile.
        private: make a new repository private.

    Returns:
        The new commit.

    Raises:
        InputError: the hub refuses the files, or cannot be reached; the repository is as before.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    paths = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
    operations: list[Any] = [CommitOperationAdd(name, str(path)) for name, path in paths.items()]
    operations += [CommitOperationDelete(name) for name in sorted(before.files - paths.keys())]
    client = _client()
    size = sum(path.stat().st_size for path in paths.values()) / 2**20
    with explained_hub_errors(source), announced(f"pushing {size:.0f} MiB to {source}"):
        if before.commit is None:
            client.create_repo(source.repo, private=private or None)
        commit = client.create_commit(
            source.repo, operations, commit_message=_MESSAGE, parent_commit=before.commit
        )
    return str(commit.oid)


def _client() -> Any:
    from huggingface_hub import HfApi

    return HfApi(endpoint=hub_endpoint(), library_name="tacoglow")


def _published_files(source: HubSource, files: Iterable[str]) -> set[str]:
    """Return the files of the published voice in a repository; none if it holds no such voice."""
    if PUBLICATION not in files:
        return set()
    from huggingface_hub import hf_hub_download

    with explained_hub_errors(source):
        path = hf_hub_download(source.repo, PUBLICATION, endpoint=hub_endpoint())
    try:
        return {PUBLICATION, *read_publication(Path(path), str(source)).files}
    except InputError:
        return set()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
