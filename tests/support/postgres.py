"""Starts a PostgreSQL of our own in a temporary folder, for the tests of the slow tier."""

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

#: Where Debian has the programs of the server, which are not on the PATH.
DEBIAN = Path("/usr/lib/postgresql")


@contextmanager
def private_postgres():
    """Yield the folder of the socket of a server that ends with the block.

    It listens on no address, and everything that it writes is in a temporary folder. A server that
    root starts refuses to run, so it runs as another user then.
    """
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # the path of a socket must be short
    user = _user()
    if user is not None:
        os.chown(folder, *user)
    try:
        _run(user, programs / "initdb", "-D", folder / "data", "-A", "trust", "-U", "tests",
             "-E", "UTF8", "--locale=C", "--no-sync")  # fmt: skip
        settings = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        control = (programs / "pg_ctl", "-D", folder / "data", "-w", "-t", "120")
        _run(user, *control, "-l", folder / "log", "-o", settings, "start")
        try:
            yield folder
        finally:
            _run(user, *control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def url_of(folder, name):
    """Return the URL of a database of such a server."""
    return f"postgresql+psycopg://tests@/{name}?host={folder}"


def _programs():
    if (found := shutil.which("initdb")) is not None:
        return Path(found).parent
    versions = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not versions:
        pytest.skip("there is no PostgreSQL here (Debian: apt-get install postgresql)")
    return versions[-1].parent


def _user():
    """Return the user and group that the server runs as, or None for those of this process."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    pytest.skip("PostgreSQL does not run as root, and there is no other user here")


def _run(user, *command):
    as_user = {} if user is None else {"user": user[0], "group": user[1], "extra_groups": []}
    result = subprocess.run(
        [str(part) for part in command],
        cwd="/",
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **as_user,
    )
    assert result.returncode == 0, result.stdout
