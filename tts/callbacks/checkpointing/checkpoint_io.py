"""Writes checkpoints so that a file is complete or does not exist.

Lightning 2.6 builds the file in memory, writes it into the system's folder for temporary files and
copies it from there. Here it is written next to its destination, forced to the disk and renamed. A
kill at any moment leaves the former file as it was, and memory holds no second copy.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins.io.torch_io import TorchCheckpointIO

from tts.core.errors import TrainingError
from tts.core.files import disk_full_reason, replacing


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes each checkpoint under a temporary name, and renames it when it is complete.

    Files that a killed process has left are removed when the next checkpoint is saved. Lightning
    handles remote folders (``s3://...``).
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        """Write the file; Lightning calls this on one rank.

        Raises:
            TrainingError: the disk is full.
        """
        if "://" in str(path):
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        path = Path(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            for leftover in path.parent.glob("*.ckpt*.tmp"):
                leftover.unlink(missing_ok=True)
            with replacing(path) as temporary:
                self._write(checkpoint, temporary)
        except (OSError, RuntimeError) as error:
            if (reason := disk_full_reason(error)) is None:
                raise
            raise TrainingError(
                f"{path}: cannot be saved ({reason}); make room, then resume from the checkpoint "
                "before it with ckpt_path=last"
            ) from None

    def _write(self, checkpoint: dict[str, Any], path: Path) -> None:
        with path.open("wb") as file:
            torch.save(checkpoint, file)
            file.flush()
            os.fsync(file.fileno())
