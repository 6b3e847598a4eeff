"""Checks the checksums in a checkpoint file, which torch's own reader leaves unread.

A zip of torch has the CRC-32 of each of its members. One changed bit of a weight would otherwise be
loaded, and be trained on or spoken with.
"""

from __future__ import annotations

import zipfile
from typing import BinaryIO

_CHUNK = 1 << 20


def check_members(stream: BinaryIO) -> None:
    """Read each member of a zip and compare its checksum; leave the stream at its beginning.

    A program can tell torch to write no checksums. All of them are then zero, and nothing is
    compared.

    Args:
        stream: the zip.

    Raises:
        Exception: a member is damaged, or the zip cannot be read; any type of exception may come.
    """
    with zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        if any(member.CRC for member in members):
            for member in members:
                with archive.open(member) as content:
                    while content.read(_CHUNK):
                        pass
    stream.seek(0)
