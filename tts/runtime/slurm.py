"""Under SLURM: which job this is, and how it is put back into the queue.

A job that is put back runs the same script again, with the same job id: the command then finds the
folder of the run by that id and goes on from its last checkpoint (see ``tts.runtime.run_folder``).
"""

from __future__ import annotations

import logging
import os
import subprocess

log = logging.getLogger(__name__)


def job_id() -> str | None:
    """Id of the batch job that this process belongs to, if it does; arrays have one per task."""
    if os.environ.get("SLURM_JOB_NAME") in ("bash", "interactive"):
        return None
    if array := os.environ.get("SLURM_ARRAY_JOB_ID"):
        return f"{array}_{os.environ.get('SLURM_ARRAY_TASK_ID', '0')}"
    return os.environ.get("SLURM_JOB_ID")


def was_requeued() -> bool:
    """Whether the job was put back into the queue before and now runs again."""
    return job_id() is not None and int(os.environ.get("SLURM_RESTART_COUNT", "0")) > 0


def requeue() -> None:
    """Put this job back into the queue, if it is one; a failure is said and nothing more."""
    job = job_id()
    if job is None:
        return
    command = ["scontrol", "requeue", job]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("%s: %s", " ".join(command), error)
        return
    if run.returncode:
        log.warning("%s: %s", " ".join(command), run.stderr.strip() or run.returncode)
    else:
        log.info("job %s is back in the queue", job)
