"""Names the SLURM job that this process belongs to, and requeues it.

SLURM runs the script of a requeued job again under the same job id. The command then finds the
run's folder by that id and resumes from its last checkpoint (see ``tts.runtime.run_folder``).
"""

from __future__ import annotations

import logging
import os
import subprocess

log = logging.getLogger(__name__)


def job_id() -> str | None:
    """Return the id of this process's batch job, or None; an array has one for each task."""
    if os.environ.get("SLURM_JOB_NAME") in ("bash", "interactive"):
        return None
    if array := os.environ.get("SLURM_ARRAY_JOB_ID"):
        return f"{array}_{os.environ.get('SLURM_ARRAY_TASK_ID', '0')}"
    return os.environ.get("SLURM_JOB_ID")


def was_requeued() -> bool:
    """Return whether SLURM has requeued this job before."""
    return job_id() is not None and int(os.environ.get("SLURM_RESTART_COUNT", "0")) > 0


def requeue() -> None:
    """Requeue this job, if it is one; a failure is only logged."""
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
