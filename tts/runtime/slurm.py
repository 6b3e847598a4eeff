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


def allocated_tasks() -> int:
    """Return the number of tasks of this process's batch job; 1 outside of one."""
    # an interactive allocation starts no ranks, and has no job id for us
    return int(os.environ.get("SLURM_NTASKS", "1")) if job_id() is not None else 1


def started_tasks() -> int:
    """Return how many tasks srun has started together with this process; 0 without srun.

    A batch script that calls the command itself has the number of allocated tasks in its
    environment, too. Only srun sets the number of the tasks of a step.
    """
    return int(os.environ.get("SLURM_STEP_NUM_TASKS", "0"))


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
