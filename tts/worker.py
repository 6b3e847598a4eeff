"""One rank of a distributed run: ``python -m tts.worker RUN.json RESULT.json``.

It reads the resolved configuration and never Hydra's; see :mod:`tts.launch`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import NoReturn

from tts.errors import InputError, TrainingError, one_line
from tts.launch import EXIT_BAD_INPUT, EXIT_LOST_PEER, EXIT_TRAINING_FAILED


def main(run_file: str, result_file: str) -> None:
    """Train as one rank; rank 0 writes the metrics."""
    from tts.train import train

    rank = int(os.environ.get("RANK", "0"))
    run = json.loads(Path(run_file).read_text())
    try:
        metrics = train(run["config"], Path(run["output_dir"]))
    except (InputError, TrainingError) as error:
        sys.stderr.write(f"error: rank {rank}: {one_line(error)}\n")
        _leave(EXIT_BAD_INPUT if isinstance(error, InputError) else EXIT_TRAINING_FAILED)
    except KeyboardInterrupt:
        _leave(EXIT_LOST_PEER)
    except RuntimeError as error:
        if not _lost_peer(error):
            raise
        # the rank that went first has said why
        _leave(EXIT_LOST_PEER)
    if rank == 0:
        Path(result_file).write_text(json.dumps(metrics))


def _lost_peer(error: RuntimeError) -> bool:
    """Whether a collective failed because another rank is gone."""
    from torch.distributed import DistError

    return isinstance(error, DistError) or "by peer" in str(error)


def _leave(status: int) -> NoReturn:
    """End at once: the other ranks may wait in a collective, and no clean-up may wait with them."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main(*sys.argv[1:])
