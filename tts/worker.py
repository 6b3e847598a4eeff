"""One rank of a distributed run: ``python -m tts.worker RUN.json RESULT.json``.

It reads the resolved configuration and never Hydra's; see :mod:`tts.launch`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tts.errors import InputError, TrainingError, one_line
from tts.launch import EXIT_BAD_INPUT, EXIT_TRAINING_FAILED


def main(run_file: str, result_file: str) -> None:
    """Train as one rank; rank 0 writes the metrics."""
    from tts.train import train

    rank = int(os.environ.get("RANK", "0"))
    run = json.loads(Path(run_file).read_text())
    try:
        metrics = train(run["config"], Path(run["output_dir"]))
    except (InputError, TrainingError) as error:
        sys.stderr.write(f"error: rank {rank}: {one_line(error)}\n")
        sys.stderr.flush()
        status = EXIT_BAD_INPUT if isinstance(error, InputError) else EXIT_TRAINING_FAILED
        # the other ranks may wait for this one in a collective: no clean-up may wait with them
        os._exit(status)
    if rank == 0:
        Path(result_file).write_text(json.dumps(metrics))


if __name__ == "__main__":
    main(*sys.argv[1:])
