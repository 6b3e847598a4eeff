"""Checks the checksums in checkpoint files, which torch and safetensors leave unread.

One changed bit of a weight would otherwise be loaded, and be trained on or spoken with. A zip of
torch has the CRC-32 of each of its members. Safetensors has none, so that this project writes one
into the metadata of its own files.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, BinaryIO

import torch
from torch import Tensor

from tts.pretrained.limits import open_zip

#: Key of the checksum in the metadata of a safetensors file.
CHECKSUM = "tacoglow_crc32"
_CHUNK = 1 << 20


def check_members(stream: BinaryIO) -> None:
    """Read each member of a zip and compare its checksum; leave the stream at its beginning.

    Args:
        stream: the zip.

    Raises:
        Exception: a member is damaged, or the zip cannot be read; any type of exception may come.
    """
    with open_zip(stream) as archive:
        for member in archive.infolist():
            with archive.open(member) as content:
                while content.read(_CHUNK):
                    pass
    stream.seek(0)


def content_checksum(metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """Return the CRC-32 of everything in a safetensors file, in hexadecimal.

    Args:
        metadata: its texts; the checksum itself is left out.
        tensors: its tensors, on the CPU.
    """
    checksum = 0
    for name in sorted(metadata.keys() - {CHECKSUM}):
        checksum = zlib.crc32(f"{name}={metadata[name]}\0".encode(), checksum)
    for name in sorted(tensors):
        value = tensors[name].contiguous()
        content: Any = value.reshape(-1).view(torch.uint8).numpy()
        checksum = zlib.crc32(f"{name} {value.dtype} {list(value.shape)}\0".encode(), checksum)
        checksum = zlib.crc32(content, checksum)
    return f"{checksum:08x}"


def has_own_checksum(metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> bool:
    """Tell whether the content of a safetensors file has the checksum that the file states.

    True for a file that states none: those of other programs and of earlier versions do not.
    """
    stated = metadata.get(CHECKSUM)
    return stated is None or stated == content_checksum(metadata, tensors)
