"""Failures of the machine are recognised by their text, which other libraries write."""

import pytest

from tts.core.errors import TrainingError
from tts.training.failures import machine_failure

CONFIG = {
    "data": {"frames_per_batch": None},
    "model": {"datamodule": {}},
}
KNOWN = {
    "CUDA out of memory. Tried to allocate 2.00 GiB.\nGPU 0 has": "out of memory at step 5; lower",
    "CUDA error: out of memory": "out of memory at step 5",
    "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`": "out of memory",
    "cuDNN error: CUDNN_STATUS_ALLOC_FAILED": "out of memory at step 5",
    "NCCL error: Failed to CUDA calloc 6291456 bytes": "out of memory at step 5",
    "MPS backend out of memory (MPS allocated: 9 GB)": "out of memory at step 5",
    "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes": "out of memory",
    "DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes.": "out of memory",
    "DataLoader worker (pid 71) is killed by signal: Killed. ": r"\(pid 71\) was ended by Killed",
    "DataLoader worker (pid 71) is killed by signal: Bus error. It is": "was ended by Bus error at",
    "DataLoader worker (pid(s) 71, 72) exited unexpectedly": r"\(pid 71, 72\) ended at",
}


@pytest.mark.parametrize("text", KNOWN)
def test_a_known_failure_is_one_line(text):
    with pytest.raises(TrainingError, match=KNOWN[text]) as error:
        raise machine_failure(RuntimeError(text), "step 5", CONFIG)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "error", [RuntimeError("shapes cannot be multiplied"), TrainingError("out of memory at once")]
)
def test_what_is_not_known_stays_as_it_is(error):
    assert machine_failure(error, "step 5", CONFIG) is None


def test_signal_of_a_dead_loader_is_read_from_the_error_underneath():
    error = RuntimeError("DataLoader worker (pid(s) 71) exited unexpectedly")
    error.__cause__ = RuntimeError("DataLoader worker (pid 71) is killed by signal: Killed. ")
    assert "(pid 71) was ended by Killed at step 5:" in str(
        machine_failure(error, "step 5", CONFIG)
    )
