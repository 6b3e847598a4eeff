"""Defines the settings of the speech service: the keys of ``conf/serve.yaml``, and their ranges."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from tts.core.errors import InputError
from tts.core.ranges import Count, Number, OptionalCount, Text, Timeout, check_fields

#: What a key may be allowed to do.
SCOPES = ("speak", "read", "admin")
#: Names of this machine for programs on this machine.
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class DatabaseSettings:
    """Holds where the database is.

    Attributes:
        url: address in SQLAlchemy's form, of SQLite or PostgreSQL.
    """

    url: Annotated[str, Text(null=False)]

    def __post_init__(self) -> None:
        check_fields(self, "database.")


@dataclass(frozen=True)
class WorkerSettings:
    """Holds where a process with ``role=worker`` tells how it is.

    Attributes:
        host: address at which it listens.
        port: port at which it listens; 0 lets the system choose, None is nowhere.
    """

    host: Annotated[str, Text(null=False)]
    port: Annotated[int | None, Number(int, least=0, most=65535, null=True)]

    def __post_init__(self) -> None:
        check_fields(self, "worker.")


@dataclass(frozen=True)
class LimitSettings:
    """Holds how much clients may ask for.

    Attributes:
        body_bytes: largest body of a request.
        text_chars: characters of a text that is answered at once.
        job_chars: characters of the text of a job.
        chars_per_minute: characters that one client may ask for in a minute.
        chars_per_day: characters that one client may ask for in a day.
        interactive: requests for speech at once that may wait.
        batch: jobs that may wait.
        sentence_seconds: time that a sentence may take before it is given up, seconds.
        store_bytes: size of all sound in the store.
    """

    body_bytes: Annotated[int, Number(int, least=1024, most=2**30)]
    text_chars: Count
    job_chars: Count
    chars_per_minute: Count
    chars_per_day: Count
    interactive: Count
    batch: Count
    sentence_seconds: Timeout
    store_bytes: Count

    def __post_init__(self) -> None:
        check_fields(self, "limits.")


@dataclass(frozen=True)
class Settings:
    """Holds everything that can be chosen about the speech service; see ``conf/serve.yaml``.

    Attributes:
        role: what this process does: answer (``"api"``), speak (``"worker"``), or both (``"all"``).
        host: address at which it listens.
        port: port at which it listens; 0 lets the system choose.
        worker: where a process that only speaks tells how it is.
        hosts: names in the Host header that are answered; None follows from ``host``.
        keys: whether requests need a key.
        new_key: name of a key to make instead of serving.
        new_key_scopes: what that key may do; None for everything.
        voices: file that lists voices; None for the voice of the package.
        device: device of torch on which the voices compute.
        database: where the database is.
        store: folder or fsspec address of the sound.
        limits: how much clients may ask for.
        batch_size: utterances that are decoded together at most.
        exact: decode an utterance alone where a batch would change its last digits.
        threads: threads of torch; None is torch's own number.
        lease_seconds: time after which the job of a silent worker is given to another one.
        drain_seconds: time that speech gets to end when the service stops.
        log: form of the lines of the log.

    Raises:
        InputError: a value is not legal.
    """

    role: Literal["all", "api", "worker"]
    host: Annotated[str, Text(null=False)]
    port: Annotated[int, Number(int, least=0, most=65535)]
    worker: WorkerSettings
    hosts: Sequence[str] | None
    keys: Literal["auto", "required", "none"]
    new_key: str | None
    new_key_scopes: Sequence[str] | None
    voices: str | None
    device: Annotated[str, Text(null=False)]
    database: DatabaseSettings
    store: Annotated[str, Text(null=False)]
    limits: LimitSettings
    batch_size: Count
    exact: bool
    threads: OptionalCount
    lease_seconds: Timeout
    drain_seconds: Annotated[float, Number(float, least=0, most=3600)]
    log: Literal["text", "json"]

    def __post_init__(self) -> None:
        check_fields(self)
        if unknown := sorted(set(self.new_key_scopes or ()) - set(SCOPES)):
            raise InputError(f"new_key_scopes: {unknown[0]} is none of {', '.join(SCOPES)}")
        if self.keys == "none" and not self.is_loopback:
            raise InputError(
                f"keys=none: with host={self.host} anyone could speak; write keys=required, "
                "or host=127.0.0.1"
            )

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """Return the settings of a resolved configuration (``conf/serve.yaml``).

        Raises:
            InputError: a value is not legal; the message names key, value and the legal values.
        """
        own = {key: value for key, value in config.items() if key != "hydra"}
        own["database"] = DatabaseSettings(**config["database"])
        own["worker"] = WorkerSettings(**config["worker"])
        own["limits"] = LimitSettings(**config["limits"])
        return cls(**own)

    @property
    def is_loopback(self) -> bool:
        """Return whether only programs on this machine can reach the service."""
        return is_loopback(self.host)

    @property
    def keys_required(self) -> bool:
        """Return whether requests need a key."""
        return self.keys == "required" or (self.keys == "auto" and not self.is_loopback)

    @property
    def answers(self) -> bool:
        """Return whether this process answers requests."""
        return self.role in ("all", "api")

    @property
    def speaks(self) -> bool:
        """Return whether this process has the voices."""
        return self.role in ("all", "worker")


def is_loopback(host: str) -> bool:
    """Return whether only programs on this machine reach what listens at an address."""
    if host in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
