"""How checkpoints are written: wholly or not at all.

Lightning 2.6 builds the file in memory and writes it to the system's folder for temporary files,
from where it is copied. Here it is written beside its destination, forced to the disk and renamed:
a kill at any moment leaves the file that was there before, and no second copy is held in memory.
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

    What a killed process has left behind is removed by the next one. Remote folders
    (``s3://...``) are left to Lightning.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        """Write the file; called on one rank.

        Raises:
            TrainingError: there is no room on the disk.
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
                f"{path}: cannot be saved ({reason}); make room, then go on from the checkpoint "
                "before it with ckpt_path=last"
            ) from None

    def _write(self, checkpoint: dict[str, Any], path: Path) -> None:
        with path.open("wb") as file:
            torch.save(checkpoint, file)
            file.flush()
            os.fsync(file.fileno())
