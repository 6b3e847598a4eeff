"""Pulls published voices from the Hugging Face Hub, or from a server that speaks its protocol.

``hf://OWNER/NAME@REVISION`` names a voice that :mod:`tts.publish` has pushed; the revision is a
branch, a tag or a commit, ``main`` by default. The client ``huggingface_hub`` keeps what it pulled,
so that it is used again without a network. ``HF_ENDPOINT`` names another server, ``HF_TOKEN`` holds
the token for what is private, and ``HF_HUB_OFFLINE=1`` forbids the network.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from tts.core.errors import InputError, one_line, printable_name, shortened
from tts.core.progress import announced
from tts.pretrained.publication import PUBLICATION, read_publication

_log = logging.getLogger(__name__)

#: What a source on the hub begins with.
HUB_PREFIX = "hf://"
#: What to do where the hub refuses a request without a token.
NO_TOKEN = "the hub asks for a token; set HF_TOKEN, or run: hf auth login"
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_SOURCE = re.compile(rf"{HUB_PREFIX}(?P<repo>{_PART}/{_PART})(@(?P<revision>[\w./-]+))?", re.ASCII)
_INSTALL = "pip install 'tacoglow[hub]'"
_COMMIT = re.compile(r"[0-9a-f]{40}")


class HubSource(NamedTuple):
    """Names a voice on the hub.

    Attributes:
        repo: the repository, ``"OWNER/NAME"``.
        revision: a branch, a tag or a commit.
    """

    repo: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"{HUB_PREFIX}{self.repo}{f'@{self.revision}' if self.revision else ''}"


def is_hub_source(name: str) -> bool:
    """Tell whether a name is that of a voice on the hub."""
    return name.startswith(HUB_PREFIX)


def parse_hub_source(name: str, key: str) -> HubSource:
    """Read ``hf://OWNER/NAME@REVISION``; check that the client is installed, too.

    Args:
        name: the text.
        key: the option that names it, for the message.

    Raises:
        InputError: the text has another form, or the client is not installed.
    """
    match = _SOURCE.fullmatch(name)
    if match is None:
        raise InputError(
            f"{key}={printable_name(name)}: write {HUB_PREFIX}OWNER/NAME, or "
            f"{HUB_PREFIX}OWNER/NAME@REVISION"
        )
    if find_spec("huggingface_hub") is None:
        raise InputError(f"{key}={name}: needs the client of the hub: {_INSTALL}")
    return HubSource(match["repo"], match["revision"])


def pull(source: HubSource, network: str | None) -> Path:
    """Return the file of a network of a voice on the hub; what was pulled before is used again.

    Both the description and the network are those of one commit, and the SHA-256 of the network is
    compared with that in the description.

    Args:
        source: the voice.
        network: "Tacotron2" or "WaveGlow"; None: the only one that there is.

    Raises:
        InputError: the voice or the revision does not exist, asks for a token, or cannot be
            reached and was not pulled before; or a file is not the one that was published.
    """
    description = _download(source, PUBLICATION)
    publication = read_publication(description, str(source))
    name = publication.network_file(str(source), network)
    commit = description.parent.name
    if _COMMIT.fullmatch(commit):
        if source.revision != commit:
            _log.info("%s is now %s%s@%s", source, HUB_PREFIX, source.repo, commit)
        pinned = source._replace(revision=commit)
    else:
        pinned = source
    return publication.check(str(source), _download(pinned, name), name)


@contextmanager
def explained_hub_errors(source: HubSource) -> Iterator[None]:
    """Turn the errors of the client into one line that says what to do.

    Raises:
        InputError: for each error of the client, of the server and of the network.
    """
    import httpx2
    from huggingface_hub import errors

    where = str(source)
    try:
        yield
    except errors.GatedRepoError:
        reason = "asks for access: accept its terms on its page, and set HF_TOKEN to your token"
    except errors.RepositoryNotFoundError:
        reason = (
            "there is no such repository, or it is private; check the name, or set HF_TOKEN to a "
            "token that may read it"
        )
    except errors.RevisionNotFoundError:
        reason = f"has no revision {source.revision or 'main'}; name a branch, a tag or a commit"
    except errors.RemoteEntryNotFoundError:
        reason = f"has no {PUBLICATION}; it was not written by python -m tts.publish"
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        reason = "was not pulled before, and the hub cannot be reached; connect and try again"
        if isinstance(error.__cause__, errors.HfHubHTTPError):
            reason = _status_reason(error.__cause__)
    except errors.HfHubHTTPError as error:
        reason = _status_reason(error)
    except (httpx2.HTTPError, OSError) as error:
        reason = f"the hub cannot be reached ({shortened(one_line(error), 120)}); try again later"
    except (ValueError, RuntimeError) as error:
        cause = error.__cause__ or error
        reason = f"the hub refuses it ({shortened(one_line(cause), 200)})"
    else:
        return
    raise InputError(f"{where}: {reason}") from None


def hub_endpoint() -> str | None:
    """Return the address of the server that ``HF_ENDPOINT`` names; None: that of the client."""
    return os.environ.get("HF_ENDPOINT") or None


def _status_reason(error: Any) -> str:
    status = error.response.status_code
    if status == 401:
        return NO_TOKEN
    if status == 403:
        return "the token may not do this; set HF_TOKEN to one that may"
    if status in (409, 412):
        return "somebody has changed it meanwhile, or its name is taken; look at it and try again"
    return f"the hub answered with status {status}; try again later"


def _download(source: HubSource, name: str) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    with explained_hub_errors(source), announced(f"pulling {name} of {source}"):
        return Path(
            hf_hub_download(source.repo, name, revision=source.revision, endpoint=hub_endpoint())
        )
